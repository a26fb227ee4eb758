/* Written by firmware/c/generate.py from proto/robolink/v1; do not edit. */
#include "rl_rows.h"

#include <robolink/rl_messages.h>

static const rl_row rl_msg_fence_rows[] = {
    RL_ROW_PLAIN(rl_msg_fence, 1u, RL_U32, lease_epoch),
    RL_ROW_PLAIN(rl_msg_fence, 2u, RL_U32, lease_sequence),
    RL_ROW_PLAIN(rl_msg_fence, 3u, RL_U32, stop_generation),
};
const rl_table rl_msg_fence_table = {rl_msg_fence_rows, 3u, (uint16_t)sizeof(rl_msg_fence)};

static const rl_row rl_msg_value_rows[] = {
    RL_ROW_ONEOF(rl_msg_value, 1u, RL_BOOL, kind, bool_value, NULL),
    RL_ROW_ONEOF(rl_msg_value, 2u, RL_SINT64, kind, int_value, NULL),
    RL_ROW_ONEOF(rl_msg_value, 3u, RL_DOUBLE, kind, double_value, NULL),
    RL_ROW_ONEOF(rl_msg_value, 4u, RL_STRING, kind, string_value, NULL),
    RL_ROW_ONEOF(rl_msg_value, 5u, RL_BYTES, kind, bytes_value, NULL),
    RL_ROW_ONEOF(rl_msg_value, 6u, RL_VECTOR, kind, vector_value, NULL),
};
const rl_table rl_msg_value_table = {rl_msg_value_rows, 6u, (uint16_t)sizeof(rl_msg_value)};

static const rl_row rl_msg_command_rows[] = {
    RL_ROW_PLAIN(rl_msg_command, 1u, RL_BYTES, command_id),
    RL_ROW_PLAIN(rl_msg_command, 2u, RL_U32, member),
    RL_ROW_REPEATED(rl_msg_command, 3u, RL_MESSAGE, args, RL_MAX_ARGS, &rl_msg_value_table),
    RL_ROW_PLAIN(rl_msg_command, 4u, RL_U32, lease),
    RL_ROW_PLAIN(rl_msg_command, 5u, RL_U32, generation),
    RL_ROW_PLAIN(rl_msg_command, 6u, RL_U32, max_duration_ms),
    RL_ROW_PLAIN(rl_msg_command, 7u, RL_U32, on_disconnect),
};
const rl_table rl_msg_command_table = {rl_msg_command_rows, 7u, (uint16_t)sizeof(rl_msg_command)};

static const rl_row rl_msg_cancel_rows[] = {
    RL_ROW_PLAIN(rl_msg_cancel, 1u, RL_BYTES, command_id),
    RL_ROW_PLAIN(rl_msg_cancel, 2u, RL_U32, end_state),
};
const rl_table rl_msg_cancel_table = {rl_msg_cancel_rows, 2u, (uint16_t)sizeof(rl_msg_cancel)};

static const rl_row rl_msg_query_rows[] = {
    RL_ROW_PLAIN(rl_msg_query, 1u, RL_BYTES, command_id),
};
const rl_table rl_msg_query_table = {rl_msg_query_rows, 1u, (uint16_t)sizeof(rl_msg_query)};

static const rl_row rl_msg_setting_rows[] = {
    RL_ROW_PLAIN(rl_msg_setting, 1u, RL_U32, member),
    RL_ROW_PLAIN(rl_msg_setting, 2u, RL_U32, request),
    RL_ROW_OPTIONAL(rl_msg_setting, 3u, RL_MESSAGE, value, &rl_msg_value_table),
};
const rl_table rl_msg_setting_table = {rl_msg_setting_rows, 3u, (uint16_t)sizeof(rl_msg_setting)};

static const rl_row rl_msg_release_rows[] = {
    RL_ROW_PLAIN(rl_msg_release, 1u, RL_U32, generation),
};
const rl_table rl_msg_release_table = {rl_msg_release_rows, 1u, (uint16_t)sizeof(rl_msg_release)};

