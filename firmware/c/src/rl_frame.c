/* Frames of the serial profile. See rl_frame.h. */
#include <robolink/rl_config.h>
#include <robolink/rl_frame.h>
#include <robolink/rl_messages.h>

#define FLAG 0x7Eu
#define ESCAPE 0x7Du
#define ESCAPE_XOR 0x20u
#define CTRL_C 0x03u
#define XON 0x11u
#define XOFF 0x13u
#define DELETE 0x7Fu
#define FIRST_PRINTABLE 0x20u
#define HEADER_BYTES 3u
#define CRC_BYTES 4u

static bool must_escape(uint8_t byte, bool hello)
{
    /* 0x03 stays free for a Ctrl-C on a port shared with a REPL, 0x11 and 0x13 for XON and XOFF. A HELLO may be typed
     * into a REPL: none of its bytes does anything there. */
    return (byte == FLAG) || (byte == ESCAPE) || (byte == CTRL_C) || (byte == XON) || (byte == XOFF) ||
           (hello && ((byte < FIRST_PRINTABLE) || (byte == DELETE)));
}

static size_t stuff(uint8_t byte, bool hello, uint8_t *out)
{
    if (must_escape(byte, hello)) {
        out[0] = ESCAPE;
        out[1] = byte ^ ESCAPE_XOR;
        return 2u;
    }
    out[0] = byte;
    return 1u;
}

size_t rl_wire_size(uint16_t body_size)
{
    return 2u * ((size_t)body_size + HEADER_BYTES + CRC_BYTES) + 2u;
}

size_t rl_frame_encode(const rl_frame *frame, uint32_t seed, uint8_t *out, size_t capacity)
{
    const uint8_t header[HEADER_BYTES] = {frame->kind, frame->seq, frame->ack};
    bool hello = frame->kind == RL_FRAME_KIND_HELLO;
    uint32_t crc;
    size_t at = 0u;

    if ((frame->size > RL_BODY_MAX) || (capacity < rl_wire_size(frame->size))) {
        return 0u;
    }
    crc = rl_crc32(hello ? 0u : seed, header, sizeof header);
    crc = rl_crc32(crc, frame->body, frame->size);
    out[at] = FLAG;
    at++;
    for (size_t i = 0u; i < HEADER_BYTES; i++) {
        at += stuff(header[i], hello, &out[at]);
    }
    for (size_t i = 0u; i < frame->size; i++) {
        at += stuff(frame->body[i], hello, &out[at]);
    }
    for (unsigned i = 0u; i < CRC_BYTES; i++) {
        at += stuff((uint8_t)(crc >> (8u * i)), hello, &out[at]);
    }
    out[at] = FLAG;
    return at + 1u;
}

/* A flag came: what stands before it. */
static bool complete(rl_decoder *decoder, rl_frame *found)
{
    uint16_t size = decoder->size;
    bool bad = decoder->escaped || decoder->too_long || (size < HEADER_BYTES + CRC_BYTES);
    bool empty = (size == 0u) && !decoder->escaped && !decoder->too_long;

    decoder->size = 0u;
    decoder->escaped = false;
    decoder->too_long = false;
    if (empty) {
        return false;
    }
    if (!bad) {
        const uint8_t *content = decoder->content;
        uint16_t body_end = (uint16_t)(size - CRC_BYTES);
        uint32_t start = (content[0] == RL_FRAME_KIND_HELLO) ? 0u : decoder->seed;
        uint32_t told = 0u;

        for (unsigned i = 0u; i < CRC_BYTES; i++) {
            told |= (uint32_t)content[body_end + i] << (8u * i);
        }
        if (rl_crc32(start, content, body_end) == told) {
            found->kind = content[0];
            found->seq = content[1];
            found->ack = content[2];
            found->body = &content[HEADER_BYTES];
            found->size = (uint16_t)(body_end - HEADER_BYTES);
            return true;
        }
    }
    decoder->bad_frames++;
    return false;
}

bool rl_decoder_take(rl_decoder *decoder, uint8_t byte, rl_frame *found)
{
    uint8_t plain = byte;

    if (byte == FLAG) {
        return complete(decoder, found);
    }
    if ((byte == ESCAPE) && !decoder->escaped) {
        decoder->escaped = true;
        return false;
    }
    if (decoder->escaped) {
        decoder->escaped = false;
        plain = byte ^ ESCAPE_XOR;
    }
    if (decoder->size < RL_CONTENT_MAX) {
        decoder->content[decoder->size] = plain;
        decoder->size++;
    } else {
        /* No frame is as long: noise up to the next flag. */
        decoder->too_long = true;
    }
    return false;
}
