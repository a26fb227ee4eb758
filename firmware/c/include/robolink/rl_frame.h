/* Frames of the serial profile (proto/STANDARD.md, 14.1): flags, stuffing, CRC-32. It knows no session but its seed, and
 * nothing of what a frame means. What came and is no frame is counted, never an error. */
#ifndef ROBOLINK_RL_FRAME_H
#define ROBOLINK_RL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RL_BODY_MAX 247u
#define RL_CONTENT_MAX 254u
/* Every byte escaped, and both flags. */
#define RL_WIRE_MAX (2u * RL_CONTENT_MAX + 2u)
/* Kinds below are sequenced: acknowledged, and sent again. */
#define RL_FIRST_BEST_EFFORT 32u

typedef struct {
    uint8_t kind;
    uint8_t seq;
    uint8_t ack;
    const uint8_t *body;
    uint16_t size;
} rl_frame;

typedef struct {
    uint32_t seed;
    uint32_t bad_frames;
    uint16_t size;
    bool escaped;
    bool too_long;
    uint8_t content[RL_CONTENT_MAX];
} rl_decoder;

/* zlib's CRC-32; `start` is the CRC of what went before, or a session's seed. */
uint32_t rl_crc32(uint32_t start, const uint8_t *data, size_t size);

/* Bytes that a frame of that body has at most on the wire. */
size_t rl_wire_size(uint16_t body_size);

/* Writes it with flags and stuffing; the seed of a HELLO is 0 whatever is given. 0: capacity is below
 * rl_wire_size(frame->size), or the body is too long. */
size_t rl_frame_encode(const rl_frame *frame, uint32_t seed, uint8_t *out, size_t capacity);

/* Takes one byte. True: it completed a frame; its body points into the decoder until the next byte. The seed may be
 * changed between two bytes. */
bool rl_decoder_take(rl_decoder *decoder, uint8_t byte, rl_frame *found);

#endif
