/* Bare metal on the MPS2-AN385: UART0 with interrupts, SysTick for milliseconds. Job: clock, line, reset and faults; it
 * knows no robot. A port for another chip is this file's calls again. */
#ifndef PORT_H
#define PORT_H

#include <robolink/rl_port.h>

/* Clock and line, from now on. */
void port_start(void);
/* For rl_turn. */
const rl_port *port_interface(void);
/* Sleeps until an interrupt: a byte, or the next millisecond. */
void port_wait(void);
/* Differs at each boot. Not secret: this board has no source of that. */
uint32_t port_random_u32(void *self);
/* What a fault calls before it resets; set it to make outputs safe. */
void port_on_fault(void (*safe)(void));
/* Bytes of stack that were ever in use. */
uint32_t port_stack_used(void);

#endif
