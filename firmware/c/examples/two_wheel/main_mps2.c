/* The two-wheel robot on bare metal (MPS2-AN385; under QEMU in the tests): its main loop. */
#include "port.h"
#include "robot.h"

static robot wheels;
static rl_board board;

static void make_safe(void)
{
    rl_board_safe(&board);
}

int main(void)
{
    rl_board_config config;
    const rl_port *port = port_interface();

    port_start();
    robot_init(&wheels, &config);
    config.random_u32 = port_random_u32;
    if (rl_board_init(&board, &config, port->now_ms(port->self)) != NULL) {
        return 1; /* a fault: outputs are safe, and it resets. A debugger shows the words. */
    }
    port_on_fault(make_safe);
    rl_board_log(&board, "two-wheel robot is up");
    for (;;) {
        rl_turn(&board, port);
        port_wait();
    }
}
