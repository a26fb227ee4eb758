/* One turn of a board's main loop. See rl_port.h. */
#include <robolink/rl_port.h>

#define READ_BYTES 64u
/* Bytes of one turn: a line that never pauses must not keep the watchdogs from their turn. */
#define READS_A_TURN 32u

void rl_turn(rl_board *board, const rl_port *port)
{
    uint8_t bytes[RL_TURN_BYTES];
    uint32_t now = port->now_ms(port->self);
    size_t size = READ_BYTES;

    for (unsigned i = 0u; (i < READS_A_TURN) && (size > 0u); i++) {
        size = port->read(port->self, bytes, READ_BYTES);
        rl_board_receive(board, bytes, size, now);
    }
    rl_board_step(board, now);
    size = RL_TURN_BYTES;
    /* What finds no room stays queued, bounded, until the next turn. */
    while ((size > 0u) && (port->room(port->self) >= RL_TURN_BYTES)) {
        size = rl_board_output(board, now, bytes, sizeof bytes);
        port->write(port->self, bytes, size);
    }
}
