from robolink.v1 import sheet_pb2 as _sheet_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Cause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAUSE_UNSPECIFIED: _ClassVar[Cause]
    CAUSE_UNKNOWN_ROBOT: _ClassVar[Cause]
    CAUSE_UNREACHABLE: _ClassVar[Cause]
    CAUSE_VERSION: _ClassVar[Cause]
    CAUSE_UNSUPPORTED: _ClassVar[Cause]
    CAUSE_INVALID: _ClassVar[Cause]
    CAUSE_LIMIT: _ClassVar[Cause]
    CAUSE_MODE: _ClassVar[Cause]
    CAUSE_NO_LEASE: _ClassVar[Cause]
    CAUSE_OLDER_LEASE: _ClassVar[Cause]
    CAUSE_BUSY: _ClassVar[Cause]
    CAUSE_LATCHED: _ClassVar[Cause]
    CAUSE_TOO_LATE: _ClassVar[Cause]
    CAUSE_NO_TIMESYNC: _ClassVar[Cause]
    CAUSE_DENIED: _ClassVar[Cause]
    CAUSE_ID_REUSED: _ClassVar[Cause]
    CAUSE_STORAGE: _ClassVar[Cause]
    CAUSE_CONFLICT: _ClassVar[Cause]
    CAUSE_DRIVER_ERROR: _ClassVar[Cause]
    CAUSE_DISCONNECTED: _ClassVar[Cause]
    CAUSE_ROBOT_TAKEN: _ClassVar[Cause]
    CAUSE_MAX_DURATION: _ClassVar[Cause]
    CAUSE_NO_HELLO: _ClassVar[Cause]

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_OBSERVE: _ClassVar[Role]
    ROLE_OPERATE: _ClassVar[Role]
    ROLE_CONFIGURE: _ClassVar[Role]
    ROLE_MAINTAIN: _ClassVar[Role]
    ROLE_SAFETY: _ClassVar[Role]

class LeaseAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_ACTION_UNSPECIFIED: _ClassVar[LeaseAction]
    LEASE_ACTION_ACQUIRE: _ClassVar[LeaseAction]
    LEASE_ACTION_RENEW: _ClassVar[LeaseAction]
    LEASE_ACTION_RELEASE: _ClassVar[LeaseAction]
    LEASE_ACTION_REQUEST: _ClassVar[LeaseAction]
    LEASE_ACTION_TAKE: _ClassVar[LeaseAction]
    LEASE_ACTION_DECLINE: _ClassVar[LeaseAction]

class StopVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STOP_VERDICT_UNSPECIFIED: _ClassVar[StopVerdict]
    STOP_VERDICT_STOPPED: _ClassVar[StopVerdict]
    STOP_VERDICT_STOPPING: _ClassVar[StopVerdict]
    STOP_VERDICT_REFUSED: _ClassVar[StopVerdict]
    STOP_VERDICT_UNREACHABLE: _ClassVar[StopVerdict]
CAUSE_UNSPECIFIED: Cause
CAUSE_UNKNOWN_ROBOT: Cause
CAUSE_UNREACHABLE: Cause
CAUSE_VERSION: Cause
CAUSE_UNSUPPORTED: Cause
CAUSE_INVALID: Cause
CAUSE_LIMIT: Cause
CAUSE_MODE: Cause
CAUSE_NO_LEASE: Cause
CAUSE_OLDER_LEASE: Cause
CAUSE_BUSY: Cause
CAUSE_LATCHED: Cause
CAUSE_TOO_LATE: Cause
CAUSE_NO_TIMESYNC: Cause
CAUSE_DENIED: Cause
CAUSE_ID_REUSED: Cause
CAUSE_STORAGE: Cause
CAUSE_CONFLICT: Cause
CAUSE_DRIVER_ERROR: Cause
CAUSE_DISCONNECTED: Cause
CAUSE_ROBOT_TAKEN: Cause
CAUSE_MAX_DURATION: Cause
CAUSE_NO_HELLO: Cause
ROLE_UNSPECIFIED: Role
ROLE_OBSERVE: Role
ROLE_OPERATE: Role
ROLE_CONFIGURE: Role
ROLE_MAINTAIN: Role
ROLE_SAFETY: Role
LEASE_ACTION_UNSPECIFIED: LeaseAction
LEASE_ACTION_ACQUIRE: LeaseAction
LEASE_ACTION_RENEW: LeaseAction
LEASE_ACTION_RELEASE: LeaseAction
LEASE_ACTION_REQUEST: LeaseAction
LEASE_ACTION_TAKE: LeaseAction
LEASE_ACTION_DECLINE: LeaseAction
STOP_VERDICT_UNSPECIFIED: StopVerdict
STOP_VERDICT_STOPPED: StopVerdict
STOP_VERDICT_STOPPING: StopVerdict
STOP_VERDICT_REFUSED: StopVerdict
STOP_VERDICT_UNREACHABLE: StopVerdict

class LeaseToken(_message.Message):
    __slots__ = ("epoch", "sequence")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    sequence: int
    def __init__(self, epoch: _Optional[int] = ..., sequence: _Optional[int] = ...) -> None: ...

