/* Written by firmware/c/generate.py from proto/robolink/v1; do not edit. */
#ifndef ROBOLINK_RL_MESSAGES_H
#define ROBOLINK_RL_MESSAGES_H

#include <robolink/rl_codec.h>
#include <robolink/rl_enums.h>

typedef struct {
    uint32_t lease_epoch;
    uint32_t lease_sequence;
    uint32_t stop_generation;
} rl_msg_fence;
extern const rl_table rl_msg_fence_table;

typedef struct {
    uint8_t which_kind;
    union {
        bool bool_value;
        int64_t int_value;
        double double_value;
        rl_bytes string_value;
        rl_bytes bytes_value;
        rl_vector vector_value;
    } kind;
} rl_msg_value;
extern const rl_table rl_msg_value_table;

#define RL_VALUE_BOOL_VALUE 1u
#define RL_VALUE_INT_VALUE 2u
#define RL_VALUE_DOUBLE_VALUE 3u
#define RL_VALUE_STRING_VALUE 4u
#define RL_VALUE_BYTES_VALUE 5u
#define RL_VALUE_VECTOR_VALUE 6u

typedef struct {
    rl_bytes command_id;
    uint32_t member;
    uint16_t args_count;
    rl_msg_value args[RL_MAX_ARGS];
    uint32_t lease;
    uint32_t generation;
    uint32_t max_duration_ms;
    uint32_t on_disconnect;
} rl_msg_command;
extern const rl_table rl_msg_command_table;

typedef struct {
    rl_bytes command_id;
    uint32_t end_state;
} rl_msg_cancel;
extern const rl_table rl_msg_cancel_table;

typedef struct {
    rl_bytes command_id;
} rl_msg_query;
extern const rl_table rl_msg_query_table;

typedef struct {
    uint32_t member;
    uint32_t request;
    bool has_value;
    rl_msg_value value;
} rl_msg_setting;
extern const rl_table rl_msg_setting_table;

typedef struct {
    uint32_t generation;
} rl_msg_release;
extern const rl_table rl_msg_release_table;

typedef struct {
    uint8_t nothing;
} rl_msg_sheet_request;
extern const rl_table rl_msg_sheet_request_table;

typedef struct {
    uint32_t transfer;
    rl_bytes version;
    uint32_t size;
    rl_bytes sha256;
    uint32_t files;
    rl_bytes slot;
} rl_msg_image_begin;
extern const rl_table rl_msg_image_begin_table;

typedef struct {
    uint32_t transfer;
    uint32_t index;
    rl_bytes path;
    uint32_t size;
    rl_bytes sha256;
} rl_msg_image_file;
extern const rl_table rl_msg_image_file_table;

typedef struct {
    uint32_t transfer;
    uint32_t action;
    rl_bytes slot;
} rl_msg_image_order;
extern const rl_table rl_msg_image_order_table;

typedef struct {
    rl_bytes model;
    rl_bytes vendor;
    rl_bytes version;
    rl_bytes description;
    uint16_t stop_levels_count;
    uint32_t stop_levels[RL_MAX_STOP_LEVELS];
    uint32_t on_link_loss;
} rl_msg_board;
extern const rl_table rl_msg_board_table;

typedef struct {
    uint32_t id;
    rl_bytes name;
    uint32_t type;
    rl_bytes description;
} rl_msg_component;
extern const rl_table rl_msg_component_table;

typedef struct {
    rl_bytes name;
    uint32_t type;
    rl_bytes description;
    rl_bytes unit;
    rl_bytes display_unit;
    bool has_minimum;
    double minimum;
    bool has_maximum;
    double maximum;
    uint32_t length;
    bool has_default_value;
    rl_msg_value default_value;
    uint16_t choices_count;
    rl_bytes choices[RL_MAX_CHOICES];
} rl_msg_field;
extern const rl_table rl_msg_field_table;

typedef struct {
    uint32_t id;
    uint32_t parent;
    uint32_t kind;
    bool has_field;
    rl_msg_field field;
    bool motion;
    uint32_t max_duration_ms;
    uint32_t on_disconnect;
    uint32_t ttl_ms;
} rl_msg_member;
extern const rl_table rl_msg_member_table;

typedef struct {
    uint32_t index;
    uint32_t count;
    uint8_t which_part;
    union {
        rl_msg_board board;
        rl_msg_component component;
        rl_msg_member member;
    } part;
} rl_msg_sheet_part;
extern const rl_table rl_msg_sheet_part_table;

