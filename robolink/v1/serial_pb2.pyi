from robolink.v1 import authority_pb2 as _authority_pb2
from robolink.v1 import command_pb2 as _command_pb2
from robolink.v1 import sheet_pb2 as _sheet_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SerialFrameKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SERIAL_FRAME_KIND_UNSPECIFIED: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_FENCE: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_COMMAND: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_CANCEL: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_QUERY: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_SETTING: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_RELEASE: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_SHEET_REQUEST: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_IMAGE_BEGIN: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_IMAGE_FILE: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_IMAGE_ORDER: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_SHEET_PART: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_UPDATE: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_SETTING_RESULT: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_STOP_STATE: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_IMAGE_STATE: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_FRAGMENT: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_CREDIT: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_HELLO: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_BEAT: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_STOP: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_SETPOINT: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_TIME: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_PROBE: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_BULK_DATA: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_READINGS: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_FEEDBACK: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_TIME_QUERY: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_LINK_REPORT: _ClassVar[SerialFrameKind]
    SERIAL_FRAME_KIND_BULK_CREDIT: _ClassVar[SerialFrameKind]

class SerialMemberKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SERIAL_MEMBER_KIND_UNSPECIFIED: _ClassVar[SerialMemberKind]
    SERIAL_MEMBER_KIND_SETTING: _ClassVar[SerialMemberKind]
    SERIAL_MEMBER_KIND_READING: _ClassVar[SerialMemberKind]
    SERIAL_MEMBER_KIND_CALL: _ClassVar[SerialMemberKind]
    SERIAL_MEMBER_KIND_GOAL: _ClassVar[SerialMemberKind]
    SERIAL_MEMBER_KIND_SETPOINT: _ClassVar[SerialMemberKind]
    SERIAL_MEMBER_KIND_ARG: _ClassVar[SerialMemberKind]
    SERIAL_MEMBER_KIND_RESULT: _ClassVar[SerialMemberKind]

class SerialImageAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SERIAL_IMAGE_ACTION_UNSPECIFIED: _ClassVar[SerialImageAction]
    SERIAL_IMAGE_ACTION_TELL: _ClassVar[SerialImageAction]
    SERIAL_IMAGE_ACTION_VERIFY: _ClassVar[SerialImageAction]
    SERIAL_IMAGE_ACTION_BOOT: _ClassVar[SerialImageAction]
    SERIAL_IMAGE_ACTION_CONFIRM: _ClassVar[SerialImageAction]
    SERIAL_IMAGE_ACTION_ROLLBACK: _ClassVar[SerialImageAction]
    SERIAL_IMAGE_ACTION_ABORT: _ClassVar[SerialImageAction]

class SerialSlotState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SERIAL_SLOT_STATE_UNSPECIFIED: _ClassVar[SerialSlotState]
    SERIAL_SLOT_STATE_EMPTY: _ClassVar[SerialSlotState]
    SERIAL_SLOT_STATE_RECEIVING: _ClassVar[SerialSlotState]
    SERIAL_SLOT_STATE_VERIFYING: _ClassVar[SerialSlotState]
    SERIAL_SLOT_STATE_VERIFIED: _ClassVar[SerialSlotState]
    SERIAL_SLOT_STATE_TRIAL: _ClassVar[SerialSlotState]
    SERIAL_SLOT_STATE_CONFIRMED: _ClassVar[SerialSlotState]
    SERIAL_SLOT_STATE_DAMAGED: _ClassVar[SerialSlotState]
    SERIAL_SLOT_STATE_ROLLED_BACK: _ClassVar[SerialSlotState]