class LeaseRequest(_message.Message):
    __slots__ = ("action", "robot", "component", "token", "reason", "timeout_ms")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    action: LeaseAction
    robot: str
    component: str
    token: LeaseToken
    reason: str
    timeout_ms: int
    def __init__(self, action: _Optional[_Union[LeaseAction, str]] = ..., robot: _Optional[str] = ..., component: _Optional[str] = ..., token: _Optional[_Union[LeaseToken, _Mapping]] = ..., reason: _Optional[str] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class LeaseReply(_message.Message):
    __slots__ = ("token", "cause", "text", "owner")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    token: LeaseToken
    cause: Cause
    text: str
    owner: str
    def __init__(self, token: _Optional[_Union[LeaseToken, _Mapping]] = ..., cause: _Optional[_Union[Cause, str]] = ..., text: _Optional[str] = ..., owner: _Optional[str] = ...) -> None: ...

class LeaseWanted(_message.Message):
    __slots__ = ("robot", "component", "token", "by", "reason", "timeout_ms")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    robot: str
    component: str
    token: LeaseToken
    by: str
    reason: str
    timeout_ms: int
    def __init__(self, robot: _Optional[str] = ..., component: _Optional[str] = ..., token: _Optional[_Union[LeaseToken, _Mapping]] = ..., by: _Optional[str] = ..., reason: _Optional[str] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class LeaseLost(_message.Message):
    __slots__ = ("robot", "component", "token", "reason")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    robot: str
    component: str
    token: LeaseToken
    reason: str
    def __init__(self, robot: _Optional[str] = ..., component: _Optional[str] = ..., token: _Optional[_Union[LeaseToken, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class StopState(_message.Message):
    __slots__ = ("generation", "latched", "level", "reason", "stopped_by", "released_by", "released_ns")
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    LATCHED_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STOPPED_BY_FIELD_NUMBER: _ClassVar[int]
    RELEASED_BY_FIELD_NUMBER: _ClassVar[int]
    RELEASED_NS_FIELD_NUMBER: _ClassVar[int]
    generation: int
    latched: bool
    level: _sheet_pb2.StopLevel
    reason: str
    stopped_by: str
    released_by: str
    released_ns: int
    def __init__(self, generation: _Optional[int] = ..., latched: _Optional[bool] = ..., level: _Optional[_Union[_sheet_pb2.StopLevel, str]] = ..., reason: _Optional[str] = ..., stopped_by: _Optional[str] = ..., released_by: _Optional[str] = ..., released_ns: _Optional[int] = ...) -> None: ...

class Stop(_message.Message):
    __slots__ = ("robots", "level", "reason")
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    robots: _containers.RepeatedScalarFieldContainer[str]
    level: _sheet_pb2.StopLevel
    reason: str
    def __init__(self, robots: _Optional[_Iterable[str]] = ..., level: _Optional[_Union[_sheet_pb2.StopLevel, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class StopResult(_message.Message):
    __slots__ = ("robot", "verdict", "generation", "standstill_ms", "text")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    STANDSTILL_MS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    robot: str
    verdict: StopVerdict
    generation: int
    standstill_ms: float
    text: str
    def __init__(self, robot: _Optional[str] = ..., verdict: _Optional[_Union[StopVerdict, str]] = ..., generation: _Optional[int] = ..., standstill_ms: _Optional[float] = ..., text: _Optional[str] = ...) -> None: ...

class StopReply(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[StopResult]
    def __init__(self, results: _Optional[_Iterable[_Union[StopResult, _Mapping]]] = ...) -> None: ...

class StopOrder(_message.Message):
    __slots__ = ("robot", "stop")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    robot: str
    stop: StopState
    def __init__(self, robot: _Optional[str] = ..., stop: _Optional[_Union[StopState, _Mapping]] = ...) -> None: ...

class StopReport(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: StopResult
    def __init__(self, result: _Optional[_Union[StopResult, _Mapping]] = ...) -> None: ...

class ReleaseTarget(_message.Message):
    __slots__ = ("robot", "generation")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    robot: str
    generation: int
    def __init__(self, robot: _Optional[str] = ..., generation: _Optional[int] = ...) -> None: ...

class Release(_message.Message):
    __slots__ = ("targets",)
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    targets: _containers.RepeatedCompositeFieldContainer[ReleaseTarget]
    def __init__(self, targets: _Optional[_Iterable[_Union[ReleaseTarget, _Mapping]]] = ...) -> None: ...

class ReleaseResult(_message.Message):
    __slots__ = ("robot", "cause", "text", "generation")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    robot: str
    cause: Cause
    text: str
    generation: int
    def __init__(self, robot: _Optional[str] = ..., cause: _Optional[_Union[Cause, str]] = ..., text: _Optional[str] = ..., generation: _Optional[int] = ...) -> None: ...

class ReleaseReply(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[ReleaseResult]
    def __init__(self, results: _Optional[_Iterable[_Union[ReleaseResult, _Mapping]]] = ...) -> None: ...

class ReleaseOrder(_message.Message):
    __slots__ = ("robot", "generation", "released_ns")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    RELEASED_NS_FIELD_NUMBER: _ClassVar[int]
    robot: str
    generation: int
    released_ns: int
    def __init__(self, robot: _Optional[str] = ..., generation: _Optional[int] = ..., released_ns: _Optional[int] = ...) -> None: ...

class Authority(_message.Message):
    __slots__ = ("robot", "stop", "leases")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    robot: str
    stop: StopState
    leases: _containers.RepeatedCompositeFieldContainer[LeaseHolder]
    def __init__(self, robot: _Optional[str] = ..., stop: _Optional[_Union[StopState, _Mapping]] = ..., leases: _Optional[_Iterable[_Union[LeaseHolder, _Mapping]]] = ...) -> None: ...

class LeaseHolder(_message.Message):
    __slots__ = ("component", "owner", "token", "cloud")
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    CLOUD_FIELD_NUMBER: _ClassVar[int]
    component: str
    owner: str
    token: LeaseToken
    cloud: bool
    def __init__(self, component: _Optional[str] = ..., owner: _Optional[str] = ..., token: _Optional[_Union[LeaseToken, _Mapping]] = ..., cloud: _Optional[bool] = ...) -> None: ...