const rl_table rl_msg_sheet_request_table = {NULL, 0u, (uint16_t)sizeof(rl_msg_sheet_request)};

static const rl_row rl_msg_image_begin_rows[] = {
    RL_ROW_PLAIN(rl_msg_image_begin, 1u, RL_U32, transfer),
    RL_ROW_PLAIN(rl_msg_image_begin, 2u, RL_STRING, version),
    RL_ROW_PLAIN(rl_msg_image_begin, 3u, RL_U32, size),
    RL_ROW_PLAIN(rl_msg_image_begin, 4u, RL_BYTES, sha256),
    RL_ROW_PLAIN(rl_msg_image_begin, 5u, RL_U32, files),
    RL_ROW_PLAIN(rl_msg_image_begin, 6u, RL_STRING, slot),
};
const rl_table rl_msg_image_begin_table = {rl_msg_image_begin_rows, 6u, (uint16_t)sizeof(rl_msg_image_begin)};

static const rl_row rl_msg_image_file_rows[] = {
    RL_ROW_PLAIN(rl_msg_image_file, 1u, RL_U32, transfer),
    RL_ROW_PLAIN(rl_msg_image_file, 2u, RL_U32, index),
    RL_ROW_PLAIN(rl_msg_image_file, 3u, RL_STRING, path),
    RL_ROW_PLAIN(rl_msg_image_file, 4u, RL_U32, size),
    RL_ROW_PLAIN(rl_msg_image_file, 5u, RL_BYTES, sha256),
};
const rl_table rl_msg_image_file_table = {rl_msg_image_file_rows, 5u, (uint16_t)sizeof(rl_msg_image_file)};

static const rl_row rl_msg_image_order_rows[] = {
    RL_ROW_PLAIN(rl_msg_image_order, 1u, RL_U32, transfer),
    RL_ROW_PLAIN(rl_msg_image_order, 2u, RL_U32, action),
    RL_ROW_PLAIN(rl_msg_image_order, 3u, RL_STRING, slot),
};
const rl_table rl_msg_image_order_table = {rl_msg_image_order_rows, 3u, (uint16_t)sizeof(rl_msg_image_order)};

static const rl_row rl_msg_board_rows[] = {
    RL_ROW_PLAIN(rl_msg_board, 1u, RL_STRING, model),
    RL_ROW_PLAIN(rl_msg_board, 2u, RL_STRING, vendor),
    RL_ROW_PLAIN(rl_msg_board, 3u, RL_STRING, version),
    RL_ROW_PLAIN(rl_msg_board, 4u, RL_STRING, description),
    RL_ROW_REPEATED(rl_msg_board, 5u, RL_U32, stop_levels, RL_MAX_STOP_LEVELS, NULL),
    RL_ROW_PLAIN(rl_msg_board, 6u, RL_U32, on_link_loss),
};
const rl_table rl_msg_board_table = {rl_msg_board_rows, 6u, (uint16_t)sizeof(rl_msg_board)};

static const rl_row rl_msg_component_rows[] = {
    RL_ROW_PLAIN(rl_msg_component, 1u, RL_U32, id),
    RL_ROW_PLAIN(rl_msg_component, 2u, RL_STRING, name),
    RL_ROW_PLAIN(rl_msg_component, 3u, RL_U32, type),
    RL_ROW_PLAIN(rl_msg_component, 4u, RL_STRING, description),
};
const rl_table rl_msg_component_table = {rl_msg_component_rows, 4u, (uint16_t)sizeof(rl_msg_component)};

static const rl_row rl_msg_field_rows[] = {
    RL_ROW_PLAIN(rl_msg_field, 1u, RL_STRING, name),
    RL_ROW_PLAIN(rl_msg_field, 2u, RL_U32, type),
    RL_ROW_PLAIN(rl_msg_field, 3u, RL_STRING, description),
    RL_ROW_PLAIN(rl_msg_field, 4u, RL_STRING, unit),
    RL_ROW_PLAIN(rl_msg_field, 5u, RL_STRING, display_unit),
    RL_ROW_OPTIONAL(rl_msg_field, 6u, RL_DOUBLE, minimum, NULL),
    RL_ROW_OPTIONAL(rl_msg_field, 7u, RL_DOUBLE, maximum, NULL),
    RL_ROW_PLAIN(rl_msg_field, 8u, RL_U32, length),
    RL_ROW_OPTIONAL(rl_msg_field, 9u, RL_MESSAGE, default_value, &rl_msg_value_table),
    RL_ROW_REPEATED(rl_msg_field, 10u, RL_STRING, choices, RL_MAX_CHOICES, NULL),
};
const rl_table rl_msg_field_table = {rl_msg_field_rows, 10u, (uint16_t)sizeof(rl_msg_field)};

