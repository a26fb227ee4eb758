/* A board: its components as tables, and the rules of who may move them (proto/STANDARD.md, 14.4 and 14.5): the fence,
 * both watchdogs, commands once and their outcomes remembered, the latched software stop (not safety rated).
 *
 * No I/O, no clock, no allocation: bytes and `now` (uint32_t, ms, wraps) come in, bytes go out, components do the moving.
 * One thread at a time may be inside; rl_port_*.h says who takes care of that. */
#ifndef ROBOLINK_RL_BOARD_H
#define ROBOLINK_RL_BOARD_H

#include <robolink/rl_link.h>

struct rl_board_s;

/* --- What a component offers, as constant tables. */

typedef struct {
    const char *name;
    const char *unit; /* SI, as "m/s"; NULL: none */
    const char *description;
    uint32_t type; /* RL_VALUE_TYPE_…; 0 is RL_VALUE_TYPE_DOUBLE */
    bool has_minimum;
    bool has_maximum;
    double minimum;
    double maximum;
    const rl_msg_value *default_value; /* NULL: none */
} rl_field;

/* How a step of a goal ended. */
typedef enum { RL_GOES_ON, RL_SUCCEEDED, RL_FAILED } rl_progress;

/* What a call or a goal tells of itself. Texts are constants: they are not copied before the step is over. */
typedef struct {
    const char *phase;      /* goal: for feedback */
    float progress;         /* goal: 0..1; below 0: unknown */
    const char *text;       /* why it failed */
    rl_msg_value *results;  /* `member->result_count` of them, zeroed */
} rl_run;

/* Arguments are checked against type and limits before a function gets them; strings and vectors in them are gone when
 * it returns. Functions return at once: whatever takes time is a goal, which is stepped. */
typedef struct {
    uint8_t kind; /* RL_MEMBER_KIND_SETTING, READING, CALL, GOAL, SETPOINT */
    rl_field field;
    const rl_field *args; /* of a call, a goal, a setpoint */
    uint8_t arg_count;
    const rl_field *results; /* of a call, a goal */
    uint8_t result_count;
    bool motion; /* of a call; a goal and a setpoint always are motion */
    uint32_t max_duration_ms; /* 0: 60 s of a call, 600 s of a goal */
    uint32_t on_disconnect;   /* 0: RL_ON_DISCONNECT_CANCEL */
    uint32_t ttl_ms;          /* of a setpoint; 0: 300 ms */
    /* Setting, reading. A value that is left as it comes is not told: nothing is measured now. A string must stay where
     * it is until it changes. */
    void (*get)(void *self, rl_msg_value *value);
    /* Setting. NULL: applied; else why not. */
    const char *(*set)(void *self, const rl_msg_value *value);
    /* Call, and the begin of a goal: RL_FAILED with run->text refuses it. */
    rl_progress (*begin)(void *self, const rl_msg_value *args, rl_run *run);
    /* Goal. */
    rl_progress (*step)(void *self, rl_run *run);
    /* Goal: it is over, however it ended; outputs to rest. */
    void (*end)(void *self);
    /* Setpoint; zeros come when its stream ends. */
    void (*apply)(void *self, const double *values);
} rl_member;

typedef struct {
    const char *name;
    uint32_t type; /* RL_COMPONENT_TYPE_… */
    const char *description;
    const rl_member *members;
    uint8_t member_count;
    /* Each turn of the main loop: measure, control. NULL: nothing to do. */
    void (*update)(void *self, uint32_t elapsed_ms);
    /* Outputs safe, at once, at any moment. */
    void (*safe)(void *self);
    /* Measured, never assumed. */
    bool (*standstill)(void *self);
    /* Why nothing on this board may move now (the supply sags), NULL: no reason. May be NULL itself. */
    const char *(*forbids)(void *self);
    /* Actuator power; NULL: the board cannot cut it. */
    void (*power)(void *self, bool on);
} rl_component;

typedef struct {
    const rl_component *component;
    void *self;
} rl_part;

typedef struct {
    const char *model;
    const char *vendor;
    const char *version;
    const char *description;
    const rl_part *parts;
    uint8_t part_count;
    uint32_t (*random_u32)(void *self);
    void *random_self;
} rl_board_config;

/* --- The board itself. Its fields are the library's own; read what you like. */

typedef struct {
    const rl_member *member; /* NULL: nothing runs */
    uint8_t id[RL_COMMAND_ID_BYTES];
    uint8_t id_size;
    bool ending;
    uint32_t end_state;
    uint32_t end_cause;
    const char *end_text;
    uint32_t began;
    uint32_t ending_since;
    uint32_t max_duration_ms;
    uint32_t fed_back;
    bool fed_back_once;
} rl_slot; /* of one component */

typedef struct {
    uint8_t size; /* 0: free */
    uint8_t id_size;
    bool told; /* it is in the link's hands */
    uint8_t id[RL_COMMAND_ID_BYTES];
    uint8_t body[RL_OUTCOME_BYTES]; /* the encoded UPDATE */
} rl_outcome;

typedef struct {
    const rl_member *member; /* NULL: free */
    uint8_t part;
    uint32_t dies;
} rl_stream;

typedef struct rl_board_s {
    rl_board_config config;
    rl_link link;
    uint32_t generation;
    bool latched;
    uint32_t level; /* of the latched stop */
    bool cut;       /* power is off */
    bool fenced;
    uint32_t lease_epoch;
    uint32_t lease_sequence;
    const char *forbidden; /* a component says that nothing may move; NULL: none does */
    bool watching;
    bool stopping; /* standstill is waited for */
    uint32_t stopped_at;
    /* A STOP_STATE that found no room yet; it is told as soon as there is some. */
    bool state_due;
    rl_msg_stop_state state;
    uint16_t sheet_parts;
    uint16_t sheet_next;
    uint32_t stepped;
    uint32_t read;
    rl_slot slots[RL_MAX_COMPONENTS];
    rl_stream streams[RL_MAX_SETPOINTS];
    rl_outcome outcomes[RL_REMEMBERED];
    uint8_t outcome_next;
} rl_board;

/* NULL: ready. Else what is wrong with the configuration, in words, for whoever programs the board; nothing is begun. */
const char *rl_board_init(rl_board *board, const rl_board_config *config, uint32_t now);

void rl_board_receive(rl_board *board, const uint8_t *data, size_t size, uint32_t now);

/* Each 1 to 20 ms: time goes on. */
void rl_board_step(rl_board *board, uint32_t now);

/* As rl_link_output. */
size_t rl_board_output(rl_board *board, uint32_t now, uint8_t *out, size_t capacity);

/* All outputs safe, now; for fault handlers. Nothing is told to anybody. */
void rl_board_safe(rl_board *board);

/* A line for the host's log. */
void rl_board_log(rl_board *board, const char *text);

/* Numbers for values. */
rl_msg_value rl_bool(bool value);
rl_msg_value rl_int(int64_t value);
rl_msg_value rl_double(double value);
rl_msg_value rl_string(const char *value);

#endif
