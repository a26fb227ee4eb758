/* A board as one FreeRTOS task. Job: the task, its lock and its clock, over a line that you bring; it holds no rule.
 *
 * It calls seven things of FreeRTOS: xTaskCreateStatic, xTaskGetTickCount, ulTaskNotifyTake, vTaskNotifyGiveFromISR,
 * xSemaphoreCreateMutexStatic, xSemaphoreTake and xSemaphoreGive. No heap: everything is static. Its configuration needs
 * configSUPPORT_STATIC_ALLOCATION 1 and INCLUDE of task notifications (the default). */
#ifndef RL_FREERTOS_H
#define RL_FREERTOS_H

#include <robolink/rl_port.h>

#include "FreeRTOS.h"
#include "semphr.h"
#include "task.h"

/* The longest pause between two turns. */
#ifndef RL_FREERTOS_TURN_MS
#define RL_FREERTOS_TURN_MS 5u
#endif
/* In words of StackType_t; see the README for what was measured. Add what your components use. */
#ifndef RL_FREERTOS_STACK_WORDS
#define RL_FREERTOS_STACK_WORDS 1024u
#endif

typedef struct {
    rl_board board;
    rl_port port;
    StaticTask_t task_memory;
    StackType_t stack[RL_FREERTOS_STACK_WORDS];
    StaticSemaphore_t lock_memory;
    SemaphoreHandle_t lock;
    TaskHandle_t task;
} rl_freertos;

/* The line: three functions that never wait, usually over a DMA or interrupt driven UART. As in rl_port.h. */
typedef struct {
    size_t (*read)(void *self, uint8_t *data, size_t capacity);
    size_t (*room)(void *self);
    void (*write)(void *self, const uint8_t *data, size_t size);
    void *self;
} rl_freertos_line;

/* Makes board and task; the task runs once the scheduler does. `rl` and what `config` points to stay for ever. NULL: good;
 * else what is wrong, in words. Give it a priority above all that may take long. */
const char *rl_freertos_start(rl_freertos *rl, const rl_board_config *config, const rl_freertos_line *line,
                              UBaseType_t priority);

/* From the interrupt that received bytes: the task has its turn at once. */
void rl_freertos_received_from_isr(rl_freertos *rl);

/* Around whatever another task does with the board or with what its components share. Short: motion waits for it. */
void rl_freertos_lock(rl_freertos *rl);
void rl_freertos_unlock(rl_freertos *rl);

/* A line for the host's log, from any task. */
void rl_freertos_log(rl_freertos *rl, const char *text);

#endif