#define RL_SHEET_PART_BOARD 3u
#define RL_SHEET_PART_COMPONENT 4u
#define RL_SHEET_PART_MEMBER 5u

typedef struct {
    rl_bytes command_id;
    uint32_t state;
    uint32_t cause;
    rl_bytes text;
    uint16_t results_count;
    rl_msg_value results[RL_MAX_ARGS];
} rl_msg_update;
extern const rl_table rl_msg_update_table;

typedef struct {
    uint32_t member;
    uint32_t request;
    uint32_t cause;
    rl_bytes text;
    bool has_value;
    rl_msg_value value;
} rl_msg_setting_result;
extern const rl_table rl_msg_setting_result_table;

typedef struct {
    uint32_t generation;
    bool latched;
    uint32_t verdict;
    bool has_standstill_ms;
    float standstill_ms;
} rl_msg_stop_state;
extern const rl_table rl_msg_stop_state_table;

typedef struct {
    rl_bytes name;
    uint32_t state;
    rl_bytes version;
    rl_bytes sha256;
    bool running;
} rl_msg_slot;
extern const rl_table rl_msg_slot_table;

typedef struct {
    uint32_t transfer;
    uint32_t next_offset;
    uint32_t size;
    uint16_t slots_count;
    rl_msg_slot slots[RL_MAX_REPEATED];
    uint32_t free_bytes;
    uint32_t cause;
    rl_bytes text;
} rl_msg_image_state;
extern const rl_table rl_msg_image_state_table;

typedef struct {
    uint32_t fragment_bytes;
} rl_msg_credit;
extern const rl_table rl_msg_credit_table;

typedef struct {
    uint32_t major;
    uint32_t minor;
    uint32_t schema_hash;
    uint32_t sheet_hash;
    uint32_t session_id;
    uint32_t nonce;
    uint32_t echo_nonce;
    bool established;
    uint32_t stop_generation;
    bool stop_latched;
    uint32_t largest_message;
    uint32_t fragment_credit;
    rl_bytes slot;
} rl_msg_hello;
extern const rl_table rl_msg_hello_table;

typedef struct {
    uint32_t level;
    uint32_t generation;
} rl_msg_stop;
extern const rl_table rl_msg_stop_table;

typedef struct {
    uint32_t member;
    uint16_t values_count;
    double values[RL_MAX_ARGS];
    uint32_t ttl_ms;
    uint32_t lease;
    uint32_t generation;
} rl_msg_setpoint;
extern const rl_table rl_msg_setpoint_table;

typedef struct {
    uint32_t sent;
    uint64_t received_ns;
    uint64_t sent_ns;
    uint32_t error_us;
    uint32_t clock_id;
} rl_msg_time;
extern const rl_table rl_msg_time_table;

typedef struct {
    uint32_t number;
} rl_msg_probe;
extern const rl_table rl_msg_probe_table;

typedef struct {
    uint32_t member;
    bool has_value;
    rl_msg_value value;
} rl_msg_reading;
extern const rl_table rl_msg_reading_table;

typedef struct {
    uint16_t readings_count;
    rl_msg_reading readings[RL_MAX_READINGS];
    uint64_t stamp_ns;
    uint32_t stamp_error_us;
} rl_msg_readings;
extern const rl_table rl_msg_readings_table;

typedef struct {
    rl_bytes command_id;
    rl_bytes phase;
    bool has_progress;
    float progress;
} rl_msg_feedback;
extern const rl_table rl_msg_feedback_table;

typedef struct {
    uint32_t sent;
} rl_msg_time_query;
extern const rl_table rl_msg_time_query_table;

typedef struct {
    uint32_t number;
    uint32_t frames;
    uint32_t bad_frames;
    uint32_t out_of_sequence;
    uint32_t resent;
    uint32_t dropped;
    bool has_free_memory_bytes;
    uint32_t free_memory_bytes;
    uint32_t uptime_ms;
    bool has_time_error_us;
    uint32_t time_error_us;
} rl_msg_link_report;
extern const rl_table rl_msg_link_report_table;

typedef struct {
    uint32_t transfer;
    uint32_t next_offset;
    uint32_t credit;
} rl_msg_bulk_credit;
extern const rl_table rl_msg_bulk_credit_table;

/* The table of a frame kind's body; NULL: it has none, or the kind is unknown. */
const rl_table *rl_table_of_kind(uint8_t kind);

#endif
