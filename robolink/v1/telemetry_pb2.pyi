from robolink.v1 import sheet_pb2 as _sheet_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Sample(_message.Message):
    __slots__ = ("stamp_ns", "seq", "frame_id", "odometry", "battery_state", "joint_state", "values", "imu", "laser_scan", "range", "image", "point_cloud", "poses")
    STAMP_NS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    FRAME_ID_FIELD_NUMBER: _ClassVar[int]
    ODOMETRY_FIELD_NUMBER: _ClassVar[int]
    BATTERY_STATE_FIELD_NUMBER: _ClassVar[int]
    JOINT_STATE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    IMU_FIELD_NUMBER: _ClassVar[int]
    LASER_SCAN_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    POINT_CLOUD_FIELD_NUMBER: _ClassVar[int]
    POSES_FIELD_NUMBER: _ClassVar[int]
    stamp_ns: int
    seq: int
    frame_id: str
    odometry: Odometry
    battery_state: BatteryState
    joint_state: JointState
    values: _sheet_pb2.Values
    imu: Imu
    laser_scan: LaserScan
    range: Range
    image: Image
    point_cloud: PointCloud
    poses: Poses
    def __init__(self, stamp_ns: _Optional[int] = ..., seq: _Optional[int] = ..., frame_id: _Optional[str] = ..., odometry: _Optional[_Union[Odometry, _Mapping]] = ..., battery_state: _Optional[_Union[BatteryState, _Mapping]] = ..., joint_state: _Optional[_Union[JointState, _Mapping]] = ..., values: _Optional[_Union[_sheet_pb2.Values, _Mapping]] = ..., imu: _Optional[_Union[Imu, _Mapping]] = ..., laser_scan: _Optional[_Union[LaserScan, _Mapping]] = ..., range: _Optional[_Union[Range, _Mapping]] = ..., image: _Optional[_Union[Image, _Mapping]] = ..., point_cloud: _Optional[_Union[PointCloud, _Mapping]] = ..., poses: _Optional[_Union[Poses, _Mapping]] = ...) -> None: ...

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

class Imu(_message.Message):
    __slots__ = ("orientation_x", "orientation_y", "orientation_z", "orientation_w", "angular_velocity_x", "angular_velocity_y", "angular_velocity_z", "linear_acceleration_x", "linear_acceleration_y", "linear_acceleration_z")
    ORIENTATION_X_FIELD_NUMBER: _ClassVar[int]
    ORIENTATION_Y_FIELD_NUMBER: _ClassVar[int]
    ORIENTATION_Z_FIELD_NUMBER: _ClassVar[int]
    ORIENTATION_W_FIELD_NUMBER: _ClassVar[int]
    ANGULAR_VELOCITY_X_FIELD_NUMBER: _ClassVar[int]
    ANGULAR_VELOCITY_Y_FIELD_NUMBER: _ClassVar[int]
    ANGULAR_VELOCITY_Z_FIELD_NUMBER: _ClassVar[int]
    LINEAR_ACCELERATION_X_FIELD_NUMBER: _ClassVar[int]
    LINEAR_ACCELERATION_Y_FIELD_NUMBER: _ClassVar[int]
    LINEAR_ACCELERATION_Z_FIELD_NUMBER: _ClassVar[int]
    orientation_x: float
    orientation_y: float
    orientation_z: float
    orientation_w: float
    angular_velocity_x: float
    angular_velocity_y: float
    angular_velocity_z: float
    linear_acceleration_x: float
    linear_acceleration_y: float
    linear_acceleration_z: float
    def __init__(self, orientation_x: _Optional[float] = ..., orientation_y: _Optional[float] = ..., orientation_z: _Optional[float] = ..., orientation_w: _Optional[float] = ..., angular_velocity_x: _Optional[float] = ..., angular_velocity_y: _Optional[float] = ..., angular_velocity_z: _Optional[float] = ..., linear_acceleration_x: _Optional[float] = ..., linear_acceleration_y: _Optional[float] = ..., linear_acceleration_z: _Optional[float] = ...) -> None: ...