static const rl_row rl_msg_member_rows[] = {
    RL_ROW_PLAIN(rl_msg_member, 1u, RL_U32, id),
    RL_ROW_PLAIN(rl_msg_member, 2u, RL_U32, parent),
    RL_ROW_PLAIN(rl_msg_member, 3u, RL_U32, kind),
    RL_ROW_OPTIONAL(rl_msg_member, 4u, RL_MESSAGE, field, &rl_msg_field_table),
    RL_ROW_PLAIN(rl_msg_member, 5u, RL_BOOL, motion),
    RL_ROW_PLAIN(rl_msg_member, 6u, RL_U32, max_duration_ms),
    RL_ROW_PLAIN(rl_msg_member, 7u, RL_U32, on_disconnect),
    RL_ROW_PLAIN(rl_msg_member, 8u, RL_U32, ttl_ms),
};
const rl_table rl_msg_member_table = {rl_msg_member_rows, 8u, (uint16_t)sizeof(rl_msg_member)};

static const rl_row rl_msg_sheet_part_rows[] = {
    RL_ROW_PLAIN(rl_msg_sheet_part, 1u, RL_U32, index),
    RL_ROW_PLAIN(rl_msg_sheet_part, 2u, RL_U32, count),
    RL_ROW_ONEOF(rl_msg_sheet_part, 3u, RL_MESSAGE, part, board, &rl_msg_board_table),
    RL_ROW_ONEOF(rl_msg_sheet_part, 4u, RL_MESSAGE, part, component, &rl_msg_component_table),
    RL_ROW_ONEOF(rl_msg_sheet_part, 5u, RL_MESSAGE, part, member, &rl_msg_member_table),
};
const rl_table rl_msg_sheet_part_table = {rl_msg_sheet_part_rows, 5u, (uint16_t)sizeof(rl_msg_sheet_part)};

static const rl_row rl_msg_update_rows[] = {
    RL_ROW_PLAIN(rl_msg_update, 1u, RL_BYTES, command_id),
    RL_ROW_PLAIN(rl_msg_update, 2u, RL_U32, state),
    RL_ROW_PLAIN(rl_msg_update, 3u, RL_U32, cause),
    RL_ROW_PLAIN(rl_msg_update, 4u, RL_STRING, text),
    RL_ROW_REPEATED(rl_msg_update, 5u, RL_MESSAGE, results, RL_MAX_ARGS, &rl_msg_value_table),
};
const rl_table rl_msg_update_table = {rl_msg_update_rows, 5u, (uint16_t)sizeof(rl_msg_update)};

static const rl_row rl_msg_setting_result_rows[] = {
    RL_ROW_PLAIN(rl_msg_setting_result, 1u, RL_U32, member),
    RL_ROW_PLAIN(rl_msg_setting_result, 2u, RL_U32, request),
    RL_ROW_PLAIN(rl_msg_setting_result, 3u, RL_U32, cause),
    RL_ROW_PLAIN(rl_msg_setting_result, 4u, RL_STRING, text),
    RL_ROW_OPTIONAL(rl_msg_setting_result, 5u, RL_MESSAGE, value, &rl_msg_value_table),
};
const rl_table rl_msg_setting_result_table = {rl_msg_setting_result_rows, 5u, (uint16_t)sizeof(rl_msg_setting_result)};