SERIAL_FRAME_KIND_UNSPECIFIED: SerialFrameKind
SERIAL_FRAME_KIND_FENCE: SerialFrameKind
SERIAL_FRAME_KIND_COMMAND: SerialFrameKind
SERIAL_FRAME_KIND_CANCEL: SerialFrameKind
SERIAL_FRAME_KIND_QUERY: SerialFrameKind
SERIAL_FRAME_KIND_SETTING: SerialFrameKind
SERIAL_FRAME_KIND_RELEASE: SerialFrameKind
SERIAL_FRAME_KIND_SHEET_REQUEST: SerialFrameKind
SERIAL_FRAME_KIND_IMAGE_BEGIN: SerialFrameKind
SERIAL_FRAME_KIND_IMAGE_FILE: SerialFrameKind
SERIAL_FRAME_KIND_IMAGE_ORDER: SerialFrameKind
SERIAL_FRAME_KIND_SHEET_PART: SerialFrameKind
SERIAL_FRAME_KIND_UPDATE: SerialFrameKind
SERIAL_FRAME_KIND_SETTING_RESULT: SerialFrameKind
SERIAL_FRAME_KIND_STOP_STATE: SerialFrameKind
SERIAL_FRAME_KIND_IMAGE_STATE: SerialFrameKind
SERIAL_FRAME_KIND_FRAGMENT: SerialFrameKind
SERIAL_FRAME_KIND_CREDIT: SerialFrameKind
SERIAL_FRAME_KIND_HELLO: SerialFrameKind
SERIAL_FRAME_KIND_BEAT: SerialFrameKind
SERIAL_FRAME_KIND_STOP: SerialFrameKind
SERIAL_FRAME_KIND_SETPOINT: SerialFrameKind
SERIAL_FRAME_KIND_TIME: SerialFrameKind
SERIAL_FRAME_KIND_PROBE: SerialFrameKind
SERIAL_FRAME_KIND_BULK_DATA: SerialFrameKind
SERIAL_FRAME_KIND_READINGS: SerialFrameKind
SERIAL_FRAME_KIND_FEEDBACK: SerialFrameKind
SERIAL_FRAME_KIND_TIME_QUERY: SerialFrameKind
SERIAL_FRAME_KIND_LINK_REPORT: SerialFrameKind
SERIAL_FRAME_KIND_BULK_CREDIT: SerialFrameKind
SERIAL_MEMBER_KIND_UNSPECIFIED: SerialMemberKind
SERIAL_MEMBER_KIND_SETTING: SerialMemberKind
SERIAL_MEMBER_KIND_READING: SerialMemberKind
SERIAL_MEMBER_KIND_CALL: SerialMemberKind
SERIAL_MEMBER_KIND_GOAL: SerialMemberKind
SERIAL_MEMBER_KIND_SETPOINT: SerialMemberKind
SERIAL_MEMBER_KIND_ARG: SerialMemberKind
SERIAL_MEMBER_KIND_RESULT: SerialMemberKind
SERIAL_IMAGE_ACTION_UNSPECIFIED: SerialImageAction
SERIAL_IMAGE_ACTION_TELL: SerialImageAction
SERIAL_IMAGE_ACTION_VERIFY: SerialImageAction
SERIAL_IMAGE_ACTION_BOOT: SerialImageAction
SERIAL_IMAGE_ACTION_CONFIRM: SerialImageAction
SERIAL_IMAGE_ACTION_ROLLBACK: SerialImageAction
SERIAL_IMAGE_ACTION_ABORT: SerialImageAction
SERIAL_SLOT_STATE_UNSPECIFIED: SerialSlotState
SERIAL_SLOT_STATE_EMPTY: SerialSlotState
SERIAL_SLOT_STATE_RECEIVING: SerialSlotState
SERIAL_SLOT_STATE_VERIFYING: SerialSlotState
SERIAL_SLOT_STATE_VERIFIED: SerialSlotState
SERIAL_SLOT_STATE_TRIAL: SerialSlotState
SERIAL_SLOT_STATE_CONFIRMED: SerialSlotState
SERIAL_SLOT_STATE_DAMAGED: SerialSlotState
SERIAL_SLOT_STATE_ROLLED_BACK: SerialSlotState

