/* Reading protobuf's wire, and vectors, which stay encoded. See rl_wire.h. */
#include "rl_wire.h"

#include <string.h>

#define VARINT_BYTES 10u
#define MAX_NUMBER 0x1FFFFFFFu

bool rl_read_varint(rl_reader *reader, uint64_t *value)
{
    uint64_t made = 0u;
    unsigned shift = 0u;

    for (unsigned i = 0u; i < VARINT_BYTES; i++) {
        uint8_t byte;

        if (reader->at >= reader->end) {
            return false;
        }
        byte = reader->data[reader->at];
        reader->at++;
        made |= ((uint64_t)byte & 0x7Fu) << shift;
        shift += 7u;
        if (byte < 0x80u) {
            *value = made;
            return true;
        }
    }
    return false;
}

static bool read_fixed(rl_reader *reader, unsigned size, uint64_t *value)
{
    uint64_t made = 0u;

    if ((unsigned)(reader->end - reader->at) < size) {
        return false;
    }
    for (unsigned i = 0u; i < size; i++) {
        made |= (uint64_t)reader->data[reader->at + i] << (8u * i);
    }
    reader->at = (uint16_t)(reader->at + size);
    *value = made;
    return true;
}

bool rl_read_raw(rl_reader *reader, uint8_t wire, rl_raw *raw)
{
    uint64_t size;

    raw->number = 0u;
    raw->bytes.data = NULL;
    raw->bytes.size = 0u;
    switch (wire) {
    case RL_WIRE_VARINT:
        return rl_read_varint(reader, &raw->number);
    case RL_WIRE_FIXED64:
        return read_fixed(reader, 8u, &raw->number);
    case RL_WIRE_FIXED32:
        return read_fixed(reader, 4u, &raw->number);
    case RL_WIRE_BYTES:
        if (!rl_read_varint(reader, &size) || (size > (uint64_t)(reader->end - reader->at))) {
            return false;
        }
        raw->bytes.data = &reader->data[reader->at];
        raw->bytes.size = (uint16_t)size;
        reader->at = (uint16_t)(reader->at + raw->bytes.size);
        return true;
    default:
        return false;
    }
}

bool rl_read_tag(rl_reader *reader, uint32_t *number, uint8_t *wire)
{
    uint64_t tag;

    if (!rl_read_varint(reader, &tag)) {
        return false;
    }
    *wire = (uint8_t)(tag & 7u);
    tag >>= 3u;
    if ((tag == 0u) || (tag > MAX_NUMBER)) {
        return false;
    }
    *number = (uint32_t)tag;
    return true;
}

double rl_double_of(uint64_t bits)
{
    double value;

    (void)memcpy(&value, &bits, sizeof value);
    return value;
}

float rl_float_of(uint32_t bits)
{
    float value;

    (void)memcpy(&value, &bits, sizeof value);
    return value;
}

/* Goes through an encoded Vector; counts, and takes the bits of number `wanted` on the way. */
static bool walk(rl_bytes encoded, uint16_t wanted, uint16_t *count, uint64_t *bits)
{
    rl_reader reader = {encoded.data, 0u, encoded.size};

    *count = 0u;
    while (reader.at < reader.end) {
        uint32_t number;
        uint8_t wire;
        rl_raw raw;
        rl_reader inner;

        if (!rl_read_tag(&reader, &number, &wire) || !rl_read_raw(&reader, wire, &raw)) {
            return false;
        }
        if ((number != 1u) || ((wire != RL_WIRE_BYTES) && (wire != RL_WIRE_FIXED64))) {
            continue;
        }
        if (wire == RL_WIRE_FIXED64) {
            if (*count == wanted) {
                *bits = raw.number;
            }
            (*count)++;
            continue;
        }
        inner.data = raw.bytes.data;
        inner.at = 0u;
        inner.end = raw.bytes.size;
        while (inner.at < inner.end) {
            uint64_t one;

            if (!read_fixed(&inner, 8u, &one)) {
                return false;
            }
            if (*count == wanted) {
                *bits = one;
            }
            (*count)++;
        }
    }
    return true;
}

bool rl_vector_take(rl_bytes encoded, rl_vector *vector)
{
    uint64_t bits = 0u;

    vector->values = NULL;
    vector->encoded = encoded.data;
    vector->encoded_size = encoded.size;
    return walk(encoded, UINT16_MAX, &vector->count, &bits);
}

double rl_vector_at(const rl_vector *vector, uint16_t index)
{
    rl_bytes encoded;
    uint16_t count;
    uint64_t bits = 0u;

    if (index >= vector->count) {
        return 0.0;
    }
    if (vector->values != NULL) {
        return vector->values[index];
    }
    encoded.data = vector->encoded;
    encoded.size = vector->encoded_size;
    (void)walk(encoded, index, &count, &bits);
    return rl_double_of(bits);
}

/* How many bytes may follow a lead byte; -1: it leads nothing. `low` and `high` bound the first of them. */
static int lead(uint8_t byte, uint8_t *low, uint8_t *high)
{
    int more = -1;

    *low = 0x80u;
    *high = 0xBFu;
    if (byte < 0x80u) {
        more = 0;
    } else if ((byte >= 0xC2u) && (byte <= 0xDFu)) {
        more = 1;
    } else if ((byte & 0xF0u) == 0xE0u) {
        more = 2;
        /* Neither longer than needed nor half of a surrogate pair. */
        *low = (byte == 0xE0u) ? 0xA0u : 0x80u;
        *high = (byte == 0xEDu) ? 0x9Fu : 0xBFu;
    } else if ((byte >= 0xF0u) && (byte <= 0xF4u)) {
        more = 3;
        *low = (byte == 0xF0u) ? 0x90u : 0x80u;
        *high = (byte == 0xF4u) ? 0x8Fu : 0xBFu;
    } else {
        more = -1;
    }
    return more;
}

bool rl_is_utf8(const uint8_t *data, uint16_t size)
{
    int more = 0;
    uint8_t low = 0x80u;
    uint8_t high = 0xBFu;

    for (uint16_t i = 0u; i < size; i++) {
        if (more == 0) {
            more = lead(data[i], &low, &high);
            if (more < 0) {
                return false;
            }
        } else {
            if ((data[i] < low) || (data[i] > high)) {
                return false;
            }
            low = 0x80u;
            high = 0xBFu;
            more--;
        }
    }
    return more == 0;
}

rl_bytes rl_text(const char *text)
{
    rl_bytes made = {NULL, 0u};

    if (text != NULL) {
        made.data = (const uint8_t *)text;
        made.size = (uint16_t)strlen(text);
    }
    return made;
}
