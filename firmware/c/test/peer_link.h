/* A link alone, for the cases of serial_link.json. Job: requests to calls, and what its owner hears; it judges nothing. */
#ifndef PEER_LINK_H
#define PEER_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One of the letters of peer.c; false: refused, or no letter of a link. */
bool peer_link_answer(uint8_t what, const uint8_t *request, uint16_t size, uint8_t *answer, size_t capacity,
                      size_t *answer_size);

#endif
