/* Vectors, memory, faults of the Cortex-M3. Job: main() runs with its memory set; a fault makes outputs safe and resets. */
#include "port.h"

#define SCB_AIRCR (*(volatile uint32_t *)0xE000ED0Cu)
#define AIRCR_RESET 0x05FA0004u
#define STACK_PAINT 0xA5A5A5A5u

extern uint32_t _data_load;
extern uint32_t _data_begin;
extern uint32_t _data_end;
extern uint32_t _bss_begin;
extern uint32_t _bss_end;
extern uint32_t _stack_limit;
extern uint32_t _stack_top;

int main(void);
void reset_handler(void);
void fault_handler(void);
void systick_handler(void);
void uart_rx_handler(void);
void uart_tx_handler(void);

static void (*on_fault)(void);

void port_on_fault(void (*safe)(void))
{
    on_fault = safe;
}

void fault_handler(void)
{
    if (on_fault != NULL) {
        on_fault();
    }
    SCB_AIRCR = AIRCR_RESET;
    for (;;) {
        /* Until the reset. */
    }
}

void reset_handler(void)
{
    const uint32_t *from = &_data_load;
    uintptr_t stack;

    for (uint32_t *to = &_data_begin; to < &_data_end; to++) {
        *to = *from;
        from++;
    }
    for (uint32_t *to = &_bss_begin; to < &_bss_end; to++) {
        *to = 0u;
    }
    /* Paint the stack up to a little below where it is now: port_stack_used looks for the paint. */
    __asm volatile("mrs %0, msp" : "=r"(stack));
    for (volatile uint32_t *to = &_stack_limit; (uintptr_t)to + 64u < stack; to++) {
        *to = STACK_PAINT;
    }
    (void)main();
    fault_handler();
}

uint32_t port_stack_used(void)
{
    const volatile uint32_t *at = &_stack_limit;

    while ((at < &_stack_top) && (*at == STACK_PAINT)) {
        at++;
    }
    return (uint32_t)((uintptr_t)&_stack_top - (uintptr_t)at);
}

typedef void (*vector)(void);

typedef struct {
    uint32_t *stack;
    vector handlers[17];
} vectors;

__attribute__((section(".vectors"), used)) static const vectors VECTORS = {
    &_stack_top,
    {
        reset_handler,
        fault_handler, /* NMI */
        fault_handler, /* HardFault */
        fault_handler, /* MemManage */
        fault_handler, /* BusFault */
        fault_handler, /* UsageFault */
        NULL, NULL, NULL, NULL,
        fault_handler, /* SVCall */
        fault_handler, /* Debug */
        NULL,
        fault_handler, /* PendSV */
        systick_handler,
        uart_rx_handler, /* IRQ 0 */
        uart_tx_handler, /* IRQ 1 */
    },
};