static const rl_row rl_msg_stop_state_rows[] = {
    RL_ROW_PLAIN(rl_msg_stop_state, 1u, RL_U32, generation),
    RL_ROW_PLAIN(rl_msg_stop_state, 2u, RL_BOOL, latched),
    RL_ROW_PLAIN(rl_msg_stop_state, 3u, RL_U32, verdict),
    RL_ROW_OPTIONAL(rl_msg_stop_state, 4u, RL_FLOAT, standstill_ms, NULL),
};
const rl_table rl_msg_stop_state_table = {rl_msg_stop_state_rows, 4u, (uint16_t)sizeof(rl_msg_stop_state)};

static const rl_row rl_msg_slot_rows[] = {
    RL_ROW_PLAIN(rl_msg_slot, 1u, RL_STRING, name),
    RL_ROW_PLAIN(rl_msg_slot, 2u, RL_U32, state),
    RL_ROW_PLAIN(rl_msg_slot, 3u, RL_STRING, version),
    RL_ROW_PLAIN(rl_msg_slot, 4u, RL_BYTES, sha256),
    RL_ROW_PLAIN(rl_msg_slot, 5u, RL_BOOL, running),
};
const rl_table rl_msg_slot_table = {rl_msg_slot_rows, 5u, (uint16_t)sizeof(rl_msg_slot)};

static const rl_row rl_msg_image_state_rows[] = {
    RL_ROW_PLAIN(rl_msg_image_state, 1u, RL_U32, transfer),
    RL_ROW_PLAIN(rl_msg_image_state, 2u, RL_U32, next_offset),
    RL_ROW_PLAIN(rl_msg_image_state, 3u, RL_U32, size),
    RL_ROW_REPEATED(rl_msg_image_state, 4u, RL_MESSAGE, slots, RL_MAX_REPEATED, &rl_msg_slot_table),
    RL_ROW_PLAIN(rl_msg_image_state, 5u, RL_U32, free_bytes),
    RL_ROW_PLAIN(rl_msg_image_state, 6u, RL_U32, cause),
    RL_ROW_PLAIN(rl_msg_image_state, 7u, RL_STRING, text),
};
const rl_table rl_msg_image_state_table = {rl_msg_image_state_rows, 7u, (uint16_t)sizeof(rl_msg_image_state)};

static const rl_row rl_msg_credit_rows[] = {
    RL_ROW_PLAIN(rl_msg_credit, 1u, RL_U32, fragment_bytes),
};
const rl_table rl_msg_credit_table = {rl_msg_credit_rows, 1u, (uint16_t)sizeof(rl_msg_credit)};

static const rl_row rl_msg_hello_rows[] = {
    RL_ROW_PLAIN(rl_msg_hello, 1u, RL_U32, major),
    RL_ROW_PLAIN(rl_msg_hello, 2u, RL_U32, minor),
    RL_ROW_PLAIN(rl_msg_hello, 3u, RL_FIXED32, schema_hash),
    RL_ROW_PLAIN(rl_msg_hello, 4u, RL_FIXED32, sheet_hash),
    RL_ROW_PLAIN(rl_msg_hello, 5u, RL_FIXED32, session_id),
    RL_ROW_PLAIN(rl_msg_hello, 6u, RL_FIXED32, nonce),
    RL_ROW_PLAIN(rl_msg_hello, 7u, RL_FIXED32, echo_nonce),
    RL_ROW_PLAIN(rl_msg_hello, 8u, RL_BOOL, established),
    RL_ROW_PLAIN(rl_msg_hello, 9u, RL_U32, stop_generation),
    RL_ROW_PLAIN(rl_msg_hello, 10u, RL_BOOL, stop_latched),
    RL_ROW_PLAIN(rl_msg_hello, 11u, RL_U32, largest_message),
    RL_ROW_PLAIN(rl_msg_hello, 12u, RL_U32, fragment_credit),
    RL_ROW_PLAIN(rl_msg_hello, 13u, RL_STRING, slot),
};
const rl_table rl_msg_hello_table = {rl_msg_hello_rows, 13u, (uint16_t)sizeof(rl_msg_hello)};

