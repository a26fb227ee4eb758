"""The two gRPC services of KubeEdge's Device Mapper Interface: their calls as a table, and small helpers for messages.

It decides nothing, and opens no channel: mapper and double do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import grpc
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import BoolValue, FloatValue, StringValue

from robolink_kubeedge import dmi_pb2 as dmi

UP: Final = "v1beta1.DeviceManagerService"
DOWN: Final = "v1beta1.DeviceMapperService"

# Name of a call: its request and its response.
UP_CALLS: Final[Mapping[str, tuple[type[Message], type[Message]]]] = {
    "MapperRegister": (dmi.MapperRegisterRequest, dmi.MapperRegisterResponse),
    "ReportDeviceStatus": (dmi.ReportDeviceStatusRequest, dmi.ReportDeviceStatusResponse),
    "ReportDeviceStates": (dmi.ReportDeviceStatesRequest, dmi.ReportDeviceStatesResponse),
}
DOWN_CALLS: Final[Mapping[str, tuple[type[Message], type[Message]]]] = {
    "RegisterDevice": (dmi.RegisterDeviceRequest, dmi.RegisterDeviceResponse),
    "RemoveDevice": (dmi.RemoveDeviceRequest, dmi.RemoveDeviceResponse),
    "UpdateDevice": (dmi.UpdateDeviceRequest, dmi.UpdateDeviceResponse),
    "CreateDeviceModel": (dmi.CreateDeviceModelRequest, dmi.CreateDeviceModelResponse),
    "RemoveDeviceModel": (dmi.RemoveDeviceModelRequest, dmi.RemoveDeviceModelResponse),
    "UpdateDeviceModel": (dmi.UpdateDeviceModelRequest, dmi.UpdateDeviceModelResponse),
    "GetDevice": (dmi.GetDeviceRequest, dmi.GetDeviceResponse),
}

LIMITER_WORDS: Final = "too many request"


def handlers(service: str, calls: Mapping[str, Callable[[Any, Any], Any]]) -> grpc.GenericRpcHandler:
    """What a gRPC server needs to serve these calls; a call that is left out answers UNIMPLEMENTED."""
    table = UP_CALLS if service == UP else DOWN_CALLS
    methods = {
        name: grpc.unary_unary_rpc_method_handler(
            call, request_deserializer=table[name][0].FromString, response_serializer=_bytes
        )
        for name, call in calls.items()
    }
    return grpc.method_handlers_generic_handler(service, methods)


def call(channel: Any, service: str, name: str) -> Any:
    """One call as a function of its request, on a blocking or an asyncio channel."""
    table = UP_CALLS if service == UP else DOWN_CALLS
    return channel.unary_unary(
        f"/{service}/{name}", request_serializer=_bytes, response_deserializer=table[name][1].FromString
    )


def _bytes(message: Message) -> bytes:
    return message.SerializeToString()


def config(data: Mapping[str, Any]) -> dmi.CustomizedValue:
    """ConfigData as edgecore renders it: numbers become float32.

    Raises:
        ValueError: A list, a map or null: edgecore refuses it, and the device never reaches the mapper.
    """
    made = dmi.CustomizedValue()
    for key, value in data.items():
        if isinstance(value, bool):
            made.data[key].Pack(BoolValue(value=value))
        elif isinstance(value, int | float):
            made.data[key].Pack(FloatValue(value=value))
        elif isinstance(value, str):
            made.data[key].Pack(StringValue(value=value))
        else:
            raise ValueError(f"configData.{key}: {type(value).__name__} does not pass")
    return made


def config_text(value: dmi.CustomizedValue, key: str) -> str:
    """A string of configData; "" if it is not there or no string."""
    text = StringValue()
    if key in value.data and value.data[key].Unpack(text):
        return text.value
    return ""


_KINDS: Final = {"StringValue": "string", "FloatValue": "number", "BoolValue": "boolean"}


def config_kind(value: dmi.CustomizedValue, key: str) -> str:
    """The type of a value of configData: string, number, boolean, other; "" if it is not there."""
    if key not in value.data:
        return ""
    return _KINDS.get(value.data[key].type_url.rpartition(".")[2], "other")


def twin(name: str, observed_desired: str, reported: str) -> dmi.Twin:
    """A twin with both halves: edgecore panics without."""
    return dmi.Twin(
        property_name=name,
        observed_desired=dmi.TwinProperty(value=observed_desired),
        reported=dmi.TwinProperty(value=reported),
    )