class SerialHello(_message.Message):
    __slots__ = ("major", "minor", "schema_hash", "sheet_hash", "session_id", "nonce", "echo_nonce", "established", "stop_generation", "stop_latched", "largest_message", "fragment_credit", "slot")
    MAJOR_FIELD_NUMBER: _ClassVar[int]
    MINOR_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_HASH_FIELD_NUMBER: _ClassVar[int]
    SHEET_HASH_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    ECHO_NONCE_FIELD_NUMBER: _ClassVar[int]
    ESTABLISHED_FIELD_NUMBER: _ClassVar[int]
    STOP_GENERATION_FIELD_NUMBER: _ClassVar[int]
    STOP_LATCHED_FIELD_NUMBER: _ClassVar[int]
    LARGEST_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FRAGMENT_CREDIT_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    major: int
    minor: int
    schema_hash: int
    sheet_hash: int
    session_id: int
    nonce: int
    echo_nonce: int
    established: bool
    stop_generation: int
    stop_latched: bool
    largest_message: int
    fragment_credit: int
    slot: str
    def __init__(self, major: _Optional[int] = ..., minor: _Optional[int] = ..., schema_hash: _Optional[int] = ..., sheet_hash: _Optional[int] = ..., session_id: _Optional[int] = ..., nonce: _Optional[int] = ..., echo_nonce: _Optional[int] = ..., established: _Optional[bool] = ..., stop_generation: _Optional[int] = ..., stop_latched: _Optional[bool] = ..., largest_message: _Optional[int] = ..., fragment_credit: _Optional[int] = ..., slot: _Optional[str] = ...) -> None: ...

class SerialFence(_message.Message):
    __slots__ = ("lease_epoch", "lease_sequence", "stop_generation")
    LEASE_EPOCH_FIELD_NUMBER: _ClassVar[int]
    LEASE_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STOP_GENERATION_FIELD_NUMBER: _ClassVar[int]
    lease_epoch: int
    lease_sequence: int
    stop_generation: int
    def __init__(self, lease_epoch: _Optional[int] = ..., lease_sequence: _Optional[int] = ..., stop_generation: _Optional[int] = ...) -> None: ...

class SerialCommand(_message.Message):
    __slots__ = ("command_id", "member", "args", "lease", "generation", "max_duration_ms", "on_disconnect")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    MAX_DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    ON_DISCONNECT_FIELD_NUMBER: _ClassVar[int]
    command_id: bytes
    member: int
    args: _containers.RepeatedCompositeFieldContainer[_sheet_pb2.Value]
    lease: int
    generation: int
    max_duration_ms: int
    on_disconnect: _sheet_pb2.OnDisconnect
    def __init__(self, command_id: _Optional[bytes] = ..., member: _Optional[int] = ..., args: _Optional[_Iterable[_Union[_sheet_pb2.Value, _Mapping]]] = ..., lease: _Optional[int] = ..., generation: _Optional[int] = ..., max_duration_ms: _Optional[int] = ..., on_disconnect: _Optional[_Union[_sheet_pb2.OnDisconnect, str]] = ...) -> None: ...

class SerialCancel(_message.Message):
    __slots__ = ("command_id", "end_state")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    END_STATE_FIELD_NUMBER: _ClassVar[int]
    command_id: bytes
    end_state: _command_pb2.CommandState
    def __init__(self, command_id: _Optional[bytes] = ..., end_state: _Optional[_Union[_command_pb2.CommandState, str]] = ...) -> None: ...

class SerialQuery(_message.Message):
    __slots__ = ("command_id",)
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    command_id: bytes
    def __init__(self, command_id: _Optional[bytes] = ...) -> None: ...

class SerialUpdate(_message.Message):
    __slots__ = ("command_id", "state", "cause", "text", "results")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    command_id: bytes
    state: _command_pb2.CommandState
    cause: _authority_pb2.Cause
    text: str
    results: _containers.RepeatedCompositeFieldContainer[_sheet_pb2.Value]
    def __init__(self, command_id: _Optional[bytes] = ..., state: _Optional[_Union[_command_pb2.CommandState, str]] = ..., cause: _Optional[_Union[_authority_pb2.Cause, str]] = ..., text: _Optional[str] = ..., results: _Optional[_Iterable[_Union[_sheet_pb2.Value, _Mapping]]] = ...) -> None: ...