static const rl_row rl_msg_stop_rows[] = {
    RL_ROW_PLAIN(rl_msg_stop, 1u, RL_U32, level),
    RL_ROW_PLAIN(rl_msg_stop, 2u, RL_U32, generation),
};
const rl_table rl_msg_stop_table = {rl_msg_stop_rows, 2u, (uint16_t)sizeof(rl_msg_stop)};

static const rl_row rl_msg_setpoint_rows[] = {
    RL_ROW_PLAIN(rl_msg_setpoint, 1u, RL_U32, member),
    RL_ROW_REPEATED(rl_msg_setpoint, 2u, RL_DOUBLE, values, RL_MAX_ARGS, NULL),
    RL_ROW_PLAIN(rl_msg_setpoint, 3u, RL_U32, ttl_ms),
    RL_ROW_PLAIN(rl_msg_setpoint, 4u, RL_U32, lease),
    RL_ROW_PLAIN(rl_msg_setpoint, 5u, RL_U32, generation),
};
const rl_table rl_msg_setpoint_table = {rl_msg_setpoint_rows, 5u, (uint16_t)sizeof(rl_msg_setpoint)};

static const rl_row rl_msg_time_rows[] = {
    RL_ROW_PLAIN(rl_msg_time, 1u, RL_U32, sent),
    RL_ROW_PLAIN(rl_msg_time, 2u, RL_U64, received_ns),
    RL_ROW_PLAIN(rl_msg_time, 3u, RL_U64, sent_ns),
    RL_ROW_PLAIN(rl_msg_time, 4u, RL_U32, error_us),
    RL_ROW_PLAIN(rl_msg_time, 5u, RL_FIXED32, clock_id),
};
const rl_table rl_msg_time_table = {rl_msg_time_rows, 5u, (uint16_t)sizeof(rl_msg_time)};

static const rl_row rl_msg_probe_rows[] = {
    RL_ROW_PLAIN(rl_msg_probe, 1u, RL_U32, number),
};
const rl_table rl_msg_probe_table = {rl_msg_probe_rows, 1u, (uint16_t)sizeof(rl_msg_probe)};

static const rl_row rl_msg_reading_rows[] = {
    RL_ROW_PLAIN(rl_msg_reading, 1u, RL_U32, member),
    RL_ROW_OPTIONAL(rl_msg_reading, 2u, RL_MESSAGE, value, &rl_msg_value_table),
};
const rl_table rl_msg_reading_table = {rl_msg_reading_rows, 2u, (uint16_t)sizeof(rl_msg_reading)};

static const rl_row rl_msg_readings_rows[] = {
    RL_ROW_REPEATED(rl_msg_readings, 1u, RL_MESSAGE, readings, RL_MAX_READINGS, &rl_msg_reading_table),
    RL_ROW_PLAIN(rl_msg_readings, 2u, RL_U64, stamp_ns),
    RL_ROW_PLAIN(rl_msg_readings, 3u, RL_U32, stamp_error_us),
};
const rl_table rl_msg_readings_table = {rl_msg_readings_rows, 3u, (uint16_t)sizeof(rl_msg_readings)};

static const rl_row rl_msg_feedback_rows[] = {
    RL_ROW_PLAIN(rl_msg_feedback, 1u, RL_BYTES, command_id),
    RL_ROW_PLAIN(rl_msg_feedback, 2u, RL_STRING, phase),
    RL_ROW_OPTIONAL(rl_msg_feedback, 3u, RL_FLOAT, progress, NULL),
};
const rl_table rl_msg_feedback_table = {rl_msg_feedback_rows, 3u, (uint16_t)sizeof(rl_msg_feedback)};

static const rl_row rl_msg_time_query_rows[] = {
    RL_ROW_PLAIN(rl_msg_time_query, 1u, RL_U32, sent),
};
const rl_table rl_msg_time_query_table = {rl_msg_time_query_rows, 1u, (uint16_t)sizeof(rl_msg_time_query)};

