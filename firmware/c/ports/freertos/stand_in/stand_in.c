/* The stand-in's calls over POSIX threads; priorities and stacks are not stood in for. See FreeRTOS.h beside it. */
#include "semphr.h"
#include "task.h"

#include <time.h>

#define NS_A_MS 1000000L
#define NS_A_S 1000000000L

static pthread_key_t self_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_key(void)
{
    (void)pthread_key_create(&self_key, NULL);
}

static void *run(void *argument)
{
    StaticTask_t *task = (StaticTask_t *)argument;

    (void)pthread_setspecific(self_key, task);
    task->function(task->argument);
    return NULL;
}

TaskHandle_t xTaskCreateStatic(TaskFunction_t function, const char *name, uint32_t stack_words, void *argument,
                               UBaseType_t priority, StackType_t *stack, StaticTask_t *memory)
{
    pthread_condattr_t attributes;

    (void)name;
    (void)stack_words;
    (void)priority;
    (void)stack;
    (void)pthread_once(&once, make_key);
    memory->function = function;
    memory->argument = argument;
    memory->notified = 0u;
    (void)pthread_mutex_init(&memory->mutex, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&memory->told, &attributes);
    return (pthread_create(&memory->thread, NULL, run, memory) == 0) ? memory : NULL;
}

TickType_t xTaskGetTickCount(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (TickType_t)((uint64_t)now.tv_sec * 1000u + (uint64_t)(now.tv_nsec / NS_A_MS));
}

uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks)
{
    StaticTask_t *task = (StaticTask_t *)pthread_getspecific(self_key);
    struct timespec until;
    uint32_t notified;
    int late = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ticks / 1000u);
    until.tv_nsec += (long)(ticks % 1000u) * NS_A_MS;
    if (until.tv_nsec >= NS_A_S) {
        until.tv_sec++;
        until.tv_nsec -= NS_A_S;
    }
    (void)pthread_mutex_lock(&task->mutex);
    while ((task->notified == 0u) && (late == 0)) {
        late = pthread_cond_timedwait(&task->told, &task->mutex, &until);
    }
    notified = task->notified;
    if (clear == pdTRUE) {
        task->notified = 0u;
    } else if (task->notified > 0u) {
        task->notified--;
    } else {
        /* Nothing to take. */
    }
    (void)pthread_mutex_unlock(&task->mutex);
    return notified;
}

void vTaskNotifyGiveFromISR(TaskHandle_t task, BaseType_t *woken)
{
    (void)pthread_mutex_lock(&task->mutex);
    task->notified++;
    (void)pthread_cond_signal(&task->told);
    (void)pthread_mutex_unlock(&task->mutex);
    *woken = pdTRUE;
}

SemaphoreHandle_t xSemaphoreCreateMutexStatic(StaticSemaphore_t *memory)
{
    return (pthread_mutex_init(&memory->mutex, NULL) == 0) ? memory : NULL;
}

BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks)
{
    (void)ticks; /* the adapter always waits */
    return (pthread_mutex_lock(&semaphore->mutex) == 0) ? pdTRUE : pdFALSE;
}

BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore)
{
    return (pthread_mutex_unlock(&semaphore->mutex) == 0) ? pdTRUE : pdFALSE;
}
