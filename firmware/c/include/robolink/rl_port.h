/* What a machine lends to a board: a clock and a line that never wait. Job: one turn of the main loop over them; it must
 * hold no rule. ports/ has the bare-metal one and the FreeRTOS adapter; both are made of this. */
#ifndef ROBOLINK_RL_PORT_H
#define ROBOLINK_RL_PORT_H

#include <robolink/rl_board.h>

/* The longest that one turn writes at once; `room` need not be larger. */
#define RL_TURN_BYTES (RL_WIRE_MAX + RL_LOG_BYTES)

typedef struct {
    /* Milliseconds since boot; wraps. */
    uint32_t (*now_ms)(void *self);
    /* Bytes that have come, at most `capacity`; 0: none now. */
    size_t (*read)(void *self, uint8_t *data, size_t capacity);
    /* How many bytes `write` takes now without waiting. It must be able to reach RL_TURN_BYTES. */
    size_t (*room)(void *self);
    void (*write)(void *self, const uint8_t *data, size_t size);
    void *self;
} rl_port;

/* One turn: takes what came, lets time go on, writes what is due and finds room. Call it each 1 to 20 ms, and when bytes
 * have come. */
void rl_turn(rl_board *board, const rl_port *port);

#endif
