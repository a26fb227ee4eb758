/* The two-wheel robot as a FreeRTOS task. Here main() stands for your board: its UART is standard input and output, a thread
 * is its receive interrupt, and the stand-in is the scheduler. On a board the three line functions go to your UART driver
 * and main() ends with vTaskStartScheduler(). */
#include "rl_freertos.h"
#include "robot.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define RX_BYTES 4096u

static robot wheels;
static rl_freertos rl;
static struct {
    pthread_mutex_t mutex;
    uint8_t bytes[RX_BYTES];
    size_t in;
    size_t out;
} rx = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static uint32_t random_u32(void *self)
{
    uint32_t made = 1u;
    int file = open("/dev/urandom", O_RDONLY);

    (void)self;
    if (file >= 0) {
        (void)!read(file, &made, sizeof made);
        (void)close(file);
    }
    return made;
}

static size_t line_read(void *self, uint8_t *data, size_t capacity)
{
    size_t size = 0u;

    (void)self;
    (void)pthread_mutex_lock(&rx.mutex);
    while ((size < capacity) && (rx.out != rx.in)) {
        data[size] = rx.bytes[rx.out % RX_BYTES];
        rx.out++;
        size++;
    }
    (void)pthread_mutex_unlock(&rx.mutex);
    return size;
}

static size_t line_room(void *self)
{
    (void)self;
    return RL_TURN_BYTES;
}

static void line_write(void *self, const uint8_t *data, size_t size)
{
    (void)self;
    (void)!write(STDOUT_FILENO, data, size);
}

/* The receive interrupt. */
static void interrupt(const uint8_t *data, size_t size)
{
    (void)pthread_mutex_lock(&rx.mutex);
    for (size_t i = 0u; (i < size) && (rx.in - rx.out < RX_BYTES); i++) {
        rx.bytes[rx.in % RX_BYTES] = data[i];
        rx.in++;
    }
    (void)pthread_mutex_unlock(&rx.mutex);
    rl_freertos_received_from_isr(&rl);
}

int main(void)
{
    const rl_freertos_line line = {line_read, line_room, line_write, NULL};
    rl_board_config config;
    const char *wrong;
    uint8_t data[256];
    ssize_t size;

    robot_init(&wheels, &config);
    config.random_u32 = random_u32;
    wrong = rl_freertos_start(&rl, &config, &line, 3u);
    if (wrong != NULL) {
        (void)fprintf(stderr, "%s\n", wrong);
        return 1;
    }
    rl_freertos_log(&rl, "two-wheel robot is a task");
    do {
        size = read(STDIN_FILENO, data, sizeof data);
        interrupt(data, (size > 0) ? (size_t)size : 0u);
    } while (size > 0);
    return 0;
}
