/* The C peer on this machine: standard input and output. */
#include "peer.h"

#include <stdio.h>

int peer_get(void)
{
    int byte = getchar_unlocked();

    return (byte == EOF) ? -1 : byte;
}

void peer_put(const uint8_t *data, size_t size)
{
    (void)fwrite(data, 1u, size, stdout);
    (void)fflush(stdout);
}

uint32_t peer_stack_used(void)
{
    return 0u;
}

int main(void)
{
    peer_serve();
    return 0;
}
