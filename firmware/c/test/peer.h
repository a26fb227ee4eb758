/* The C peer of the tests: answers requests on a byte stream with what the library does. The same program on this machine
 * (peer_host.c, under sanitizers) and under QEMU (peer_mps2.c). */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>
#include <stdint.h>

/* The platform's. `get` waits; a negative number: the stream has ended. */
int peer_get(void);
void peer_put(const uint8_t *data, size_t size);
/* Bytes of stack that were ever in use; 0: not known here. */
uint32_t peer_stack_used(void);

/* Serves until the stream ends. */
void peer_serve(void);

#endif
