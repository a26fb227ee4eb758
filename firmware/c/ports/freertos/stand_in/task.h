/* Tasks of the stand-in. See FreeRTOS.h beside it. */
#ifndef STAND_IN_TASK_H
#define STAND_IN_TASK_H

#include "FreeRTOS.h"

typedef void (*TaskFunction_t)(void *);

typedef struct {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t told;
    uint32_t notified;
    TaskFunction_t function;
    void *argument;
} StaticTask_t;
typedef StaticTask_t *TaskHandle_t;

TaskHandle_t xTaskCreateStatic(TaskFunction_t function, const char *name, uint32_t stack_words, void *argument,
                               UBaseType_t priority, StackType_t *stack, StaticTask_t *memory);
TickType_t xTaskGetTickCount(void);
uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks);
void vTaskNotifyGiveFromISR(TaskHandle_t task, BaseType_t *woken);

#endif
