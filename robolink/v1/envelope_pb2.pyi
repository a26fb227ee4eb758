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

class BodyType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BODY_TYPE_UNSPECIFIED: _ClassVar[BodyType]
    BODY_TYPE_HELLO: _ClassVar[BodyType]
    BODY_TYPE_HELLO_REPLY: _ClassVar[BodyType]
    BODY_TYPE_BEAT: _ClassVar[BodyType]
    BODY_TYPE_BEAT_REPLY: _ClassVar[BodyType]
    BODY_TYPE_ERROR: _ClassVar[BodyType]
    BODY_TYPE_GOODBYE: _ClassVar[BodyType]
    BODY_TYPE_ROBOTS_QUERY: _ClassVar[BodyType]
    BODY_TYPE_ROBOTS: _ClassVar[BodyType]
    BODY_TYPE_DESCRIBE: _ClassVar[BodyType]
    BODY_TYPE_DESCRIPTION: _ClassVar[BodyType]
    BODY_TYPE_STATUS_QUERY: _ClassVar[BodyType]
    BODY_TYPE_STATUS: _ClassVar[BodyType]
    BODY_TYPE_AUDIT_QUERY: _ClassVar[BodyType]
    BODY_TYPE_AUDIT: _ClassVar[BodyType]
    BODY_TYPE_COMMAND: _ClassVar[BodyType]
    BODY_TYPE_COMMAND_UPDATE: _ClassVar[BodyType]
    BODY_TYPE_COMMAND_UPDATE_ACK: _ClassVar[BodyType]
    BODY_TYPE_COMMAND_FEEDBACK: _ClassVar[BodyType]
    BODY_TYPE_COMMAND_CANCEL: _ClassVar[BodyType]
    BODY_TYPE_COMMAND_QUERY: _ClassVar[BodyType]
    BODY_TYPE_SETPOINT: _ClassVar[BodyType]
    BODY_TYPE_COMMAND_CHECK: _ClassVar[BodyType]
    BODY_TYPE_COMMAND_CHECK_REPLY: _ClassVar[BodyType]
    BODY_TYPE_TRACE_QUERY: _ClassVar[BodyType]
    BODY_TYPE_TRACE: _ClassVar[BodyType]
    BODY_TYPE_LEASE_REQUEST: _ClassVar[BodyType]
    BODY_TYPE_LEASE_REPLY: _ClassVar[BodyType]
    BODY_TYPE_LEASE_LOST: _ClassVar[BodyType]
    BODY_TYPE_LEASE_WANTED: _ClassVar[BodyType]
    BODY_TYPE_STOP: _ClassVar[BodyType]
    BODY_TYPE_STOP_REPLY: _ClassVar[BodyType]
    BODY_TYPE_STOP_ORDER: _ClassVar[BodyType]
    BODY_TYPE_STOP_REPORT: _ClassVar[BodyType]
    BODY_TYPE_RELEASE: _ClassVar[BodyType]
    BODY_TYPE_RELEASE_REPLY: _ClassVar[BodyType]
    BODY_TYPE_RELEASE_ORDER: _ClassVar[BodyType]
    BODY_TYPE_AUTHORITY: _ClassVar[BodyType]
    BODY_TYPE_TWIN_GET: _ClassVar[BodyType]
    BODY_TYPE_TWIN: _ClassVar[BodyType]
    BODY_TYPE_TWIN_WRITE: _ClassVar[BodyType]
    BODY_TYPE_TWIN_WRITE_REPLY: _ClassVar[BodyType]
    BODY_TYPE_SETTING_ORDER: _ClassVar[BodyType]
    BODY_TYPE_PROPERTY_REPORT: _ClassVar[BodyType]
    BODY_TYPE_WATCH: _ClassVar[BodyType]
    BODY_TYPE_WATCH_REPLY: _ClassVar[BodyType]
    BODY_TYPE_EVENT: _ClassVar[BodyType]
    BODY_TYPE_NOTICE: _ClassVar[BodyType]

class PeerKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PEER_KIND_UNSPECIFIED: _ClassVar[PeerKind]
    PEER_KIND_CLIENT: _ClassVar[PeerKind]
    PEER_KIND_DRIVER: _ClassVar[PeerKind]
    PEER_KIND_HUB: _ClassVar[PeerKind]
BODY_TYPE_UNSPECIFIED: BodyType
BODY_TYPE_HELLO: BodyType
BODY_TYPE_HELLO_REPLY: BodyType
BODY_TYPE_BEAT: BodyType
BODY_TYPE_BEAT_REPLY: BodyType
BODY_TYPE_ERROR: BodyType
BODY_TYPE_GOODBYE: BodyType
BODY_TYPE_ROBOTS_QUERY: BodyType
BODY_TYPE_ROBOTS: BodyType
BODY_TYPE_DESCRIBE: BodyType
BODY_TYPE_DESCRIPTION: BodyType
BODY_TYPE_STATUS_QUERY: BodyType
BODY_TYPE_STATUS: BodyType
BODY_TYPE_AUDIT_QUERY: BodyType
BODY_TYPE_AUDIT: BodyType
BODY_TYPE_COMMAND: BodyType
BODY_TYPE_COMMAND_UPDATE: BodyType
BODY_TYPE_COMMAND_UPDATE_ACK: BodyType
BODY_TYPE_COMMAND_FEEDBACK: BodyType
BODY_TYPE_COMMAND_CANCEL: BodyType
BODY_TYPE_COMMAND_QUERY: BodyType
BODY_TYPE_SETPOINT: BodyType
BODY_TYPE_COMMAND_CHECK: BodyType
BODY_TYPE_COMMAND_CHECK_REPLY: BodyType
BODY_TYPE_TRACE_QUERY: BodyType
BODY_TYPE_TRACE: BodyType
BODY_TYPE_LEASE_REQUEST: BodyType
BODY_TYPE_LEASE_REPLY: BodyType
BODY_TYPE_LEASE_LOST: BodyType
BODY_TYPE_LEASE_WANTED: BodyType
BODY_TYPE_STOP: BodyType
BODY_TYPE_STOP_REPLY: BodyType
BODY_TYPE_STOP_ORDER: BodyType
BODY_TYPE_STOP_REPORT: BodyType
BODY_TYPE_RELEASE: BodyType
BODY_TYPE_RELEASE_REPLY: BodyType
BODY_TYPE_RELEASE_ORDER: BodyType
BODY_TYPE_AUTHORITY: BodyType
BODY_TYPE_TWIN_GET: BodyType
BODY_TYPE_TWIN: BodyType
BODY_TYPE_TWIN_WRITE: BodyType
BODY_TYPE_TWIN_WRITE_REPLY: BodyType
BODY_TYPE_SETTING_ORDER: BodyType
BODY_TYPE_PROPERTY_REPORT: BodyType
BODY_TYPE_WATCH: BodyType
BODY_TYPE_WATCH_REPLY: BodyType
BODY_TYPE_EVENT: BodyType
BODY_TYPE_NOTICE: BodyType
PEER_KIND_UNSPECIFIED: PeerKind
PEER_KIND_CLIENT: PeerKind
PEER_KIND_DRIVER: PeerKind
PEER_KIND_HUB: PeerKind

