/* How a line of rl_messages.c becomes a row: offsets and sizes of one field. Private to the generated tables. */
#ifndef ROBOLINK_RL_ROWS_H
#define ROBOLINK_RL_ROWS_H

#include <robolink/rl_codec.h>

#define RL_OFFSET(type, place) ((uint16_t)offsetof(type, place))
#define RL_SIZE(type, place) ((uint16_t)sizeof(((const type *)0)->place))

#define RL_ROW_PLAIN(type, number, kind, field) \
    {number, kind, RL_PLAIN, 1u, RL_OFFSET(type, field), 0u, RL_SIZE(type, field), NULL}
#define RL_ROW_OPTIONAL(type, number, kind, field, table) \
    {number, kind, RL_OPTIONAL, 1u, RL_OFFSET(type, field), RL_OFFSET(type, has_##field), RL_SIZE(type, field), table}
#define RL_ROW_ONEOF(type, number, kind, oneof, field, table) \
    {number, kind, RL_ONEOF, 1u, RL_OFFSET(type, oneof.field), RL_OFFSET(type, which_##oneof), \
     RL_SIZE(type, oneof.field), table}
#define RL_ROW_REPEATED(type, number, kind, field, limit, table) \
    {number, kind, RL_REPEATED, limit, RL_OFFSET(type, field), RL_OFFSET(type, field##_count), \
     RL_SIZE(type, field[0]), table}

#endif
