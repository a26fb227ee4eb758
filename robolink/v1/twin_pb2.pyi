from robolink.v1 import authority_pb2 as _authority_pb2
from robolink.v1 import command_pb2 as _command_pb2
from robolink.v1 import envelope_pb2 as _envelope_pb2
from robolink.v1 import sheet_pb2 as _sheet_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_APPLIED: _ClassVar[Verdict]
    VERDICT_REJECTED: _ClassVar[Verdict]

class Quality(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QUALITY_UNSPECIFIED: _ClassVar[Quality]
    QUALITY_GOOD: _ClassVar[Quality]
    QUALITY_STALE: _ClassVar[Quality]
    QUALITY_BAD: _ClassVar[Quality]

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_UNSPECIFIED: _ClassVar[Severity]
    SEVERITY_INFO: _ClassVar[Severity]
    SEVERITY_WARNING: _ClassVar[Severity]
    SEVERITY_ERROR: _ClassVar[Severity]
VERDICT_UNSPECIFIED: Verdict
VERDICT_APPLIED: Verdict
VERDICT_REJECTED: Verdict
QUALITY_UNSPECIFIED: Quality
QUALITY_GOOD: Quality
QUALITY_STALE: Quality
QUALITY_BAD: Quality
SEVERITY_UNSPECIFIED: Severity
SEVERITY_INFO: Severity
SEVERITY_WARNING: Severity
SEVERITY_ERROR: Severity

class Desired(_message.Message):
    __slots__ = ("value", "version")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    value: _sheet_pb2.Value
    version: int
    def __init__(self, value: _Optional[_Union[_sheet_pb2.Value, _Mapping]] = ..., version: _Optional[int] = ...) -> None: ...

class Observed(_message.Message):
    __slots__ = ("version", "verdict", "cause", "text")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    version: int
    verdict: Verdict
    cause: _authority_pb2.Cause
    text: str
    def __init__(self, version: _Optional[int] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., cause: _Optional[_Union[_authority_pb2.Cause, str]] = ..., text: _Optional[str] = ...) -> None: ...

class Reported(_message.Message):
    __slots__ = ("value", "version", "time_ns", "quality")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    value: _sheet_pb2.Value
    version: int
    time_ns: int
    quality: Quality
    def __init__(self, value: _Optional[_Union[_sheet_pb2.Value, _Mapping]] = ..., version: _Optional[int] = ..., time_ns: _Optional[int] = ..., quality: _Optional[_Union[Quality, str]] = ...) -> None: ...

class PropertyState(_message.Message):
    __slots__ = ("name", "desired", "observed", "reported")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESIRED_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    REPORTED_FIELD_NUMBER: _ClassVar[int]
    name: str
    desired: Desired
    observed: Observed
    reported: Reported
    def __init__(self, name: _Optional[str] = ..., desired: _Optional[_Union[Desired, _Mapping]] = ..., observed: _Optional[_Union[Observed, _Mapping]] = ..., reported: _Optional[_Union[Reported, _Mapping]] = ...) -> None: ...

class TwinGet(_message.Message):
    __slots__ = ("robot", "names")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    robot: str
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, robot: _Optional[str] = ..., names: _Optional[_Iterable[str]] = ...) -> None: ...

class Twin(_message.Message):
    __slots__ = ("robot", "properties", "apart")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    APART_FIELD_NUMBER: _ClassVar[int]
    robot: str
    properties: _containers.RepeatedCompositeFieldContainer[PropertyState]
    apart: _containers.RepeatedCompositeFieldContainer[PropertyState]
    def __init__(self, robot: _Optional[str] = ..., properties: _Optional[_Iterable[_Union[PropertyState, _Mapping]]] = ..., apart: _Optional[_Iterable[_Union[PropertyState, _Mapping]]] = ...) -> None: ...

class TwinWrite(_message.Message):
    __slots__ = ("robot", "name", "value", "if_version")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    IF_VERSION_FIELD_NUMBER: _ClassVar[int]
    robot: str
    name: str
    value: _sheet_pb2.Value
    if_version: int
    def __init__(self, robot: _Optional[str] = ..., name: _Optional[str] = ..., value: _Optional[_Union[_sheet_pb2.Value, _Mapping]] = ..., if_version: _Optional[int] = ...) -> None: ...

class TwinWriteReply(_message.Message):
    __slots__ = ("cause", "text", "version")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    cause: _authority_pb2.Cause
    text: str
    version: int
    def __init__(self, cause: _Optional[_Union[_authority_pb2.Cause, str]] = ..., text: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class SettingOrder(_message.Message):
    __slots__ = ("robot", "name", "desired")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESIRED_FIELD_NUMBER: _ClassVar[int]
    robot: str
    name: str
    desired: Desired
    def __init__(self, robot: _Optional[str] = ..., name: _Optional[str] = ..., desired: _Optional[_Union[Desired, _Mapping]] = ...) -> None: ...

class PropertyReport(_message.Message):
    __slots__ = ("robot", "properties")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    robot: str
    properties: _containers.RepeatedCompositeFieldContainer[PropertyState]
    def __init__(self, robot: _Optional[str] = ..., properties: _Optional[_Iterable[_Union[PropertyState, _Mapping]]] = ...) -> None: ...

class Watch(_message.Message):
    __slots__ = ("robots", "twins", "commands", "notices", "notices_after")
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    TWINS_FIELD_NUMBER: _ClassVar[int]
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    NOTICES_AFTER_FIELD_NUMBER: _ClassVar[int]
    robots: _containers.RepeatedScalarFieldContainer[str]
    twins: bool
    commands: bool
    notices: bool
    notices_after: int
    def __init__(self, robots: _Optional[_Iterable[str]] = ..., twins: _Optional[bool] = ..., commands: _Optional[bool] = ..., notices: _Optional[bool] = ..., notices_after: _Optional[int] = ...) -> None: ...

class WatchReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Event(_message.Message):
    __slots__ = ("twin_delta", "robot", "command", "notice", "method", "owner", "notice_count")
    TWIN_DELTA_FIELD_NUMBER: _ClassVar[int]
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    NOTICE_COUNT_FIELD_NUMBER: _ClassVar[int]
    twin_delta: Twin
    robot: _envelope_pb2.RobotInfo
    command: _command_pb2.CommandUpdate
    notice: Notice
    method: str
    owner: str
    notice_count: int
    def __init__(self, twin_delta: _Optional[_Union[Twin, _Mapping]] = ..., robot: _Optional[_Union[_envelope_pb2.RobotInfo, _Mapping]] = ..., command: _Optional[_Union[_command_pb2.CommandUpdate, _Mapping]] = ..., notice: _Optional[_Union[Notice, _Mapping]] = ..., method: _Optional[str] = ..., owner: _Optional[str] = ..., notice_count: _Optional[int] = ...) -> None: ...

class Notice(_message.Message):
    __slots__ = ("robot", "severity", "kind", "text", "time_ns", "seq")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    robot: str
    severity: Severity
    kind: str
    text: str
    time_ns: int
    seq: int
    def __init__(self, robot: _Optional[str] = ..., severity: _Optional[_Union[Severity, str]] = ..., kind: _Optional[str] = ..., text: _Optional[str] = ..., time_ns: _Optional[int] = ..., seq: _Optional[int] = ...) -> None: ...
