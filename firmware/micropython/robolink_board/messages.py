"""Tables of the messages of proto/robolink/v1/serial.proto (a host test compares them with the schema)."""

SCHEMA_HASH = 0x72297A77
MAJOR = 1
MINOR = 0

# Enum values that the board uses.
RUNNING, SUCCEEDED, FAILED, CANCELED, PREEMPTED, STOPPED = 3, 6, 7, 8, 9, 11
CANCELING = 4
UNSUPPORTED, INVALID, LIMIT, OLDER_LEASE, BUSY, LATCHED = 4, 5, 6, 9, 10, 11
DRIVER_ERROR, DISCONNECTED, MAX_DURATION = 18, 19, 21
STORAGE, MODE = 16, 7
VERDICT_STOPPED, VERDICT_STOPPING = 1, 2
SETTING, READING, CALL, GOAL, SETPOINT, ARG, RESULT = 1, 2, 3, 4, 5, 6, 7
BOOL, INT, DOUBLE, STRING, BYTES, VECTOR = 1, 2, 3, 4, 5, 6

VECTOR_TABLE = ((1, "values", "*d"),)
VALUE = (
    (1, "bool_value", "!?"),
    (2, "int_value", "!z"),
    (3, "double_value", "!d"),
    (4, "string_value", "!s"),
    (5, "bytes_value", "!b"),
    (6, "vector_value", "!m", VECTOR_TABLE),
)
FIELD = (
    (1, "name", "s"),
    (2, "type", "u"),
    (3, "description", "s"),
    (4, "unit", "s"),
    (6, "minimum", "!d"),
    (7, "maximum", "!d"),
    (9, "default_value", "m", VALUE),
)
BOARD = (
    (1, "model", "s"),
    (2, "vendor", "s"),
    (3, "version", "s"),
    (4, "description", "s"),
    (5, "stop_levels", "*u"),
    (6, "on_link_loss", "u"),
)
COMPONENT = ((1, "id", "u"), (2, "name", "s"), (3, "type", "u"), (4, "description", "s"))
MEMBER = (
    (1, "id", "u"),
    (2, "parent", "u"),
    (3, "kind", "u"),
    (4, "field", "m", FIELD),
    (5, "motion", "?"),
    (6, "max_duration_ms", "u"),
    (7, "on_disconnect", "u"),
    (8, "ttl_ms", "u"),
)
SLOT = (
    (1, "name", "s"),
    (2, "state", "u"),
    (3, "version", "s"),
    (4, "sha256", "b"),
    (5, "running", "?"),
)
READING_TABLE = ((1, "member", "u"), (2, "value", "m", VALUE))

FENCE_KIND, COMMAND_KIND, CANCEL_KIND, QUERY_KIND, SETTING_KIND, RELEASE_KIND, SHEET_REQUEST_KIND = (
    1,
    2,
    3,
    4,
    5,
    6,
    7,
)
IMAGE_BEGIN_KIND, IMAGE_FILE_KIND, IMAGE_ORDER_KIND = 8, 9, 10
SHEET_PART_KIND, UPDATE_KIND, SETTING_RESULT_KIND, STOP_STATE_KIND, IMAGE_STATE_KIND = 16, 17, 18, 19, 20
FRAGMENT_KIND, CREDIT_KIND = 24, 25
FIRST_BEST_EFFORT = 32
HELLO_KIND, BEAT_KIND, STOP_KIND, SETPOINT_KIND, READINGS_KIND, FEEDBACK_KIND = 32, 33, 34, 35, 48, 49
TIME_KIND, PROBE_KIND, BULK_DATA_KIND = 36, 37, 38
TIME_QUERY_KIND, LINK_REPORT_KIND, BULK_CREDIT_KIND = 50, 51, 52