class LaserScan(_message.Message):
    __slots__ = ("angle_min", "angle_max", "angle_increment", "time_increment", "scan_time", "range_min", "range_max", "ranges", "intensities")
    ANGLE_MIN_FIELD_NUMBER: _ClassVar[int]
    ANGLE_MAX_FIELD_NUMBER: _ClassVar[int]
    ANGLE_INCREMENT_FIELD_NUMBER: _ClassVar[int]
    TIME_INCREMENT_FIELD_NUMBER: _ClassVar[int]
    SCAN_TIME_FIELD_NUMBER: _ClassVar[int]
    RANGE_MIN_FIELD_NUMBER: _ClassVar[int]
    RANGE_MAX_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    INTENSITIES_FIELD_NUMBER: _ClassVar[int]
    angle_min: float
    angle_max: float
    angle_increment: float
    time_increment: float
    scan_time: float
    range_min: float
    range_max: float
    ranges: _containers.RepeatedScalarFieldContainer[float]
    intensities: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, angle_min: _Optional[float] = ..., angle_max: _Optional[float] = ..., angle_increment: _Optional[float] = ..., time_increment: _Optional[float] = ..., scan_time: _Optional[float] = ..., range_min: _Optional[float] = ..., range_max: _Optional[float] = ..., ranges: _Optional[_Iterable[float]] = ..., intensities: _Optional[_Iterable[float]] = ...) -> None: ...

class Range(_message.Message):
    __slots__ = ("field_of_view", "min_range", "max_range", "range")
    FIELD_OF_VIEW_FIELD_NUMBER: _ClassVar[int]
    MIN_RANGE_FIELD_NUMBER: _ClassVar[int]
    MAX_RANGE_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    field_of_view: float
    min_range: float
    max_range: float
    range: float
    def __init__(self, field_of_view: _Optional[float] = ..., min_range: _Optional[float] = ..., max_range: _Optional[float] = ..., range: _Optional[float] = ...) -> None: ...

class Image(_message.Message):
    __slots__ = ("height", "width", "encoding", "step", "is_bigendian", "format")
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    IS_BIGENDIAN_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    height: int
    width: int
    encoding: str
    step: int
    is_bigendian: bool
    format: str
    def __init__(self, height: _Optional[int] = ..., width: _Optional[int] = ..., encoding: _Optional[str] = ..., step: _Optional[int] = ..., is_bigendian: _Optional[bool] = ..., format: _Optional[str] = ...) -> None: ...

class PointField(_message.Message):
    __slots__ = ("name", "offset", "datatype", "count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATATYPE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    offset: int
    datatype: int
    count: int
    def __init__(self, name: _Optional[str] = ..., offset: _Optional[int] = ..., datatype: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class PointCloud(_message.Message):
    __slots__ = ("height", "width", "fields", "is_bigendian", "point_step", "row_step", "is_dense")
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    IS_BIGENDIAN_FIELD_NUMBER: _ClassVar[int]
    POINT_STEP_FIELD_NUMBER: _ClassVar[int]
    ROW_STEP_FIELD_NUMBER: _ClassVar[int]
    IS_DENSE_FIELD_NUMBER: _ClassVar[int]
    height: int
    width: int
    fields: _containers.RepeatedCompositeFieldContainer[PointField]
    is_bigendian: bool
    point_step: int
    row_step: int
    is_dense: bool
    def __init__(self, height: _Optional[int] = ..., width: _Optional[int] = ..., fields: _Optional[_Iterable[_Union[PointField, _Mapping]]] = ..., is_bigendian: _Optional[bool] = ..., point_step: _Optional[int] = ..., row_step: _Optional[int] = ..., is_dense: _Optional[bool] = ...) -> None: ...

class FramePose(_message.Message):
    __slots__ = ("frame_id", "child_frame_id", "x", "y", "z", "qx", "qy", "qz", "qw")
    FRAME_ID_FIELD_NUMBER: _ClassVar[int]
    CHILD_FRAME_ID_FIELD_NUMBER: _ClassVar[int]
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    Z_FIELD_NUMBER: _ClassVar[int]
    QX_FIELD_NUMBER: _ClassVar[int]
    QY_FIELD_NUMBER: _ClassVar[int]
    QZ_FIELD_NUMBER: _ClassVar[int]
    QW_FIELD_NUMBER: _ClassVar[int]
    frame_id: str
    child_frame_id: str
    x: float
    y: float
    z: float
    qx: float
    qy: float
    qz: float
    qw: float
    def __init__(self, frame_id: _Optional[str] = ..., child_frame_id: _Optional[str] = ..., x: _Optional[float] = ..., y: _Optional[float] = ..., z: _Optional[float] = ..., qx: _Optional[float] = ..., qy: _Optional[float] = ..., qz: _Optional[float] = ..., qw: _Optional[float] = ...) -> None: ...

class Poses(_message.Message):
    __slots__ = ("poses",)
    POSES_FIELD_NUMBER: _ClassVar[int]
    poses: _containers.RepeatedCompositeFieldContainer[FramePose]
    def __init__(self, poses: _Optional[_Iterable[_Union[FramePose, _Mapping]]] = ...) -> None: ...