class SerialFeedback(_message.Message):
    __slots__ = ("command_id", "phase", "progress")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    command_id: bytes
    phase: str
    progress: float
    def __init__(self, command_id: _Optional[bytes] = ..., phase: _Optional[str] = ..., progress: _Optional[float] = ...) -> None: ...

class SerialSetpoint(_message.Message):
    __slots__ = ("member", "values", "ttl_ms", "lease", "generation")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    member: int
    values: _containers.RepeatedScalarFieldContainer[float]
    ttl_ms: int
    lease: int
    generation: int
    def __init__(self, member: _Optional[int] = ..., values: _Optional[_Iterable[float]] = ..., ttl_ms: _Optional[int] = ..., lease: _Optional[int] = ..., generation: _Optional[int] = ...) -> None: ...

class SerialSetting(_message.Message):
    __slots__ = ("member", "request", "value")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    member: int
    request: int
    value: _sheet_pb2.Value
    def __init__(self, member: _Optional[int] = ..., request: _Optional[int] = ..., value: _Optional[_Union[_sheet_pb2.Value, _Mapping]] = ...) -> None: ...

class SerialSettingResult(_message.Message):
    __slots__ = ("member", "request", "cause", "text", "value")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    member: int
    request: int
    cause: _authority_pb2.Cause
    text: str
    value: _sheet_pb2.Value
    def __init__(self, member: _Optional[int] = ..., request: _Optional[int] = ..., cause: _Optional[_Union[_authority_pb2.Cause, str]] = ..., text: _Optional[str] = ..., value: _Optional[_Union[_sheet_pb2.Value, _Mapping]] = ...) -> None: ...

class SerialReading(_message.Message):
    __slots__ = ("member", "value")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    member: int
    value: _sheet_pb2.Value
    def __init__(self, member: _Optional[int] = ..., value: _Optional[_Union[_sheet_pb2.Value, _Mapping]] = ...) -> None: ...

class SerialReadings(_message.Message):
    __slots__ = ("readings", "stamp_ns", "stamp_error_us")
    READINGS_FIELD_NUMBER: _ClassVar[int]
    STAMP_NS_FIELD_NUMBER: _ClassVar[int]
    STAMP_ERROR_US_FIELD_NUMBER: _ClassVar[int]
    readings: _containers.RepeatedCompositeFieldContainer[SerialReading]
    stamp_ns: int
    stamp_error_us: int
    def __init__(self, readings: _Optional[_Iterable[_Union[SerialReading, _Mapping]]] = ..., stamp_ns: _Optional[int] = ..., stamp_error_us: _Optional[int] = ...) -> None: ...

class SerialStop(_message.Message):
    __slots__ = ("level", "generation")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    level: _sheet_pb2.StopLevel
    generation: int
    def __init__(self, level: _Optional[_Union[_sheet_pb2.StopLevel, str]] = ..., generation: _Optional[int] = ...) -> None: ...

class SerialStopState(_message.Message):
    __slots__ = ("generation", "latched", "verdict", "standstill_ms")
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    LATCHED_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    STANDSTILL_MS_FIELD_NUMBER: _ClassVar[int]
    generation: int
    latched: bool
    verdict: _authority_pb2.StopVerdict
    standstill_ms: float
    def __init__(self, generation: _Optional[int] = ..., latched: _Optional[bool] = ..., verdict: _Optional[_Union[_authority_pb2.StopVerdict, str]] = ..., standstill_ms: _Optional[float] = ...) -> None: ...

class SerialRelease(_message.Message):
    __slots__ = ("generation",)
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    generation: int
    def __init__(self, generation: _Optional[int] = ...) -> None: ...

class SerialSheetRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SerialSheetPart(_message.Message):
    __slots__ = ("index", "count", "board", "component", "member")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    BOARD_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    index: int
    count: int
    board: SerialBoard
    component: SerialComponent
    member: SerialMember
    def __init__(self, index: _Optional[int] = ..., count: _Optional[int] = ..., board: _Optional[_Union[SerialBoard, _Mapping]] = ..., component: _Optional[_Union[SerialComponent, _Mapping]] = ..., member: _Optional[_Union[SerialMember, _Mapping]] = ...) -> None: ...

class SerialBoard(_message.Message):
    __slots__ = ("model", "vendor", "version", "description", "stop_levels", "on_link_loss")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VENDOR_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    STOP_LEVELS_FIELD_NUMBER: _ClassVar[int]
    ON_LINK_LOSS_FIELD_NUMBER: _ClassVar[int]
    model: str
    vendor: str
    version: str
    description: str
    stop_levels: _containers.RepeatedScalarFieldContainer[_sheet_pb2.StopLevel]
    on_link_loss: _sheet_pb2.OnDisconnect
    def __init__(self, model: _Optional[str] = ..., vendor: _Optional[str] = ..., version: _Optional[str] = ..., description: _Optional[str] = ..., stop_levels: _Optional[_Iterable[_Union[_sheet_pb2.StopLevel, str]]] = ..., on_link_loss: _Optional[_Union[_sheet_pb2.OnDisconnect, str]] = ...) -> None: ...

class SerialComponent(_message.Message):
    __slots__ = ("id", "name", "type", "description")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    id: int
    name: str
    type: _sheet_pb2.ComponentType
    description: str
    def __init__(self, id: _Optional[int] = ..., name: _Optional[str] = ..., type: _Optional[_Union[_sheet_pb2.ComponentType, str]] = ..., description: _Optional[str] = ...) -> None: ...

