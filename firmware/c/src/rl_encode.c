/* A struct into protobuf bytes, by its table. Written from the end to the beginning: a length is then known when it is
 * its turn, and messages within messages need a stack of RL_MAX_DEPTH places and no second pass. */
#include "rl_wire.h"

#include <string.h>

typedef struct {
    uint8_t *start;
    uint8_t *at;
    bool full;
} writer;

typedef struct {
    const rl_table *table;
    const uint8_t *base;
    const uint8_t *end; /* where its bytes end */
    uint8_t row;        /* rows before this one are still to be written */
    uint16_t left;      /* elements of the row before it */
} level;

static void put_bytes(writer *out, const uint8_t *data, size_t size)
{
    if ((size_t)(out->at - out->start) < size) {
        out->full = true;
    } else if (size > 0u) {
        out->at -= size;
        (void)memcpy(out->at, data, size);
    } else {
        /* Nothing to write. */
    }
}

static void put_varint(writer *out, uint64_t value)
{
    uint8_t made[10];
    size_t size = 0u;
    uint64_t rest = value;

    do {
        made[size] = (uint8_t)((rest & 0x7Fu) | ((rest > 0x7Fu) ? 0x80u : 0u));
        rest >>= 7u;
        size++;
    } while ((rest != 0u) && (size < sizeof made));
    put_bytes(out, made, size);
}

static void put_fixed(writer *out, uint64_t bits, size_t size)
{
    uint8_t made[8];

    for (size_t i = 0u; i < size; i++) {
        made[i] = (uint8_t)(bits >> (8u * i));
    }
    put_bytes(out, made, size);
}

static uint64_t zigzag(int64_t value)
{
    uint64_t doubled = (uint64_t)value << 1u;

    return (value < 0) ? ~doubled : doubled;
}

static void put_vector(writer *out, const rl_vector *vector)
{
    const uint8_t *end = out->at;

    if (vector->values == NULL) {
        put_bytes(out, vector->encoded, vector->encoded_size);
    } else if (vector->count > 0u) {
        for (uint16_t i = vector->count; i > 0u; i--) {
            uint64_t bits;

            (void)memcpy(&bits, &vector->values[i - 1u], sizeof bits);
            put_fixed(out, bits, 8u);
        }
        put_varint(out, (uint64_t)(end - out->at));
        put_varint(out, (1u << 3u) | RL_WIRE_BYTES);
    } else {
        /* Empty. */
    }
    put_varint(out, (uint64_t)(end - out->at));
}

/* A number's bits as they are written; zero is the default. */
static uint64_t bits_of(uint8_t kind, const uint8_t *place)
{
    uint64_t u64 = 0u;
    uint32_t u32 = 0u;
    int64_t s64;
    int32_t s32;
    bool truth;

    switch (kind) {
    case RL_U64:
    case RL_FIXED64:
    case RL_DOUBLE:
        (void)memcpy(&u64, place, sizeof u64);
        break;
    case RL_BOOL:
        (void)memcpy(&truth, place, sizeof truth);
        u64 = truth ? 1u : 0u;
        break;
    case RL_SINT32:
        (void)memcpy(&s32, place, sizeof s32);
        u64 = zigzag((int64_t)s32);
        break;
    case RL_SINT64:
        (void)memcpy(&s64, place, sizeof s64);
        u64 = zigzag(s64);
        break;
    default: /* RL_U32, RL_FIXED32, RL_FLOAT */
        (void)memcpy(&u32, place, sizeof u32);
        u64 = u32;
        break;
    }
    return u64;
}

/* One element without its tag; the wire type that belongs into the tag. */
static uint8_t put_element(writer *out, const rl_row *row, const uint8_t *place)
{
    rl_bytes bytes;
    rl_vector vector;
    uint8_t wire = RL_WIRE_BYTES;

    switch (row->kind) {
    case RL_STRING:
    case RL_BYTES:
        (void)memcpy(&bytes, place, sizeof bytes);
        put_bytes(out, bytes.data, bytes.size);
        put_varint(out, bytes.size);
        break;
    case RL_VECTOR:
        (void)memcpy(&vector, place, sizeof vector);
        put_vector(out, &vector);
        break;
    case RL_DOUBLE:
    case RL_FIXED64:
        put_fixed(out, bits_of(row->kind, place), 8u);
        wire = RL_WIRE_FIXED64;
        break;
    case RL_FLOAT:
    case RL_FIXED32:
        put_fixed(out, bits_of(row->kind, place), 4u);
        wire = RL_WIRE_FIXED32;
        break;
    default:
        put_varint(out, bits_of(row->kind, place));
        wire = RL_WIRE_VARINT;
        break;
    }
    return wire;
}

