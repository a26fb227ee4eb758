/* A board as one FreeRTOS task. See rl_freertos.h. */
#include "rl_freertos.h"

static uint32_t now_ms(void *self)
{
    (void)self;
    /* Of a tick that is no whole number of ms the error would add up: it is computed from the count, which wraps at 2^32
     * as a uint32_t of ms does when a tick is 1 ms. */
#if configTICK_RATE_HZ == 1000
    return (uint32_t)xTaskGetTickCount();
#else
#error "rl_freertos needs configTICK_RATE_HZ 1000: milliseconds that wrap at 2^32"
#endif
}

static void serve(void *argument)
{
    rl_freertos *rl = (rl_freertos *)argument;

    for (;;) {
        (void)ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(RL_FREERTOS_TURN_MS));
        rl_freertos_lock(rl);
        rl_turn(&rl->board, &rl->port);
        rl_freertos_unlock(rl);
    }
}

const char *rl_freertos_start(rl_freertos *rl, const rl_board_config *config, const rl_freertos_line *line,
                              UBaseType_t priority)
{
    const char *wrong;

    rl->port.now_ms = now_ms;
    rl->port.read = line->read;
    rl->port.room = line->room;
    rl->port.write = line->write;
    rl->port.self = line->self;
    wrong = rl_board_init(&rl->board, config, now_ms(NULL));
    if (wrong != NULL) {
        return wrong;
    }
    rl->lock = xSemaphoreCreateMutexStatic(&rl->lock_memory);
    rl->task = xTaskCreateStatic(serve, "robolink", RL_FREERTOS_STACK_WORDS, rl, priority, rl->stack, &rl->task_memory);
    return ((rl->lock == NULL) || (rl->task == NULL)) ? "FreeRTOS made no task or no mutex" : NULL;
}

void rl_freertos_received_from_isr(rl_freertos *rl)
{
    BaseType_t woken = pdFALSE;

    if (rl->task != NULL) {
        vTaskNotifyGiveFromISR(rl->task, &woken);
        portYIELD_FROM_ISR(woken);
    }
}

void rl_freertos_lock(rl_freertos *rl)
{
    while (xSemaphoreTake(rl->lock, portMAX_DELAY) != pdTRUE) {
        /* portMAX_DELAY comes back empty only where INCLUDE_vTaskSuspend is 0. */
    }
}

void rl_freertos_unlock(rl_freertos *rl)
{
    (void)xSemaphoreGive(rl->lock);
}

void rl_freertos_log(rl_freertos *rl, const char *text)
{
    rl_freertos_lock(rl);
    rl_board_log(&rl->board, text);
    rl_freertos_unlock(rl);
}
