/* Reading protobuf's wire: varints, fixed numbers, lengths. Private to the codec; knows no tables. */
#ifndef ROBOLINK_RL_WIRE_H
#define ROBOLINK_RL_WIRE_H

#include <robolink/rl_codec.h>

#define RL_WIRE_VARINT 0u
#define RL_WIRE_FIXED64 1u
#define RL_WIRE_BYTES 2u
#define RL_WIRE_FIXED32 5u

/* What stands behind a tag. */
typedef struct {
    uint64_t number; /* of VARINT, FIXED32 and FIXED64, as its bits */
    rl_bytes bytes;  /* of BYTES */
} rl_raw;

typedef struct {
    const uint8_t *data;
    uint16_t at;
    uint16_t end;
} rl_reader;

bool rl_read_varint(rl_reader *reader, uint64_t *value);
bool rl_read_raw(rl_reader *reader, uint8_t wire, rl_raw *raw);
/* A tag with a field number that protobuf allows. */
bool rl_read_tag(rl_reader *reader, uint32_t *number, uint8_t *wire);
double rl_double_of(uint64_t bits);
float rl_float_of(uint32_t bits);
/* Checks a Vector and counts its numbers. */
bool rl_vector_take(rl_bytes encoded, rl_vector *vector);

#endif
