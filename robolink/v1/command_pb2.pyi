from robolink.v1 import authority_pb2 as _authority_pb2
from robolink.v1 import sheet_pb2 as _sheet_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CommandState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMMAND_STATE_UNSPECIFIED: _ClassVar[CommandState]
    COMMAND_STATE_RECEIVED: _ClassVar[CommandState]
    COMMAND_STATE_ACCEPTED: _ClassVar[CommandState]
    COMMAND_STATE_RUNNING: _ClassVar[CommandState]
    COMMAND_STATE_CANCELING: _ClassVar[CommandState]
    COMMAND_STATE_REJECTED: _ClassVar[CommandState]
    COMMAND_STATE_SUCCEEDED: _ClassVar[CommandState]
    COMMAND_STATE_FAILED: _ClassVar[CommandState]
    COMMAND_STATE_CANCELED: _ClassVar[CommandState]
    COMMAND_STATE_PREEMPTED: _ClassVar[CommandState]
    COMMAND_STATE_EXPIRED: _ClassVar[CommandState]
    COMMAND_STATE_STOPPED: _ClassVar[CommandState]
    COMMAND_STATE_LOST: _ClassVar[CommandState]
COMMAND_STATE_UNSPECIFIED: CommandState
COMMAND_STATE_RECEIVED: CommandState
COMMAND_STATE_ACCEPTED: CommandState
COMMAND_STATE_RUNNING: CommandState
COMMAND_STATE_CANCELING: CommandState
COMMAND_STATE_REJECTED: CommandState
COMMAND_STATE_SUCCEEDED: CommandState
COMMAND_STATE_FAILED: CommandState
COMMAND_STATE_CANCELED: CommandState
COMMAND_STATE_PREEMPTED: CommandState
COMMAND_STATE_EXPIRED: CommandState
COMMAND_STATE_STOPPED: CommandState
COMMAND_STATE_LOST: CommandState

class Command(_message.Message):
    __slots__ = ("method", "args", "on_disconnect", "max_duration_ms", "preempt", "claimed_by")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    ON_DISCONNECT_FIELD_NUMBER: _ClassVar[int]
    MAX_DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    PREEMPT_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_BY_FIELD_NUMBER: _ClassVar[int]
    method: str
    args: _containers.RepeatedCompositeFieldContainer[_sheet_pb2.NamedValue]
    on_disconnect: _sheet_pb2.OnDisconnect
    max_duration_ms: int
    preempt: bool
    claimed_by: str
    def __init__(self, method: _Optional[str] = ..., args: _Optional[_Iterable[_Union[_sheet_pb2.NamedValue, _Mapping]]] = ..., on_disconnect: _Optional[_Union[_sheet_pb2.OnDisconnect, str]] = ..., max_duration_ms: _Optional[int] = ..., preempt: _Optional[bool] = ..., claimed_by: _Optional[str] = ...) -> None: ...

class CommandUpdate(_message.Message):
    __slots__ = ("command_id", "robot", "state", "cause", "text", "result", "time_ns", "late_outcome", "stale")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    LATE_OUTCOME_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    command_id: bytes
    robot: str
    state: CommandState
    cause: _authority_pb2.Cause
    text: str
    result: bytes
    time_ns: int
    late_outcome: CommandUpdate
    stale: bool
    def __init__(self, command_id: _Optional[bytes] = ..., robot: _Optional[str] = ..., state: _Optional[_Union[CommandState, str]] = ..., cause: _Optional[_Union[_authority_pb2.Cause, str]] = ..., text: _Optional[str] = ..., result: _Optional[bytes] = ..., time_ns: _Optional[int] = ..., late_outcome: _Optional[_Union[CommandUpdate, _Mapping]] = ..., stale: _Optional[bool] = ...) -> None: ...

class CommandUpdateAck(_message.Message):
    __slots__ = ("command_id",)
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    command_id: bytes
    def __init__(self, command_id: _Optional[bytes] = ...) -> None: ...

class CommandFeedback(_message.Message):
    __slots__ = ("phase", "progress", "eta_s", "values")
    PHASE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ETA_S_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    phase: str
    progress: float
    eta_s: float
    values: _sheet_pb2.Values
    def __init__(self, phase: _Optional[str] = ..., progress: _Optional[float] = ..., eta_s: _Optional[float] = ..., values: _Optional[_Union[_sheet_pb2.Values, _Mapping]] = ...) -> None: ...

class CommandCancel(_message.Message):
    __slots__ = ("command_id", "reason", "end_state", "cause")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    END_STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    command_id: bytes
    reason: str
    end_state: CommandState
    cause: _authority_pb2.Cause
    def __init__(self, command_id: _Optional[bytes] = ..., reason: _Optional[str] = ..., end_state: _Optional[_Union[CommandState, str]] = ..., cause: _Optional[_Union[_authority_pb2.Cause, str]] = ...) -> None: ...

class CommandQuery(_message.Message):
    __slots__ = ("command_id",)
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    command_id: bytes
    def __init__(self, command_id: _Optional[bytes] = ...) -> None: ...

class CommandCheck(_message.Message):
    __slots__ = ("command",)
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    command: Command
    def __init__(self, command: _Optional[_Union[Command, _Mapping]] = ...) -> None: ...

class CommandCheckReply(_message.Message):
    __slots__ = ("cause", "text", "hint")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    cause: _authority_pb2.Cause
    text: str
    hint: str
    def __init__(self, cause: _Optional[_Union[_authority_pb2.Cause, str]] = ..., text: _Optional[str] = ..., hint: _Optional[str] = ...) -> None: ...

class TraceQuery(_message.Message):
    __slots__ = ("command_id",)
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    command_id: bytes
    def __init__(self, command_id: _Optional[bytes] = ...) -> None: ...

class Hop(_message.Message):
    __slots__ = ("where", "what", "time_ns", "text")
    WHERE_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    where: str
    what: str
    time_ns: int
    text: str
    def __init__(self, where: _Optional[str] = ..., what: _Optional[str] = ..., time_ns: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class Trace(_message.Message):
    __slots__ = ("command_id", "robot", "method", "owner", "hops")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    HOPS_FIELD_NUMBER: _ClassVar[int]
    command_id: bytes
    robot: str
    method: str
    owner: str
    hops: _containers.RepeatedCompositeFieldContainer[Hop]
    def __init__(self, command_id: _Optional[bytes] = ..., robot: _Optional[str] = ..., method: _Optional[str] = ..., owner: _Optional[str] = ..., hops: _Optional[_Iterable[_Union[Hop, _Mapping]]] = ...) -> None: ...

class Setpoint(_message.Message):
    __slots__ = ("name", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Iterable[float]] = ...) -> None: ...