TABLES = {
    FENCE_KIND: ((1, "lease_epoch", "u"), (2, "lease_sequence", "u"), (3, "stop_generation", "u")),
    COMMAND_KIND: (
        (1, "command_id", "b"),
        (2, "member", "u"),
        (3, "args", "*m", VALUE),
        (4, "lease", "u"),
        (5, "generation", "u"),
        (6, "max_duration_ms", "u"),
        (7, "on_disconnect", "u"),
    ),
    CANCEL_KIND: ((1, "command_id", "b"), (2, "end_state", "u")),
    QUERY_KIND: ((1, "command_id", "b"),),
    SETTING_KIND: ((1, "member", "u"), (2, "request", "u"), (3, "value", "m", VALUE)),
    RELEASE_KIND: ((1, "generation", "u"),),
    SHEET_REQUEST_KIND: (),
    SHEET_PART_KIND: (
        (1, "index", "u"),
        (2, "count", "u"),
        (3, "board", "!m", BOARD),
        (4, "component", "!m", COMPONENT),
        (5, "member", "!m", MEMBER),
    ),
    UPDATE_KIND: (
        (1, "command_id", "b"),
        (2, "state", "u"),
        (3, "cause", "u"),
        (4, "text", "s"),
        (5, "results", "*m", VALUE),
    ),
    SETTING_RESULT_KIND: (
        (1, "member", "u"),
        (2, "request", "u"),
        (3, "cause", "u"),
        (4, "text", "s"),
        (5, "value", "m", VALUE),
    ),
    STOP_STATE_KIND: (
        (1, "generation", "u"),
        (2, "latched", "?"),
        (3, "verdict", "u"),
        (4, "standstill_ms", "!f"),
    ),
    HELLO_KIND: (
        (1, "major", "u"),
        (2, "minor", "u"),
        (3, "schema_hash", "x"),
        (4, "sheet_hash", "x"),
        (5, "session_id", "x"),
        (6, "nonce", "x"),
        (7, "echo_nonce", "x"),
        (8, "established", "?"),
        (9, "stop_generation", "u"),
        (10, "stop_latched", "?"),
        (11, "largest_message", "u"),
        (12, "fragment_credit", "u"),
        (13, "slot", "s"),
    ),
    STOP_KIND: ((1, "level", "u"), (2, "generation", "u")),
    SETPOINT_KIND: (
        (1, "member", "u"),
        (2, "values", "*d"),
        (3, "ttl_ms", "u"),
        (4, "lease", "u"),
        (5, "generation", "u"),
    ),
    READINGS_KIND: ((1, "readings", "*m", READING_TABLE), (2, "stamp_ns", "U"), (3, "stamp_error_us", "u")),
    FEEDBACK_KIND: ((1, "command_id", "b"), (2, "phase", "s"), (3, "progress", "!f")),
    CREDIT_KIND: ((1, "fragment_bytes", "u"),),
    PROBE_KIND: ((1, "number", "u"),),
    LINK_REPORT_KIND: (
        (1, "number", "u"),
        (2, "frames", "u"),
        (3, "bad_frames", "u"),
        (4, "out_of_sequence", "u"),
        (5, "resent", "u"),
        (6, "dropped", "u"),
        (7, "free_memory_bytes", "!u"),
        (8, "uptime_ms", "u"),
        (9, "time_error_us", "!u"),
    ),
    TIME_QUERY_KIND: ((1, "sent", "u"),),
    TIME_KIND: (
        (1, "sent", "u"),
        (2, "received_ns", "U"),
        (3, "sent_ns", "U"),
        (4, "error_us", "u"),
        (5, "clock_id", "x"),
    ),
    BULK_CREDIT_KIND: ((1, "transfer", "u"), (2, "next_offset", "u"), (3, "credit", "u")),
    IMAGE_BEGIN_KIND: (
        (1, "transfer", "u"),
        (2, "version", "s"),
        (3, "size", "u"),
        (4, "sha256", "b"),
        (5, "files", "u"),
        (6, "slot", "s"),
    ),
    IMAGE_FILE_KIND: (
        (1, "transfer", "u"),
        (2, "index", "u"),
        (3, "path", "s"),
        (4, "size", "u"),
        (5, "sha256", "b"),
    ),
    IMAGE_ORDER_KIND: ((1, "transfer", "u"), (2, "action", "u"), (3, "slot", "s")),
    IMAGE_STATE_KIND: (
        (1, "transfer", "u"),
        (2, "next_offset", "u"),
        (3, "size", "u"),
        (4, "slots", "*m", SLOT),
        (5, "free_bytes", "u"),
        (6, "cause", "u"),
        (7, "text", "s"),
    ),
}


def to_value(plain):
    if isinstance(plain, bool):
        return {"bool_value": plain}
    if isinstance(plain, int):
        return {"int_value": plain}
    if isinstance(plain, float):
        return {"double_value": plain}
    if isinstance(plain, str):
        return {"string_value": plain}
    if isinstance(plain, bytes):
        return {"bytes_value": plain}
    return {"vector_value": {"values": [float(each) for each in plain]}}


def from_value(value):
    for name in value:
        if name == "vector_value":
            return tuple(value[name]["values"])
        return value[name]
    return None
