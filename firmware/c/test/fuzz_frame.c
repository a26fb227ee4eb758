/* libFuzzer: any bytes on the line, and any frame written and read again. */
#include <robolink/rl_frame.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void any_bytes(const uint8_t *data, size_t size)
{
    static rl_decoder decoder;
    rl_frame found;

    (void)memset(&decoder, 0, sizeof decoder);
    decoder.seed = 7u;
    for (size_t i = 0u; i < size; i++) {
        if (rl_decoder_take(&decoder, data[i], &found)) {
            uint8_t wire[RL_WIRE_MAX];

            need(found.size <= RL_BODY_MAX);
            need(rl_frame_encode(&found, 7u, wire, sizeof wire) >= 9u);
        }
    }
}

static void round_trip(const uint8_t *data, size_t size)
{
    size_t kept = (size - 3u < RL_BODY_MAX) ? size - 3u : RL_BODY_MAX;
    rl_frame frame = {data[0], data[1], data[2], &data[3], (uint16_t)kept};
    static rl_decoder decoder;
    uint8_t wire[RL_WIRE_MAX];
    size_t length = rl_frame_encode(&frame, 7u, wire, sizeof wire);
    rl_frame found;
    unsigned count = 0u;

    (void)memset(&decoder, 0, sizeof decoder);
    decoder.seed = 7u;
    for (size_t i = 0u; i < length; i++) {
        need((i == 0u) || (i + 1u == length) || (wire[i] != 0x7Eu));
        need((wire[i] != 0x03u) && (wire[i] != 0x11u) && (wire[i] != 0x13u));
        count += rl_decoder_take(&decoder, wire[i], &found) ? 1u : 0u;
    }
    need((count == 1u) && (found.kind == frame.kind) && (found.seq == frame.seq) && (found.ack == frame.ack));
    need((found.size == frame.size) && (memcmp(found.body, frame.body, frame.size) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    any_bytes(data, size);
    if (size >= 3u) {
        round_trip(data, size);
    }
    return 0;
}
