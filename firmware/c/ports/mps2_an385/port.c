/* UART0 and SysTick of the MPS2-AN385. See port.h. */
#include "port.h"

#define CLOCK_HZ 25000000u

#define UART_DATA (*(volatile uint32_t *)0x40004000u)
#define UART_STATE (*(volatile uint32_t *)0x40004004u)
#define UART_CTRL (*(volatile uint32_t *)0x40004008u)
#define UART_INT (*(volatile uint32_t *)0x4000400Cu)
#define UART_BAUDDIV (*(volatile uint32_t *)0x40004010u)
#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CTRL_TX 1u
#define CTRL_RX 2u
#define CTRL_TX_INT 4u
#define CTRL_RX_INT 8u
#define INT_TX 1u
#define INT_RX 2u
#define BAUD 921600u

#define SYSTICK_CTRL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_LOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
#define SYSTICK_ON 7u
#define NVIC_ENABLE (*(volatile uint32_t *)0xE000E100u)

/* Powers of two. What the host sends at most without hearing from us: a window of frames. */
#define RX_BYTES 4096u
#define TX_BYTES 2048u

typedef struct {
    volatile uint32_t in;
    volatile uint32_t out;
} ring;

static uint8_t rx_bytes[RX_BYTES];
static uint8_t tx_bytes[TX_BYTES];
static ring rx;
static ring tx;
static volatile uint32_t milliseconds;
static uint32_t lost; /* bytes that found no room; their frame fails its CRC and comes again */
/* Neither set nor cleared by a reset. */
static volatile uint32_t boots __attribute__((section(".noinit")));
static uint32_t random_state;

void systick_handler(void);
void uart_rx_handler(void);
void uart_tx_handler(void);

void systick_handler(void)
{
    milliseconds++;
}

void uart_rx_handler(void)
{
    UART_INT = INT_RX;
    while ((UART_STATE & STATE_RX_FULL) != 0u) {
        uint8_t byte = (uint8_t)UART_DATA;

        if (rx.in - rx.out < RX_BYTES) {
            rx_bytes[rx.in % RX_BYTES] = byte;
            rx.in++;
        } else {
            lost++;
        }
    }
}

void uart_tx_handler(void)
{
    UART_INT = INT_TX;
    while ((tx.out != tx.in) && ((UART_STATE & STATE_TX_FULL) == 0u)) {
        UART_DATA = tx_bytes[tx.out % TX_BYTES];
        tx.out++;
    }
}

static uint32_t now_ms(void *self)
{
    (void)self;
    return milliseconds;
}

static size_t port_read(void *self, uint8_t *data, size_t capacity)
{
    size_t size = 0u;

    (void)self;
    while ((size < capacity) && (rx.out != rx.in)) {
        data[size] = rx_bytes[rx.out % RX_BYTES];
        rx.out++;
        size++;
    }
    return size;
}

static size_t port_room(void *self)
{
    (void)self;
    return TX_BYTES - (tx.in - tx.out);
}

static void port_write(void *self, const uint8_t *data, size_t size)
{
    (void)self;
    for (size_t i = 0u; i < size; i++) {
        tx_bytes[tx.in % TX_BYTES] = data[i];
        tx.in++;
    }
    /* The interrupt comes when a byte has left: the first one is pushed by hand, with interrupts away. */
    __asm volatile("cpsid i" ::: "memory");
    uart_tx_handler();
    __asm volatile("cpsie i" ::: "memory");
}

static const rl_port INTERFACE = {now_ms, port_read, port_room, port_write, NULL};

const rl_port *port_interface(void)
{
    return &INTERFACE;
}

void port_wait(void)
{
    __asm volatile("wfi");
}

uint32_t port_random_u32(void *self)
{
    (void)self;
    /* How far the core has come between two ticks differs from boot to boot; the count of resets makes sure of one. A
     * board with a random number generator uses that. */
    for (unsigned i = 0u; i < 64u; i++) {
        random_state ^= SYSTICK_VALUE + (milliseconds << 16u) + (boots << 24u) + UART_STATE;
        random_state ^= random_state << 13u;
        random_state ^= random_state >> 17u;
        random_state ^= random_state << 5u;
    }
    return random_state;
}

void port_start(void)
{
    boots++;
    random_state = 0x9E3779B9u ^ boots;
    SYSTICK_LOAD = CLOCK_HZ / 1000u - 1u;
    SYSTICK_VALUE = 0u;
    SYSTICK_CTRL = SYSTICK_ON;
    UART_BAUDDIV = CLOCK_HZ / BAUD;
    UART_CTRL = CTRL_TX | CTRL_RX | CTRL_TX_INT | CTRL_RX_INT;
    NVIC_ENABLE = 3u;
}
