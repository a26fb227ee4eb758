from google.protobuf import any_pb2 as _any_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MapperRegisterRequest(_message.Message):
    __slots__ = ("with_data", "mapper")
    WITH_DATA_FIELD_NUMBER: _ClassVar[int]
    MAPPER_FIELD_NUMBER: _ClassVar[int]
    with_data: bool
    mapper: MapperInfo
    def __init__(self, with_data: _Optional[bool] = ..., mapper: _Optional[_Union[MapperInfo, _Mapping]] = ...) -> None: ...

class MapperInfo(_message.Message):
    __slots__ = ("name", "version", "api_version", "protocol", "address", "state")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    API_VERSION_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    api_version: str
    protocol: str
    address: bytes
    state: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., api_version: _Optional[str] = ..., protocol: _Optional[str] = ..., address: _Optional[bytes] = ..., state: _Optional[str] = ...) -> None: ...

class MapperRegisterResponse(_message.Message):
    __slots__ = ("model_list", "device_list")
    MODEL_LIST_FIELD_NUMBER: _ClassVar[int]
    DEVICE_LIST_FIELD_NUMBER: _ClassVar[int]
    model_list: _containers.RepeatedCompositeFieldContainer[DeviceModel]
    device_list: _containers.RepeatedCompositeFieldContainer[Device]
    def __init__(self, model_list: _Optional[_Iterable[_Union[DeviceModel, _Mapping]]] = ..., device_list: _Optional[_Iterable[_Union[Device, _Mapping]]] = ...) -> None: ...

class DeviceModel(_message.Message):
    __slots__ = ("name", "spec", "namespace")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    name: str
    spec: DeviceModelSpec
    namespace: str
    def __init__(self, name: _Optional[str] = ..., spec: _Optional[_Union[DeviceModelSpec, _Mapping]] = ..., namespace: _Optional[str] = ...) -> None: ...

class DeviceModelSpec(_message.Message):
    __slots__ = ("properties",)
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    properties: _containers.RepeatedCompositeFieldContainer[ModelProperty]
    def __init__(self, properties: _Optional[_Iterable[_Union[ModelProperty, _Mapping]]] = ...) -> None: ...

class ModelProperty(_message.Message):
    __slots__ = ("name", "description", "type", "access_mode", "minimum", "maximum", "unit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ACCESS_MODE_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    type: str
    access_mode: str
    minimum: str
    maximum: str
    unit: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., type: _Optional[str] = ..., access_mode: _Optional[str] = ..., minimum: _Optional[str] = ..., maximum: _Optional[str] = ..., unit: _Optional[str] = ...) -> None: ...

class Device(_message.Message):
    __slots__ = ("name", "spec", "status", "namespace")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    name: str
    spec: DeviceSpec
    status: DeviceStatus
    namespace: str
    def __init__(self, name: _Optional[str] = ..., spec: _Optional[_Union[DeviceSpec, _Mapping]] = ..., status: _Optional[_Union[DeviceStatus, _Mapping]] = ..., namespace: _Optional[str] = ...) -> None: ...

class DeviceSpec(_message.Message):
    __slots__ = ("device_model_reference", "protocol", "properties", "methods")
    DEVICE_MODEL_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    METHODS_FIELD_NUMBER: _ClassVar[int]
    device_model_reference: str
    protocol: ProtocolConfig
    properties: _containers.RepeatedCompositeFieldContainer[DeviceProperty]
    methods: _containers.RepeatedCompositeFieldContainer[DeviceMethod]
    def __init__(self, device_model_reference: _Optional[str] = ..., protocol: _Optional[_Union[ProtocolConfig, _Mapping]] = ..., properties: _Optional[_Iterable[_Union[DeviceProperty, _Mapping]]] = ..., methods: _Optional[_Iterable[_Union[DeviceMethod, _Mapping]]] = ...) -> None: ...

class ProtocolConfig(_message.Message):
    __slots__ = ("protocol_name", "config_data")
    PROTOCOL_NAME_FIELD_NUMBER: _ClassVar[int]
    CONFIG_DATA_FIELD_NUMBER: _ClassVar[int]
    protocol_name: str
    config_data: CustomizedValue
    def __init__(self, protocol_name: _Optional[str] = ..., config_data: _Optional[_Union[CustomizedValue, _Mapping]] = ...) -> None: ...

class CustomizedValue(_message.Message):
    __slots__ = ("data",)
    class DataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _any_pb2.Any
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_any_pb2.Any, _Mapping]] = ...) -> None: ...
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: _containers.MessageMap[str, _any_pb2.Any]
    def __init__(self, data: _Optional[_Mapping[str, _any_pb2.Any]] = ...) -> None: ...