static const rl_row rl_msg_link_report_rows[] = {
    RL_ROW_PLAIN(rl_msg_link_report, 1u, RL_U32, number),
    RL_ROW_PLAIN(rl_msg_link_report, 2u, RL_U32, frames),
    RL_ROW_PLAIN(rl_msg_link_report, 3u, RL_U32, bad_frames),
    RL_ROW_PLAIN(rl_msg_link_report, 4u, RL_U32, out_of_sequence),
    RL_ROW_PLAIN(rl_msg_link_report, 5u, RL_U32, resent),
    RL_ROW_PLAIN(rl_msg_link_report, 6u, RL_U32, dropped),
    RL_ROW_OPTIONAL(rl_msg_link_report, 7u, RL_U32, free_memory_bytes, NULL),
    RL_ROW_PLAIN(rl_msg_link_report, 8u, RL_U32, uptime_ms),
    RL_ROW_OPTIONAL(rl_msg_link_report, 9u, RL_U32, time_error_us, NULL),
};
const rl_table rl_msg_link_report_table = {rl_msg_link_report_rows, 9u, (uint16_t)sizeof(rl_msg_link_report)};

static const rl_row rl_msg_bulk_credit_rows[] = {
    RL_ROW_PLAIN(rl_msg_bulk_credit, 1u, RL_U32, transfer),
    RL_ROW_PLAIN(rl_msg_bulk_credit, 2u, RL_U32, next_offset),
    RL_ROW_PLAIN(rl_msg_bulk_credit, 3u, RL_U32, credit),
};
const rl_table rl_msg_bulk_credit_table = {rl_msg_bulk_credit_rows, 3u, (uint16_t)sizeof(rl_msg_bulk_credit)};

const rl_table *rl_table_of_kind(uint8_t kind) {
    switch (kind) {
    case RL_FRAME_KIND_FENCE:
        return &rl_msg_fence_table;
    case RL_FRAME_KIND_COMMAND:
        return &rl_msg_command_table;
    case RL_FRAME_KIND_CANCEL:
        return &rl_msg_cancel_table;
    case RL_FRAME_KIND_QUERY:
        return &rl_msg_query_table;
    case RL_FRAME_KIND_SETTING:
        return &rl_msg_setting_table;
    case RL_FRAME_KIND_RELEASE:
        return &rl_msg_release_table;
    case RL_FRAME_KIND_SHEET_REQUEST:
        return &rl_msg_sheet_request_table;
    case RL_FRAME_KIND_IMAGE_BEGIN:
        return &rl_msg_image_begin_table;
    case RL_FRAME_KIND_IMAGE_FILE:
        return &rl_msg_image_file_table;
    case RL_FRAME_KIND_IMAGE_ORDER:
        return &rl_msg_image_order_table;
    case RL_FRAME_KIND_SHEET_PART:
        return &rl_msg_sheet_part_table;
    case RL_FRAME_KIND_UPDATE:
        return &rl_msg_update_table;
    case RL_FRAME_KIND_SETTING_RESULT:
        return &rl_msg_setting_result_table;
    case RL_FRAME_KIND_STOP_STATE:
        return &rl_msg_stop_state_table;
    case RL_FRAME_KIND_IMAGE_STATE:
        return &rl_msg_image_state_table;
    case RL_FRAME_KIND_CREDIT:
        return &rl_msg_credit_table;
    case RL_FRAME_KIND_HELLO:
        return &rl_msg_hello_table;
    case RL_FRAME_KIND_STOP:
        return &rl_msg_stop_table;
    case RL_FRAME_KIND_SETPOINT:
        return &rl_msg_setpoint_table;
    case RL_FRAME_KIND_TIME:
        return &rl_msg_time_table;
    case RL_FRAME_KIND_PROBE:
        return &rl_msg_probe_table;
    case RL_FRAME_KIND_READINGS:
        return &rl_msg_readings_table;
    case RL_FRAME_KIND_FEEDBACK:
        return &rl_msg_feedback_table;
    case RL_FRAME_KIND_TIME_QUERY:
        return &rl_msg_time_query_table;
    case RL_FRAME_KIND_LINK_REPORT:
        return &rl_msg_link_report_table;
    case RL_FRAME_KIND_BULK_CREDIT:
        return &rl_msg_bulk_credit_table;
    default:
        return NULL;
    }
}
