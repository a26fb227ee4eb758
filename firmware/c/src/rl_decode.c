/* Protobuf bytes into a struct, by its table. Messages within messages go on a stack of RL_MAX_DEPTH places. */
#include "rl_wire.h"

#include <string.h>

typedef struct {
    const rl_table *table;
    uint8_t *base;
    uint16_t end;
} level;

static const uint8_t WIRE_OF[] = {
    [RL_U32] = RL_WIRE_VARINT,      [RL_U64] = RL_WIRE_VARINT,      [RL_BOOL] = RL_WIRE_VARINT,
    [RL_SINT32] = RL_WIRE_VARINT,   [RL_SINT64] = RL_WIRE_VARINT,   [RL_DOUBLE] = RL_WIRE_FIXED64,
    [RL_FLOAT] = RL_WIRE_FIXED32,   [RL_FIXED32] = RL_WIRE_FIXED32, [RL_FIXED64] = RL_WIRE_FIXED64,
    [RL_STRING] = RL_WIRE_BYTES,    [RL_BYTES] = RL_WIRE_BYTES,     [RL_MESSAGE] = RL_WIRE_BYTES,
    [RL_VECTOR] = RL_WIRE_BYTES,
};

static const rl_row *row_of(const rl_table *table, uint32_t number)
{
    for (uint8_t i = 0u; i < table->count; i++) {
        if (table->rows[i].number == number) {
            return &table->rows[i];
        }
    }
    return NULL;
}

static int64_t zigzag(uint64_t value)
{
    uint64_t half = value >> 1u;

    return ((value & 1u) != 0u) ? -(int64_t)half - 1 : (int64_t)half;
}

/* One element of any kind but MESSAGE into its place. */
static bool store(const rl_row *row, const rl_raw *raw, uint8_t *place)
{
    uint32_t u32 = (uint32_t)raw->number;
    int64_t s64 = zigzag(raw->number);
    int32_t s32 = (int32_t)zigzag((uint64_t)u32);
    bool truth = raw->number != 0u;
    bool good = true;

    switch (row->kind) {
    case RL_U32:
    case RL_FIXED32:
    case RL_FLOAT:
        (void)memcpy(place, &u32, sizeof u32);
        break;
    case RL_U64:
    case RL_FIXED64:
    case RL_DOUBLE:
        (void)memcpy(place, &raw->number, sizeof raw->number);
        break;
    case RL_BOOL:
        (void)memcpy(place, &truth, sizeof truth);
        break;
    case RL_SINT32:
        (void)memcpy(place, &s32, sizeof s32);
        break;
    case RL_SINT64:
        (void)memcpy(place, &s64, sizeof s64);
        break;
    case RL_STRING:
        good = rl_is_utf8(raw->bytes.data, raw->bytes.size);
        (void)memcpy(place, &raw->bytes, sizeof raw->bytes);
        break;
    case RL_BYTES:
        (void)memcpy(place, &raw->bytes, sizeof raw->bytes);
        break;
    case RL_VECTOR: {
        rl_vector vector;

        good = rl_vector_take(raw->bytes, &vector);
        (void)memcpy(place, &vector, sizeof vector);
        break;
    }
    default:
        good = false;
        break;
    }
    return good;
}

/* Where the next element of a field goes, its mark set; NULL: it is one more than the struct keeps. */
static uint8_t *place_of(const rl_row *row, uint8_t *base)
{
    uint8_t *place = &base[row->offset];
    bool has = true;
    uint16_t count;

    switch (row->rule) {
    case RL_OPTIONAL:
        (void)memcpy(&base[row->mark], &has, sizeof has);
        break;
    case RL_ONEOF:
        if (base[row->mark] != row->number) {
            (void)memset(place, 0, row->size);
            base[row->mark] = row->number;
        }
        break;
    case RL_REPEATED:
        (void)memcpy(&count, &base[row->mark], sizeof count);
        place = (count < row->limit) ? &place[(size_t)count * row->size] : NULL;
        count++;
        (void)memcpy(&base[row->mark], &count, sizeof count);
        break;
    default:
        break;
    }
    return place;
}

static bool store_packed(const rl_row *row, const rl_raw *raw, uint8_t *base)
{
    rl_reader reader = {raw->bytes.data, 0u, raw->bytes.size};

    while (reader.at < reader.end) {
        rl_raw one;
        uint8_t *place;

        if (!rl_read_raw(&reader, WIRE_OF[row->kind], &one)) {
            return false;
        }
        place = place_of(row, base);
        if ((place != NULL) && !store(row, &one, place)) {
            return false;
        }
    }
    return true;
}

/* One field that is no message, or too many of a message. */
static bool take(const rl_row *row, uint8_t wire, const rl_raw *raw, uint8_t *base)
{
    uint8_t *place;

    if ((row->rule == RL_REPEATED) && (wire == RL_WIRE_BYTES) && (WIRE_OF[row->kind] != RL_WIRE_BYTES)) {
        return store_packed(row, raw, base);
    }
    if (wire != WIRE_OF[row->kind]) {
        return true; /* as protobuf: a field of another wire type is an unknown one */
    }
    place = place_of(row, base);
    return (place == NULL) || store(row, raw, place);
}

bool rl_decode(const rl_table *table, const uint8_t *data, uint16_t size, void *message)
{
    level stack[RL_MAX_DEPTH];
    unsigned depth = 0u;
    rl_reader reader = {data, 0u, size};

    (void)memset(message, 0, table->size);
    stack[0].table = table;
    stack[0].base = (uint8_t *)message;
    stack[0].end = size;
    for (;;) {
        uint32_t number;
        uint8_t wire;
        rl_raw raw;
        const rl_row *row;

        if (reader.at >= stack[depth].end) {
            if (depth == 0u) {
                return true;
            }
            depth--;
            reader.end = stack[depth].end;
            continue; /* each turn reads a byte or leaves a level: it ends */
        }
        if (!rl_read_tag(&reader, &number, &wire) || !rl_read_raw(&reader, wire, &raw)) {
            return false;
        }
        row = row_of(stack[depth].table, number);
        if (row == NULL) {
            continue;
        }
        if ((row->kind == RL_MESSAGE) && (wire == RL_WIRE_BYTES)) {
            uint8_t *place = place_of(row, stack[depth].base);

            if (place == NULL) {
                continue;
            }
            if (depth + 1u >= RL_MAX_DEPTH) {
                return false;
            }
            depth++;
            stack[depth].table = row->table;
            stack[depth].base = place;
            stack[depth].end = reader.at;
            reader.end = reader.at;
            reader.at = (uint16_t)(reader.at - raw.bytes.size);
        } else if (!take(row, wire, &raw, stack[depth].base)) {
            return false;
        } else {
            /* Taken. */
        }
    }
}