class DeviceProperty(_message.Message):
    __slots__ = ("name", "desired", "visitors", "report_cycle", "collect_cycle", "report_to_cloud", "push_method")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESIRED_FIELD_NUMBER: _ClassVar[int]
    VISITORS_FIELD_NUMBER: _ClassVar[int]
    REPORT_CYCLE_FIELD_NUMBER: _ClassVar[int]
    COLLECT_CYCLE_FIELD_NUMBER: _ClassVar[int]
    REPORT_TO_CLOUD_FIELD_NUMBER: _ClassVar[int]
    PUSH_METHOD_FIELD_NUMBER: _ClassVar[int]
    name: str
    desired: TwinProperty
    visitors: VisitorConfig
    report_cycle: int
    collect_cycle: int
    report_to_cloud: bool
    push_method: PushMethod
    def __init__(self, name: _Optional[str] = ..., desired: _Optional[_Union[TwinProperty, _Mapping]] = ..., visitors: _Optional[_Union[VisitorConfig, _Mapping]] = ..., report_cycle: _Optional[int] = ..., collect_cycle: _Optional[int] = ..., report_to_cloud: _Optional[bool] = ..., push_method: _Optional[_Union[PushMethod, _Mapping]] = ...) -> None: ...

class PushMethod(_message.Message):
    __slots__ = ("http", "mqtt", "db_method", "otel")
    HTTP_FIELD_NUMBER: _ClassVar[int]
    MQTT_FIELD_NUMBER: _ClassVar[int]
    DB_METHOD_FIELD_NUMBER: _ClassVar[int]
    OTEL_FIELD_NUMBER: _ClassVar[int]
    http: PushHttp
    mqtt: PushMqtt
    db_method: DatabaseMethod
    otel: PushOtel
    def __init__(self, http: _Optional[_Union[PushHttp, _Mapping]] = ..., mqtt: _Optional[_Union[PushMqtt, _Mapping]] = ..., db_method: _Optional[_Union[DatabaseMethod, _Mapping]] = ..., otel: _Optional[_Union[PushOtel, _Mapping]] = ...) -> None: ...

class PushHttp(_message.Message):
    __slots__ = ("host_name", "port", "request_path", "timeout")
    HOST_NAME_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_PATH_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    host_name: str
    port: int
    request_path: str
    timeout: int
    def __init__(self, host_name: _Optional[str] = ..., port: _Optional[int] = ..., request_path: _Optional[str] = ..., timeout: _Optional[int] = ...) -> None: ...

class PushMqtt(_message.Message):
    __slots__ = ("address", "topic", "qos", "retained")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    QOS_FIELD_NUMBER: _ClassVar[int]
    RETAINED_FIELD_NUMBER: _ClassVar[int]
    address: str
    topic: str
    qos: int
    retained: bool
    def __init__(self, address: _Optional[str] = ..., topic: _Optional[str] = ..., qos: _Optional[int] = ..., retained: _Optional[bool] = ...) -> None: ...

class PushOtel(_message.Message):
    __slots__ = ("endpoint_url",)
    ENDPOINT_URL_FIELD_NUMBER: _ClassVar[int]
    endpoint_url: str
    def __init__(self, endpoint_url: _Optional[str] = ...) -> None: ...

class DatabaseMethod(_message.Message):
    __slots__ = ("influxdb2", "redis", "tdengine", "mysql")
    INFLUXDB2_FIELD_NUMBER: _ClassVar[int]
    REDIS_FIELD_NUMBER: _ClassVar[int]
    TDENGINE_FIELD_NUMBER: _ClassVar[int]
    MYSQL_FIELD_NUMBER: _ClassVar[int]
    influxdb2: DatabaseConfig
    redis: DatabaseConfig
    tdengine: DatabaseConfig
    mysql: DatabaseConfig
    def __init__(self, influxdb2: _Optional[_Union[DatabaseConfig, _Mapping]] = ..., redis: _Optional[_Union[DatabaseConfig, _Mapping]] = ..., tdengine: _Optional[_Union[DatabaseConfig, _Mapping]] = ..., mysql: _Optional[_Union[DatabaseConfig, _Mapping]] = ...) -> None: ...

class DatabaseConfig(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class VisitorConfig(_message.Message):
    __slots__ = ("protocol_name", "config_data")
    PROTOCOL_NAME_FIELD_NUMBER: _ClassVar[int]
    CONFIG_DATA_FIELD_NUMBER: _ClassVar[int]
    protocol_name: str
    config_data: CustomizedValue
    def __init__(self, protocol_name: _Optional[str] = ..., config_data: _Optional[_Union[CustomizedValue, _Mapping]] = ...) -> None: ...

class DeviceMethod(_message.Message):
    __slots__ = ("name", "description", "property_names")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PROPERTY_NAMES_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    property_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., property_names: _Optional[_Iterable[str]] = ...) -> None: ...

