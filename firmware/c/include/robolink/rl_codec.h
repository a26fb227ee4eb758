/* Protobuf for small boards: a table per message (rl_messages.c) and a plain struct. No allocation, no recursion.
 * Strings, bytes and vectors are not copied: they point into the body that was decoded, or to the caller's memory. */
#ifndef ROBOLINK_RL_CODEC_H
#define ROBOLINK_RL_CODEC_H

#include <robolink/rl_config.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Messages within messages, the outermost counted. */
#define RL_MAX_DEPTH 6u

typedef enum {
    RL_U32,
    RL_U64,
    RL_BOOL,
    RL_SINT32,
    RL_SINT64,
    RL_DOUBLE,
    RL_FLOAT,
    RL_FIXED32,
    RL_FIXED64,
    RL_STRING,
    RL_BYTES,
    RL_MESSAGE,
    RL_VECTOR
} rl_kind;

typedef enum {
    RL_PLAIN,    /* written unless it is zero */
    RL_OPTIONAL, /* `mark` is a bool */
    RL_ONEOF,    /* `mark` is a uint8_t: the number of the field that is set */
    RL_REPEATED  /* `mark` is a uint16_t: how many came; the struct keeps `limit` of them */
} rl_rule;

typedef struct {
    const uint8_t *data;
    uint16_t size;
} rl_bytes;

/* Numbers of a vector value. To send: `values` and `count`. Received: `values` is NULL; see rl_vector_at. */
typedef struct {
    const double *values;
    const uint8_t *encoded;
    uint16_t encoded_size;
    uint16_t count;
} rl_vector;

struct rl_table_s;

typedef struct {
    uint8_t number;
    uint8_t kind;
    uint8_t rule;
    uint8_t limit;
    uint16_t offset;
    uint16_t mark;
    uint16_t size; /* of one element */
    const struct rl_table_s *table;
} rl_row;

typedef struct rl_table_s {
    const rl_row *rows; /* by number, ascending */
    uint8_t count;
    uint16_t size; /* of the struct */
} rl_table;

/* Encodes `message` to the beginning of `out`. False: it does not fit, or its struct is out of bounds; `out` is then
 * of no use. */
bool rl_encode(const rl_table *table, const void *message, uint8_t *out, uint16_t capacity, uint16_t *size);

/* Decodes all of `data`. False: it is no such message. Fields that are unknown are skipped. */
bool rl_decode(const rl_table *table, const uint8_t *data, uint16_t size, void *message);

/* Number `index` of a vector, sent or received; 0.0 beyond its end. */
double rl_vector_at(const rl_vector *vector, uint16_t index);

/* Whether these bytes are UTF-8, as protobuf asks of a string. */
bool rl_is_utf8(const uint8_t *data, uint16_t size);

/* A view of a C string. */
rl_bytes rl_text(const char *text);

#endif