static void put_tag(writer *out, const rl_row *row, uint8_t wire)
{
    put_varint(out, ((uint64_t)row->number << 3u) | wire);
}

static bool is_default(const rl_row *row, const uint8_t *place)
{
    rl_bytes bytes;

    if ((row->kind == RL_STRING) || (row->kind == RL_BYTES)) {
        (void)memcpy(&bytes, place, sizeof bytes);
        return bytes.size == 0u;
    }
    return bits_of(row->kind, place) == 0u;
}

/* How many elements of the row are to be written. */
static uint16_t count_of(const rl_row *row, const uint8_t *base)
{
    uint16_t count = 1u;
    bool has;

    switch (row->rule) {
    case RL_OPTIONAL:
        (void)memcpy(&has, &base[row->mark], sizeof has);
        count = has ? 1u : 0u;
        break;
    case RL_ONEOF:
        count = (base[row->mark] == row->number) ? 1u : 0u;
        break;
    case RL_REPEATED:
        (void)memcpy(&count, &base[row->mark], sizeof count);
        break;
    default:
        if (is_default(row, &base[row->offset])) {
            count = 0u;
        }
        break;
    }
    return count;
}

static bool is_packed(const rl_row *row)
{
    return (row->rule == RL_REPEATED) && (row->kind != RL_STRING) && (row->kind != RL_BYTES) &&
           (row->kind != RL_MESSAGE) && (row->kind != RL_VECTOR);
}

static void put_packed(writer *out, const rl_row *row, const uint8_t *base, uint16_t count)
{
    const uint8_t *end = out->at;

    for (uint16_t i = count; i > 0u; i--) {
        (void)put_element(out, row, &base[row->offset + (size_t)(i - 1u) * row->size]);
    }
    put_varint(out, (uint64_t)(end - out->at));
    put_tag(out, row, RL_WIRE_BYTES);
}

/* The last element that is left of the level's row. True: it is a message, and the next level. */
static bool put_next(writer *out, level *here, level *next)
{
    const rl_row *row = &here->table->rows[here->row - 1u];
    const uint8_t *place = &here->base[row->offset + (size_t)(here->left - 1u) * row->size];

    if (row->kind == RL_MESSAGE) {
        next->table = row->table;
        next->base = place;
        next->end = out->at;
        next->row = row->table->count;
        next->left = 0u;
        return true;
    }
    put_tag(out, row, put_element(out, row, place));
    here->left--;
    if (here->left == 0u) {
        here->row--;
    }
    return false;
}

/* The level's message is written: its length and tag, and one less to do above. */
static void leave(writer *out, const level *done, level *above)
{
    put_varint(out, (uint64_t)(done->end - out->at));
    put_tag(out, &above->table->rows[above->row - 1u], RL_WIRE_BYTES);
    above->left--;
    if (above->left == 0u) {
        above->row--;
    }
}

bool rl_encode(const rl_table *table, const void *message, uint8_t *out, uint16_t capacity, uint16_t *size)
{
    writer to = {out, &out[capacity], false};
    level stack[RL_MAX_DEPTH];
    unsigned depth = 0u;

    stack[0].table = table;
    stack[0].base = (const uint8_t *)message;
    stack[0].end = to.at;
    stack[0].row = table->count;
    stack[0].left = 0u;
    /* Each turn writes an element, leaves a row or leaves a level: it ends. */
    while (!to.full && ((depth > 0u) || (stack[0].row > 0u))) {
        level *here = &stack[depth];
        const rl_row *row;
        uint16_t count;

        if (here->row == 0u) {
            depth--;
            leave(&to, here, &stack[depth]);
            continue;
        }
        if (here->left > 0u) {
            if (depth + 1u >= RL_MAX_DEPTH) {
                return false;
            }
            depth += put_next(&to, here, &stack[depth + 1u]) ? 1u : 0u;
            continue;
        }
        row = &here->table->rows[here->row - 1u];
        count = count_of(row, here->base);
        if (count > row->limit) {
            return false; /* more than the struct holds */
        }
        if (is_packed(row) && (count > 0u)) {
            put_packed(&to, row, here->base, count);
            count = 0u;
        }
        here->left = count;
        if (count == 0u) {
            here->row--;
        }
    }
    if (to.full) {
        return false;
    }
    *size = (uint16_t)(&out[capacity] - to.at);
    (void)memmove(out, to.at, *size);
    return true;
}