class DeviceStatus(_message.Message):
    __slots__ = ("twins", "report_to_cloud", "report_cycle")
    TWINS_FIELD_NUMBER: _ClassVar[int]
    REPORT_TO_CLOUD_FIELD_NUMBER: _ClassVar[int]
    REPORT_CYCLE_FIELD_NUMBER: _ClassVar[int]
    twins: _containers.RepeatedCompositeFieldContainer[Twin]
    report_to_cloud: bool
    report_cycle: int
    def __init__(self, twins: _Optional[_Iterable[_Union[Twin, _Mapping]]] = ..., report_to_cloud: _Optional[bool] = ..., report_cycle: _Optional[int] = ...) -> None: ...

class Twin(_message.Message):
    __slots__ = ("property_name", "observed_desired", "reported")
    PROPERTY_NAME_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_DESIRED_FIELD_NUMBER: _ClassVar[int]
    REPORTED_FIELD_NUMBER: _ClassVar[int]
    property_name: str
    observed_desired: TwinProperty
    reported: TwinProperty
    def __init__(self, property_name: _Optional[str] = ..., observed_desired: _Optional[_Union[TwinProperty, _Mapping]] = ..., reported: _Optional[_Union[TwinProperty, _Mapping]] = ...) -> None: ...

class TwinProperty(_message.Message):
    __slots__ = ("value", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VALUE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    value: str
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, value: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ReportDeviceStatusRequest(_message.Message):
    __slots__ = ("device_name", "reported_device", "device_namespace")
    DEVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    REPORTED_DEVICE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    device_name: str
    reported_device: DeviceStatus
    device_namespace: str
    def __init__(self, device_name: _Optional[str] = ..., reported_device: _Optional[_Union[DeviceStatus, _Mapping]] = ..., device_namespace: _Optional[str] = ...) -> None: ...

class ReportDeviceStatusResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReportDeviceStatesRequest(_message.Message):
    __slots__ = ("device_name", "device_namespace", "state")
    DEVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    DEVICE_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    device_name: str
    device_namespace: str
    state: str
    def __init__(self, device_name: _Optional[str] = ..., device_namespace: _Optional[str] = ..., state: _Optional[str] = ...) -> None: ...

class ReportDeviceStatesResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RegisterDeviceRequest(_message.Message):
    __slots__ = ("device",)
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    device: Device
    def __init__(self, device: _Optional[_Union[Device, _Mapping]] = ...) -> None: ...

class RegisterDeviceResponse(_message.Message):
    __slots__ = ("device_name", "device_namespace")
    DEVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    DEVICE_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    device_name: str
    device_namespace: str
    def __init__(self, device_name: _Optional[str] = ..., device_namespace: _Optional[str] = ...) -> None: ...

class RemoveDeviceRequest(_message.Message):
    __slots__ = ("device_name", "device_namespace")
    DEVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    DEVICE_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    device_name: str
    device_namespace: str
    def __init__(self, device_name: _Optional[str] = ..., device_namespace: _Optional[str] = ...) -> None: ...

class RemoveDeviceResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UpdateDeviceRequest(_message.Message):
    __slots__ = ("device",)
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    device: Device
    def __init__(self, device: _Optional[_Union[Device, _Mapping]] = ...) -> None: ...

class UpdateDeviceResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CreateDeviceModelRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: DeviceModel
    def __init__(self, model: _Optional[_Union[DeviceModel, _Mapping]] = ...) -> None: ...

class CreateDeviceModelResponse(_message.Message):
    __slots__ = ("device_model_name", "device_model_namespace")
    DEVICE_MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    DEVICE_MODEL_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    device_model_name: str
    device_model_namespace: str
    def __init__(self, device_model_name: _Optional[str] = ..., device_model_namespace: _Optional[str] = ...) -> None: ...

class RemoveDeviceModelRequest(_message.Message):
    __slots__ = ("model_name", "model_namespace")
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    model_name: str
    model_namespace: str
    def __init__(self, model_name: _Optional[str] = ..., model_namespace: _Optional[str] = ...) -> None: ...

class RemoveDeviceModelResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UpdateDeviceModelRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: DeviceModel
    def __init__(self, model: _Optional[_Union[DeviceModel, _Mapping]] = ...) -> None: ...

class UpdateDeviceModelResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetDeviceRequest(_message.Message):
    __slots__ = ("device_name", "device_namespace")
    DEVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    DEVICE_NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    device_name: str
    device_namespace: str
    def __init__(self, device_name: _Optional[str] = ..., device_namespace: _Optional[str] = ...) -> None: ...

class GetDeviceResponse(_message.Message):
    __slots__ = ("device",)
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    device: Device
    def __init__(self, device: _Optional[_Union[Device, _Mapping]] = ...) -> None: ...
