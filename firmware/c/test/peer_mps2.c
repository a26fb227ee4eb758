/* The C peer on the MPS2-AN385 under QEMU: its UART. */
#include "peer.h"

#include "port.h"

#define PIECE 1024u

int peer_get(void)
{
    const rl_port *port = port_interface();
    uint8_t byte;

    while (port->read(port->self, &byte, 1u) == 0u) {
        port_wait();
    }
    return byte;
}

void peer_put(const uint8_t *data, size_t size)
{
    const rl_port *port = port_interface();
    size_t at = 0u;

    while (at < size) {
        size_t piece = (size - at < PIECE) ? size - at : PIECE;

        while (port->room(port->self) < piece) {
            port_wait();
        }
        port->write(port->self, &data[at], piece);
        at += piece;
    }
}

uint32_t peer_stack_used(void)
{
    return port_stack_used();
}

int main(void)
{
    port_start();
    peer_serve();
    return 0;
}
