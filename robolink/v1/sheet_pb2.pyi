from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ValueType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VALUE_TYPE_UNSPECIFIED: _ClassVar[ValueType]
    VALUE_TYPE_BOOL: _ClassVar[ValueType]
    VALUE_TYPE_INT: _ClassVar[ValueType]
    VALUE_TYPE_DOUBLE: _ClassVar[ValueType]
    VALUE_TYPE_STRING: _ClassVar[ValueType]
    VALUE_TYPE_BYTES: _ClassVar[ValueType]
    VALUE_TYPE_VECTOR: _ClassVar[ValueType]

class MethodKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    METHOD_KIND_UNSPECIFIED: _ClassVar[MethodKind]
    METHOD_KIND_CALL: _ClassVar[MethodKind]
    METHOD_KIND_GOAL: _ClassVar[MethodKind]

class OnDisconnect(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_DISCONNECT_UNSPECIFIED: _ClassVar[OnDisconnect]
    ON_DISCONNECT_CANCEL: _ClassVar[OnDisconnect]
    ON_DISCONNECT_HOLD: _ClassVar[OnDisconnect]
    ON_DISCONNECT_CONTINUE: _ClassVar[OnDisconnect]

class Access(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCESS_UNSPECIFIED: _ClassVar[Access]
    ACCESS_READ_WRITE: _ClassVar[Access]
    ACCESS_READ_ONLY: _ClassVar[Access]

class ComponentType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMPONENT_TYPE_UNSPECIFIED: _ClassVar[ComponentType]
    COMPONENT_TYPE_BASE: _ClassVar[ComponentType]
    COMPONENT_TYPE_ARM: _ClassVar[ComponentType]
    COMPONENT_TYPE_GRIPPER: _ClassVar[ComponentType]
    COMPONENT_TYPE_MOTOR: _ClassVar[ComponentType]
    COMPONENT_TYPE_SERVO: _ClassVar[ComponentType]
    COMPONENT_TYPE_SENSOR: _ClassVar[ComponentType]
    COMPONENT_TYPE_IMU: _ClassVar[ComponentType]
    COMPONENT_TYPE_BATTERY: _ClassVar[ComponentType]
    COMPONENT_TYPE_CAMERA: _ClassVar[ComponentType]
    COMPONENT_TYPE_GPIO: _ClassVar[ComponentType]
    COMPONENT_TYPE_GENERIC: _ClassVar[ComponentType]

class StopLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STOP_LEVEL_UNSPECIFIED: _ClassVar[StopLevel]
    STOP_LEVEL_SOFT_HOLD: _ClassVar[StopLevel]
    STOP_LEVEL_STOP_THEN_CUT: _ClassVar[StopLevel]
    STOP_LEVEL_CUT: _ClassVar[StopLevel]
VALUE_TYPE_UNSPECIFIED: ValueType
VALUE_TYPE_BOOL: ValueType
VALUE_TYPE_INT: ValueType
VALUE_TYPE_DOUBLE: ValueType
VALUE_TYPE_STRING: ValueType
VALUE_TYPE_BYTES: ValueType
VALUE_TYPE_VECTOR: ValueType
METHOD_KIND_UNSPECIFIED: MethodKind
METHOD_KIND_CALL: MethodKind
METHOD_KIND_GOAL: MethodKind
ON_DISCONNECT_UNSPECIFIED: OnDisconnect
ON_DISCONNECT_CANCEL: OnDisconnect
ON_DISCONNECT_HOLD: OnDisconnect
ON_DISCONNECT_CONTINUE: OnDisconnect
ACCESS_UNSPECIFIED: Access
ACCESS_READ_WRITE: Access
ACCESS_READ_ONLY: Access
COMPONENT_TYPE_UNSPECIFIED: ComponentType
COMPONENT_TYPE_BASE: ComponentType
COMPONENT_TYPE_ARM: ComponentType
COMPONENT_TYPE_GRIPPER: ComponentType
COMPONENT_TYPE_MOTOR: ComponentType
COMPONENT_TYPE_SERVO: ComponentType
COMPONENT_TYPE_SENSOR: ComponentType
COMPONENT_TYPE_IMU: ComponentType
COMPONENT_TYPE_BATTERY: ComponentType
COMPONENT_TYPE_CAMERA: ComponentType
COMPONENT_TYPE_GPIO: ComponentType
COMPONENT_TYPE_GENERIC: ComponentType
STOP_LEVEL_UNSPECIFIED: StopLevel
STOP_LEVEL_SOFT_HOLD: StopLevel
STOP_LEVEL_STOP_THEN_CUT: StopLevel
STOP_LEVEL_CUT: StopLevel

class Value(_message.Message):
    __slots__ = ("bool_value", "int_value", "double_value", "string_value", "bytes_value", "vector_value")
    BOOL_VALUE_FIELD_NUMBER: _ClassVar[int]
    INT_VALUE_FIELD_NUMBER: _ClassVar[int]
    DOUBLE_VALUE_FIELD_NUMBER: _ClassVar[int]
    STRING_VALUE_FIELD_NUMBER: _ClassVar[int]
    BYTES_VALUE_FIELD_NUMBER: _ClassVar[int]
    VECTOR_VALUE_FIELD_NUMBER: _ClassVar[int]
    bool_value: bool
    int_value: int
    double_value: float
    string_value: str
    bytes_value: bytes
    vector_value: Vector
    def __init__(self, bool_value: _Optional[bool] = ..., int_value: _Optional[int] = ..., double_value: _Optional[float] = ..., string_value: _Optional[str] = ..., bytes_value: _Optional[bytes] = ..., vector_value: _Optional[_Union[Vector, _Mapping]] = ...) -> None: ...

class Vector(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class NamedValue(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: Value
    def __init__(self, name: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...

class Values(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[NamedValue]
    def __init__(self, values: _Optional[_Iterable[_Union[NamedValue, _Mapping]]] = ...) -> None: ...

class Field(_message.Message):
    __slots__ = ("name", "type", "description", "unit", "display_unit", "minimum", "maximum", "length", "default_value", "choices")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_UNIT_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VALUE_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: ValueType
    description: str
    unit: str
    display_unit: str
    minimum: float
    maximum: float
    length: int
    default_value: Value
    choices: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[ValueType, str]] = ..., description: _Optional[str] = ..., unit: _Optional[str] = ..., display_unit: _Optional[str] = ..., minimum: _Optional[float] = ..., maximum: _Optional[float] = ..., length: _Optional[int] = ..., default_value: _Optional[_Union[Value, _Mapping]] = ..., choices: _Optional[_Iterable[str]] = ...) -> None: ...

class Method(_message.Message):
    __slots__ = ("name", "kind", "description", "args", "results", "motion", "max_duration_ms", "on_disconnect", "modes", "maintenance")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    MOTION_FIELD_NUMBER: _ClassVar[int]
    MAX_DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    ON_DISCONNECT_FIELD_NUMBER: _ClassVar[int]
    MODES_FIELD_NUMBER: _ClassVar[int]
    MAINTENANCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: MethodKind
    description: str
    args: _containers.RepeatedCompositeFieldContainer[Field]
    results: _containers.RepeatedCompositeFieldContainer[Field]
    motion: bool
    max_duration_ms: int
    on_disconnect: OnDisconnect
    modes: _containers.RepeatedScalarFieldContainer[str]
    maintenance: bool
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[MethodKind, str]] = ..., description: _Optional[str] = ..., args: _Optional[_Iterable[_Union[Field, _Mapping]]] = ..., results: _Optional[_Iterable[_Union[Field, _Mapping]]] = ..., motion: _Optional[bool] = ..., max_duration_ms: _Optional[int] = ..., on_disconnect: _Optional[_Union[OnDisconnect, str]] = ..., modes: _Optional[_Iterable[str]] = ..., maintenance: _Optional[bool] = ...) -> None: ...

class SetpointInfo(_message.Message):
    __slots__ = ("name", "description", "fields", "ttl_ms", "minimum_rate_hz", "modes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    MODES_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    fields: _containers.RepeatedCompositeFieldContainer[Field]
    ttl_ms: int
    minimum_rate_hz: float
    modes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., fields: _Optional[_Iterable[_Union[Field, _Mapping]]] = ..., ttl_ms: _Optional[int] = ..., minimum_rate_hz: _Optional[float] = ..., modes: _Optional[_Iterable[str]] = ...) -> None: ...

class Property(_message.Message):
    __slots__ = ("field", "access")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    ACCESS_FIELD_NUMBER: _ClassVar[int]
    field: Field
    access: Access
    def __init__(self, field: _Optional[_Union[Field, _Mapping]] = ..., access: _Optional[_Union[Access, str]] = ...) -> None: ...

class StreamInfo(_message.Message):
    __slots__ = ("name", "description", "schema", "rate_hz", "frame_id", "url")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    FRAME_ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    schema: str
    rate_hz: float
    frame_id: str
    url: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., schema: _Optional[str] = ..., rate_hz: _Optional[float] = ..., frame_id: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...

class Component(_message.Message):
    __slots__ = ("name", "type", "description", "methods", "properties", "streams", "setpoints")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    METHODS_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    SETPOINTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: ComponentType
    description: str
    methods: _containers.RepeatedCompositeFieldContainer[Method]
    properties: _containers.RepeatedCompositeFieldContainer[Property]
    streams: _containers.RepeatedCompositeFieldContainer[StreamInfo]
    setpoints: _containers.RepeatedCompositeFieldContainer[SetpointInfo]
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[ComponentType, str]] = ..., description: _Optional[str] = ..., methods: _Optional[_Iterable[_Union[Method, _Mapping]]] = ..., properties: _Optional[_Iterable[_Union[Property, _Mapping]]] = ..., streams: _Optional[_Iterable[_Union[StreamInfo, _Mapping]]] = ..., setpoints: _Optional[_Iterable[_Union[SetpointInfo, _Mapping]]] = ...) -> None: ...

class Sheet(_message.Message):
    __slots__ = ("model", "vendor", "version", "description", "components", "stop_levels", "on_link_loss", "mode_property")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VENDOR_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    STOP_LEVELS_FIELD_NUMBER: _ClassVar[int]
    ON_LINK_LOSS_FIELD_NUMBER: _ClassVar[int]
    MODE_PROPERTY_FIELD_NUMBER: _ClassVar[int]
    model: str
    vendor: str
    version: str
    description: str
    components: _containers.RepeatedCompositeFieldContainer[Component]
    stop_levels: _containers.RepeatedScalarFieldContainer[StopLevel]
    on_link_loss: OnDisconnect
    mode_property: str
    def __init__(self, model: _Optional[str] = ..., vendor: _Optional[str] = ..., version: _Optional[str] = ..., description: _Optional[str] = ..., components: _Optional[_Iterable[_Union[Component, _Mapping]]] = ..., stop_levels: _Optional[_Iterable[_Union[StopLevel, str]]] = ..., on_link_loss: _Optional[_Union[OnDisconnect, str]] = ..., mode_property: _Optional[str] = ...) -> None: ...
