from robolink.v1 import sheet_pb2 as _sheet_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Sample(_message.Message):
    __slots__ = ("stamp_ns", "seq", "frame_id", "odometry", "battery_state", "joint_state", "values")
    STAMP_NS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    FRAME_ID_FIELD_NUMBER: _ClassVar[int]
    ODOMETRY_FIELD_NUMBER: _ClassVar[int]
    BATTERY_STATE_FIELD_NUMBER: _ClassVar[int]
    JOINT_STATE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    stamp_ns: int
    seq: int
    frame_id: str
    odometry: Odometry
    battery_state: BatteryState
    joint_state: JointState
    values: _sheet_pb2.Values
    def __init__(self, stamp_ns: _Optional[int] = ..., seq: _Optional[int] = ..., frame_id: _Optional[str] = ..., odometry: _Optional[_Union[Odometry, _Mapping]] = ..., battery_state: _Optional[_Union[BatteryState, _Mapping]] = ..., joint_state: _Optional[_Union[JointState, _Mapping]] = ..., values: _Optional[_Union[_sheet_pb2.Values, _Mapping]] = ...) -> None: ...

class Odometry(_message.Message):
    __slots__ = ("x", "y", "theta", "linear_x", "linear_y", "angular_z", "child_frame_id")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    THETA_FIELD_NUMBER: _ClassVar[int]
    LINEAR_X_FIELD_NUMBER: _ClassVar[int]
    LINEAR_Y_FIELD_NUMBER: _ClassVar[int]
    ANGULAR_Z_FIELD_NUMBER: _ClassVar[int]
    CHILD_FRAME_ID_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    theta: float
    linear_x: float
    linear_y: float
    angular_z: float
    child_frame_id: str
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ..., theta: _Optional[float] = ..., linear_x: _Optional[float] = ..., linear_y: _Optional[float] = ..., angular_z: _Optional[float] = ..., child_frame_id: _Optional[str] = ...) -> None: ...

class BatteryState(_message.Message):
    __slots__ = ("voltage", "current", "percentage", "charging")
    VOLTAGE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    PERCENTAGE_FIELD_NUMBER: _ClassVar[int]
    CHARGING_FIELD_NUMBER: _ClassVar[int]
    voltage: float
    current: float
    percentage: float
    charging: bool
    def __init__(self, voltage: _Optional[float] = ..., current: _Optional[float] = ..., percentage: _Optional[float] = ..., charging: _Optional[bool] = ...) -> None: ...

class JointState(_message.Message):
    __slots__ = ("name", "position", "velocity", "effort")
    NAME_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    VELOCITY_FIELD_NUMBER: _ClassVar[int]
    EFFORT_FIELD_NUMBER: _ClassVar[int]
    name: _containers.RepeatedScalarFieldContainer[str]
    position: _containers.RepeatedScalarFieldContainer[float]
    velocity: _containers.RepeatedScalarFieldContainer[float]
    effort: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, name: _Optional[_Iterable[str]] = ..., position: _Optional[_Iterable[float]] = ..., velocity: _Optional[_Iterable[float]] = ..., effort: _Optional[_Iterable[float]] = ...) -> None: ...