class Header(_message.Message):
    __slots__ = ("major", "message_id", "destination", "body_type", "seq", "session_id", "sent_ns", "ttl_ms", "lease", "stop_generation", "source", "correlation_id", "received_ns", "trace_id")
    MAJOR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    BODY_TYPE_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SENT_NS_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    STOP_GENERATION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_NS_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    major: int
    message_id: bytes
    destination: str
    body_type: BodyType
    seq: int
    session_id: int
    sent_ns: int
    ttl_ms: int
    lease: _authority_pb2.LeaseToken
    stop_generation: int
    source: str
    correlation_id: bytes
    received_ns: int
    trace_id: bytes
    def __init__(self, major: _Optional[int] = ..., message_id: _Optional[bytes] = ..., destination: _Optional[str] = ..., body_type: _Optional[_Union[BodyType, str]] = ..., seq: _Optional[int] = ..., session_id: _Optional[int] = ..., sent_ns: _Optional[int] = ..., ttl_ms: _Optional[int] = ..., lease: _Optional[_Union[_authority_pb2.LeaseToken, _Mapping]] = ..., stop_generation: _Optional[int] = ..., source: _Optional[str] = ..., correlation_id: _Optional[bytes] = ..., received_ns: _Optional[int] = ..., trace_id: _Optional[bytes] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("kind", "major", "minor", "name", "roles", "robots", "live_command_ids", "cloud")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MAJOR_FIELD_NUMBER: _ClassVar[int]
    MINOR_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    LIVE_COMMAND_IDS_FIELD_NUMBER: _ClassVar[int]
    CLOUD_FIELD_NUMBER: _ClassVar[int]
    kind: PeerKind
    major: int
    minor: int
    name: str
    roles: _containers.RepeatedScalarFieldContainer[_authority_pb2.Role]
    robots: _containers.RepeatedCompositeFieldContainer[RobotHello]
    live_command_ids: _containers.RepeatedScalarFieldContainer[bytes]
    cloud: bool
    def __init__(self, kind: _Optional[_Union[PeerKind, str]] = ..., major: _Optional[int] = ..., minor: _Optional[int] = ..., name: _Optional[str] = ..., roles: _Optional[_Iterable[_Union[_authority_pb2.Role, str]]] = ..., robots: _Optional[_Iterable[_Union[RobotHello, _Mapping]]] = ..., live_command_ids: _Optional[_Iterable[bytes]] = ..., cloud: _Optional[bool] = ...) -> None: ...

class RobotHello(_message.Message):
    __slots__ = ("robot", "sheet", "stop", "lease_epoch")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    SHEET_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    LEASE_EPOCH_FIELD_NUMBER: _ClassVar[int]
    robot: str
    sheet: _sheet_pb2.Sheet
    stop: _authority_pb2.StopState
    lease_epoch: int
    def __init__(self, robot: _Optional[str] = ..., sheet: _Optional[_Union[_sheet_pb2.Sheet, _Mapping]] = ..., stop: _Optional[_Union[_authority_pb2.StopState, _Mapping]] = ..., lease_epoch: _Optional[int] = ...) -> None: ...

class HelloReply(_message.Message):
    __slots__ = ("major", "minor", "hub_name", "name", "roles", "safety_endpoint", "telemetry_publish_endpoint", "telemetry_subscribe_endpoint", "lease_epoch", "authorities", "timeouts", "hub_session_id")
    MAJOR_FIELD_NUMBER: _ClassVar[int]
    MINOR_FIELD_NUMBER: _ClassVar[int]
    HUB_NAME_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    SAFETY_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    TELEMETRY_PUBLISH_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    TELEMETRY_SUBSCRIBE_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    LEASE_EPOCH_FIELD_NUMBER: _ClassVar[int]
    AUTHORITIES_FIELD_NUMBER: _ClassVar[int]
    TIMEOUTS_FIELD_NUMBER: _ClassVar[int]
    HUB_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    major: int
    minor: int
    hub_name: str
    name: str
    roles: _containers.RepeatedScalarFieldContainer[_authority_pb2.Role]
    safety_endpoint: str
    telemetry_publish_endpoint: str
    telemetry_subscribe_endpoint: str
    lease_epoch: int
    authorities: _containers.RepeatedCompositeFieldContainer[_authority_pb2.Authority]
    timeouts: Timeouts
    hub_session_id: int
    def __init__(self, major: _Optional[int] = ..., minor: _Optional[int] = ..., hub_name: _Optional[str] = ..., name: _Optional[str] = ..., roles: _Optional[_Iterable[_Union[_authority_pb2.Role, str]]] = ..., safety_endpoint: _Optional[str] = ..., telemetry_publish_endpoint: _Optional[str] = ..., telemetry_subscribe_endpoint: _Optional[str] = ..., lease_epoch: _Optional[int] = ..., authorities: _Optional[_Iterable[_Union[_authority_pb2.Authority, _Mapping]]] = ..., timeouts: _Optional[_Union[Timeouts, _Mapping]] = ..., hub_session_id: _Optional[int] = ...) -> None: ...

class Timeouts(_message.Message):
    __slots__ = ("beat_ms", "peer_lost_ms", "lease_renew_ms", "lease_stale_ms", "resend_ms", "driver_return_ms", "stop_answer_ms", "setpoint_ttl_ms", "link_event_ms")
    BEAT_MS_FIELD_NUMBER: _ClassVar[int]
    PEER_LOST_MS_FIELD_NUMBER: _ClassVar[int]
    LEASE_RENEW_MS_FIELD_NUMBER: _ClassVar[int]
    LEASE_STALE_MS_FIELD_NUMBER: _ClassVar[int]
    RESEND_MS_FIELD_NUMBER: _ClassVar[int]
    DRIVER_RETURN_MS_FIELD_NUMBER: _ClassVar[int]
    STOP_ANSWER_MS_FIELD_NUMBER: _ClassVar[int]
    SETPOINT_TTL_MS_FIELD_NUMBER: _ClassVar[int]
    LINK_EVENT_MS_FIELD_NUMBER: _ClassVar[int]
    beat_ms: int
    peer_lost_ms: int
    lease_renew_ms: int
    lease_stale_ms: int
    resend_ms: int
    driver_return_ms: int
    stop_answer_ms: int
    setpoint_ttl_ms: int
    link_event_ms: int
    def __init__(self, beat_ms: _Optional[int] = ..., peer_lost_ms: _Optional[int] = ..., lease_renew_ms: _Optional[int] = ..., lease_stale_ms: _Optional[int] = ..., resend_ms: _Optional[int] = ..., driver_return_ms: _Optional[int] = ..., stop_answer_ms: _Optional[int] = ..., setpoint_ttl_ms: _Optional[int] = ..., link_event_ms: _Optional[int] = ...) -> None: ...

class Beat(_message.Message):
    __slots__ = ("link",)
    LINK_FIELD_NUMBER: _ClassVar[int]
    link: LinkState
    def __init__(self, link: _Optional[_Union[LinkState, _Mapping]] = ...) -> None: ...

class LinkState(_message.Message):
    __slots__ = ("clock_error_us", "round_trip_us", "stoppable", "dropped")
    CLOCK_ERROR_US_FIELD_NUMBER: _ClassVar[int]
    ROUND_TRIP_US_FIELD_NUMBER: _ClassVar[int]
    STOPPABLE_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    clock_error_us: int
    round_trip_us: int
    stoppable: bool
    dropped: int
    def __init__(self, clock_error_us: _Optional[int] = ..., round_trip_us: _Optional[int] = ..., stoppable: _Optional[bool] = ..., dropped: _Optional[int] = ...) -> None: ...

class BeatReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Goodbye(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Error(_message.Message):
    __slots__ = ("cause", "text", "hint")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    cause: _authority_pb2.Cause
    text: str
    hint: str
    def __init__(self, cause: _Optional[_Union[_authority_pb2.Cause, str]] = ..., text: _Optional[str] = ..., hint: _Optional[str] = ...) -> None: ...

class RobotsQuery(_message.Message):
    __slots__ = ("after",)
    AFTER_FIELD_NUMBER: _ClassVar[int]
    after: str
    def __init__(self, after: _Optional[str] = ...) -> None: ...

class RobotInfo(_message.Message):
    __slots__ = ("robot", "model", "online", "authority", "driver", "sheet_hash", "last_seen_ns", "link", "live")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ONLINE_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    DRIVER_FIELD_NUMBER: _ClassVar[int]
    SHEET_HASH_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_NS_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    robot: str
    model: str
    online: bool
    authority: _authority_pb2.Authority
    driver: str
    sheet_hash: str
    last_seen_ns: int
    link: LinkState
    live: _containers.RepeatedCompositeFieldContainer[LiveCommand]
    def __init__(self, robot: _Optional[str] = ..., model: _Optional[str] = ..., online: _Optional[bool] = ..., authority: _Optional[_Union[_authority_pb2.Authority, _Mapping]] = ..., driver: _Optional[str] = ..., sheet_hash: _Optional[str] = ..., last_seen_ns: _Optional[int] = ..., link: _Optional[_Union[LinkState, _Mapping]] = ..., live: _Optional[_Iterable[_Union[LiveCommand, _Mapping]]] = ...) -> None: ...

class LiveCommand(_message.Message):
    __slots__ = ("command_id", "method", "owner", "state", "stale")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    command_id: bytes
    method: str
    owner: str
    state: _command_pb2.CommandState
    stale: bool
    def __init__(self, command_id: _Optional[bytes] = ..., method: _Optional[str] = ..., owner: _Optional[str] = ..., state: _Optional[_Union[_command_pb2.CommandState, str]] = ..., stale: _Optional[bool] = ...) -> None: ...

class Robots(_message.Message):
    __slots__ = ("robots", "more")
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    robots: _containers.RepeatedCompositeFieldContainer[RobotInfo]
    more: bool
    def __init__(self, robots: _Optional[_Iterable[_Union[RobotInfo, _Mapping]]] = ..., more: _Optional[bool] = ...) -> None: ...

class Describe(_message.Message):
    __slots__ = ("robot",)
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    robot: str
    def __init__(self, robot: _Optional[str] = ...) -> None: ...

class Description(_message.Message):
    __slots__ = ("robot", "sheet", "sheet_hash", "online")
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    SHEET_FIELD_NUMBER: _ClassVar[int]
    SHEET_HASH_FIELD_NUMBER: _ClassVar[int]
    ONLINE_FIELD_NUMBER: _ClassVar[int]
    robot: str
    sheet: _sheet_pb2.Sheet
    sheet_hash: str
    online: bool
    def __init__(self, robot: _Optional[str] = ..., sheet: _Optional[_Union[_sheet_pb2.Sheet, _Mapping]] = ..., sheet_hash: _Optional[str] = ..., online: _Optional[bool] = ...) -> None: ...

class StatusQuery(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Counter(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: int
    def __init__(self, name: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...

class Status(_message.Message):
    __slots__ = ("counters", "peers", "live_commands", "started_ns")
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    PEERS_FIELD_NUMBER: _ClassVar[int]
    LIVE_COMMANDS_FIELD_NUMBER: _ClassVar[int]
    STARTED_NS_FIELD_NUMBER: _ClassVar[int]
    counters: _containers.RepeatedCompositeFieldContainer[Counter]
    peers: int
    live_commands: int
    started_ns: int
    def __init__(self, counters: _Optional[_Iterable[_Union[Counter, _Mapping]]] = ..., peers: _Optional[int] = ..., live_commands: _Optional[int] = ..., started_ns: _Optional[int] = ...) -> None: ...

class AuditQuery(_message.Message):
    __slots__ = ("after_seq", "limit")
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    after_seq: int
    limit: int
    def __init__(self, after_seq: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class AuditRecord(_message.Message):
    __slots__ = ("seq", "unix_ms", "who", "what", "robot", "text", "claimed_by", "hash")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_BY_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    seq: int
    unix_ms: int
    who: str
    what: str
    robot: str
    text: str
    claimed_by: str
    hash: bytes
    def __init__(self, seq: _Optional[int] = ..., unix_ms: _Optional[int] = ..., who: _Optional[str] = ..., what: _Optional[str] = ..., robot: _Optional[str] = ..., text: _Optional[str] = ..., claimed_by: _Optional[str] = ..., hash: _Optional[bytes] = ...) -> None: ...

class Audit(_message.Message):
    __slots__ = ("records",)
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[AuditRecord]
    def __init__(self, records: _Optional[_Iterable[_Union[AuditRecord, _Mapping]]] = ...) -> None: ...