class SerialMember(_message.Message):
    __slots__ = ("id", "parent", "kind", "field", "motion", "max_duration_ms", "on_disconnect", "ttl_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MOTION_FIELD_NUMBER: _ClassVar[int]
    MAX_DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    ON_DISCONNECT_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    id: int
    parent: int
    kind: SerialMemberKind
    field: _sheet_pb2.Field
    motion: bool
    max_duration_ms: int
    on_disconnect: _sheet_pb2.OnDisconnect
    ttl_ms: int
    def __init__(self, id: _Optional[int] = ..., parent: _Optional[int] = ..., kind: _Optional[_Union[SerialMemberKind, str]] = ..., field: _Optional[_Union[_sheet_pb2.Field, _Mapping]] = ..., motion: _Optional[bool] = ..., max_duration_ms: _Optional[int] = ..., on_disconnect: _Optional[_Union[_sheet_pb2.OnDisconnect, str]] = ..., ttl_ms: _Optional[int] = ...) -> None: ...

class SerialCredit(_message.Message):
    __slots__ = ("fragment_bytes",)
    FRAGMENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    fragment_bytes: int
    def __init__(self, fragment_bytes: _Optional[int] = ...) -> None: ...

class SerialProbe(_message.Message):
    __slots__ = ("number",)
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    number: int
    def __init__(self, number: _Optional[int] = ...) -> None: ...

class SerialLinkReport(_message.Message):
    __slots__ = ("number", "frames", "bad_frames", "out_of_sequence", "resent", "dropped", "free_memory_bytes", "uptime_ms", "time_error_us")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    BAD_FRAMES_FIELD_NUMBER: _ClassVar[int]
    OUT_OF_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    RESENT_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    FREE_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    UPTIME_MS_FIELD_NUMBER: _ClassVar[int]
    TIME_ERROR_US_FIELD_NUMBER: _ClassVar[int]
    number: int
    frames: int
    bad_frames: int
    out_of_sequence: int
    resent: int
    dropped: int
    free_memory_bytes: int
    uptime_ms: int
    time_error_us: int
    def __init__(self, number: _Optional[int] = ..., frames: _Optional[int] = ..., bad_frames: _Optional[int] = ..., out_of_sequence: _Optional[int] = ..., resent: _Optional[int] = ..., dropped: _Optional[int] = ..., free_memory_bytes: _Optional[int] = ..., uptime_ms: _Optional[int] = ..., time_error_us: _Optional[int] = ...) -> None: ...

class SerialTimeQuery(_message.Message):
    __slots__ = ("sent",)
    SENT_FIELD_NUMBER: _ClassVar[int]
    sent: int
    def __init__(self, sent: _Optional[int] = ...) -> None: ...

class SerialTime(_message.Message):
    __slots__ = ("sent", "received_ns", "sent_ns", "error_us", "clock_id")
    SENT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_NS_FIELD_NUMBER: _ClassVar[int]
    SENT_NS_FIELD_NUMBER: _ClassVar[int]
    ERROR_US_FIELD_NUMBER: _ClassVar[int]
    CLOCK_ID_FIELD_NUMBER: _ClassVar[int]
    sent: int
    received_ns: int
    sent_ns: int
    error_us: int
    clock_id: int
    def __init__(self, sent: _Optional[int] = ..., received_ns: _Optional[int] = ..., sent_ns: _Optional[int] = ..., error_us: _Optional[int] = ..., clock_id: _Optional[int] = ...) -> None: ...

class SerialBulkCredit(_message.Message):
    __slots__ = ("transfer", "next_offset", "credit")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    NEXT_OFFSET_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    transfer: int
    next_offset: int
    credit: int
    def __init__(self, transfer: _Optional[int] = ..., next_offset: _Optional[int] = ..., credit: _Optional[int] = ...) -> None: ...

class SerialImageBegin(_message.Message):
    __slots__ = ("transfer", "version", "size", "sha256", "files", "slot")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    transfer: int
    version: str
    size: int
    sha256: bytes
    files: int
    slot: str
    def __init__(self, transfer: _Optional[int] = ..., version: _Optional[str] = ..., size: _Optional[int] = ..., sha256: _Optional[bytes] = ..., files: _Optional[int] = ..., slot: _Optional[str] = ...) -> None: ...

class SerialImageFile(_message.Message):
    __slots__ = ("transfer", "index", "path", "size", "sha256")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    transfer: int
    index: int
    path: str
    size: int
    sha256: bytes
    def __init__(self, transfer: _Optional[int] = ..., index: _Optional[int] = ..., path: _Optional[str] = ..., size: _Optional[int] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class SerialImageOrder(_message.Message):
    __slots__ = ("transfer", "action", "slot")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    transfer: int
    action: SerialImageAction
    slot: str
    def __init__(self, transfer: _Optional[int] = ..., action: _Optional[_Union[SerialImageAction, str]] = ..., slot: _Optional[str] = ...) -> None: ...

class SerialSlot(_message.Message):
    __slots__ = ("name", "state", "version", "sha256", "running")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: SerialSlotState
    version: str
    sha256: bytes
    running: bool
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[SerialSlotState, str]] = ..., version: _Optional[str] = ..., sha256: _Optional[bytes] = ..., running: _Optional[bool] = ...) -> None: ...

class SerialImageState(_message.Message):
    __slots__ = ("transfer", "next_offset", "size", "slots", "free_bytes", "cause", "text")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    NEXT_OFFSET_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    FREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    transfer: int
    next_offset: int
    size: int
    slots: _containers.RepeatedCompositeFieldContainer[SerialSlot]
    free_bytes: int
    cause: _authority_pb2.Cause
    text: str
    def __init__(self, transfer: _Optional[int] = ..., next_offset: _Optional[int] = ..., size: _Optional[int] = ..., slots: _Optional[_Iterable[_Union[SerialSlot, _Mapping]]] = ..., free_bytes: _Optional[int] = ..., cause: _Optional[_Union[_authority_pb2.Cause, str]] = ..., text: _Optional[str] = ...) -> None: ...
