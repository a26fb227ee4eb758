"""Looks at what stands between a cloud and a robot, and says of each part whether it is good, and its cure if not.

It changes nothing and registers nowhere: a registration would take the protocol away from the mapper that serves.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
import yaml

from robolink.core.twintext import fits_name, fits_value
from robolink.errors import ConfigError, RobolinkError
from robolink_kubeedge import dmi, documents, faults
from robolink_kubeedge import dmi_pb2 as pb
from robolink_kubeedge.config import MapperConfig
from robolink_kubeedge.sockets import lock_holder

TIMEOUT_S: Final = 3.0
Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    what: str
    good: bool
    text: str
    cure: str = ""

    def __str__(self) -> str:
        """One line, two with a cure."""
        cure = f"\n      cure: {self.cure}" if self.cure and not self.good else ""
        return f"{'ok  ' if self.good else 'FAIL'}  {self.what}: {self.text}{cure}"


def _good(what: str, text: str) -> Finding:
    return Finding(what=what, good=True, text=text)


def _bad(what: str, text: str, cure: str) -> Finding:
    return Finding(what=what, good=False, text=text, cure=cure)


def examine(config: MapperConfig, manifests: Path | None = None, namespace: str = "default") -> list[Finding]:
    """Everything, in the order from edgecore to the robots.

    Args:
        config: Of the mapper.
        manifests: Looked at before they are applied.
        namespace: Of the robots' Devices, and of manifests that name none.

    Raises:
        ConfigError: The manifests cannot be read.
    """
    resources = _read(manifests) if manifests is not None else []
    robots, hub = _hub(config)
    wanted = {(namespace, robot) for robot in robots}
    wanted |= {_key(each, namespace) for each in resources if each["kind"] == "Device"}
    found = [_edgecore(config), *_mapper(config, sorted(wanted)), *_others(config, sorted(wanted))]
    found += [*_reports(config), *_extras(config), hub]
    return found + list(_resources(resources, config.common.protocol))


# Edgecore and the mapper.


def _dial(path: Path) -> str:
    """Why nobody serves on this socket; "" if somebody does."""
    try:
        if not path.exists():
            return "is not there"
        if not path.is_socket():
            return "is no socket"
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(TIMEOUT_S)
            probe.connect(str(path))
    except PermissionError:
        return "may not be opened by this user"
    except OSError as exc:
        return f"is served by nobody: {exc.strerror or exc}"
    return ""


def _edgecore(config: MapperConfig) -> Finding:
    path = Path(config.common.edgecore_sock)
    why = _dial(path)
    if not why:
        return _good("edgecore", f"serves on {path}")
    cures = {
        "is not there": "is edgecore up, is deviceTwin enabled in its configuration, is its folder mounted into the"
        " mapper's pod? common.edgecore_sock must be deviceTwin.dmiSockPath",
        "may not be opened by this user": "run the mapper as edgecore's user (root), the sockets have no other guard",
    }
    return _bad("edgecore", f"{path} {why}", cures.get(why, "start edgecore: systemctl status edgecore"))


def _mapper(config: MapperConfig, wanted: list[tuple[str, str]]) -> Iterator[Finding]:
    path = Path(config.grpc_server.socket_path)
    why = _dial(path)
    if why:
        cure = "start it: robolink kubeedge mapper --config FILE; edgecore and mapper must see the same path"
        yield _bad("mapper", f"{path} {why}", cure)
        return
    devices = [each for key in wanted if (each := _ask(path, key)) is not None]
    if devices or not wanted:
        yield _good("mapper", f"serves {len(devices)} of {len(wanted)} devices on {path}")
    else:
        cure = (
            "are the Devices applied, with this nodeName and protocolName, models first? "
            "Is this the mapper's own socket?"
        )
        yield _bad("mapper", f"serves none of {len(wanted)} devices on {path}", cure)
    for device in devices:
        for fault in faults.read(_twin(device, "device-faults")):
            cure = faults.CODES.get(fault.code, ("", "see docs/kubeedge.md", True))[1]
            yield _bad(f"device {device.namespace}/{device.name}", fault.words, cure)


def _ask(path: Path, key: tuple[str, str]) -> pb.Device | None:
    request = pb.GetDeviceRequest(device_namespace=key[0], device_name=key[1])
    try:
        with grpc.insecure_channel(f"unix:{path}") as channel:
            found: pb.Device = dmi.call(channel, dmi.DOWN, "GetDevice")(request, timeout=TIMEOUT_S).device
    except grpc.RpcError:
        return None
    return found if found.name == key[1] else None


def _twin(device: pb.Device, name: str) -> str:
    return next((each.reported.value for each in device.status.twins if each.property_name == name), "")


def _others(config: MapperConfig, wanted: list[tuple[str, str]]) -> Iterator[Finding]:
    """Edgecore keeps one mapper per protocol name: a second one replaces the first without a word."""
    edgecore, ours = Path(config.common.edgecore_sock), Path(config.grpc_server.socket_path)
    what = f"protocol {config.common.protocol}"
    holder = lock_holder(edgecore, config.common.protocol)
    for path in sorted(edgecore.parent.glob("*.sock")):
        if path.resolve() in (edgecore.resolve(), ours.resolve()) or _dial(path):
            continue
        if any(_ask(path, key) is not None for key in wanted[:20]):
            cure = "end one of the two, or give them different common.protocol and Devices"
            yield _bad(what, f"another mapper serves its devices on {path}", cure)
            return
    if holder and _dial(ours):
        cure = (
            "that one serves this protocol on this node, on another socket: end it, or use its configuration"
        )
        yield _bad(what, f"held by {holder}", cure)
        return
    yield _good(what, f"held by {holder}" if holder else "held by no mapper of ours")


def _reports(config: MapperConfig) -> Iterator[Finding]:
    """What the mapper has counted, where its REST is served."""
    if not config.rest.token_file:
        yield _good("limiter", "not looked at: the mapper's REST is off (rest.token_file)")
        return
    import httpx

    base = f"http{'s' if config.rest.tls_cert_file else ''}://{config.rest.address}:{config.common.http_port}"
    try:
        token = Path(config.rest.token_file).read_text(encoding="utf-8").strip()
        answer = httpx.get(
            f"{base}/api/v1/counters",
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_S,
            trust_env=False,
            verify=False,
        )
        answer.raise_for_status()
        counts = answer.json()["Data"]
    except (OSError, httpx.HTTPError, ValueError, KeyError) as exc:
        yield _bad("REST", f"{base} does not answer: {exc}", "is the mapper up, is the token the same?")
        return
    yield from judge(counts)


def judge(counts: dict[str, int]) -> Iterator[Finding]:
    """What the mapper's counters tell."""
    if limited := counts.get("limited", 0):
        cure = (
            "edgecore takes 1 call a second from all mappers of a node, after a burst of 100: set event_bus.url, "
            "raise limits.interval_s and refresh_s, or move other mappers to other nodes"
        )
        yield _bad("limiter", f"edgecore refused {limited} calls as too many", cure)
    else:
        yield _good("limiter", "edgecore refused no call as too many")
    if unfit := counts.get("unfit", 0):
        cure = "name components and properties with a-z A-Z 0-9 - _ . , : / @ # alone, and shorter than 128"
        yield _bad("charset", f"{unfit} twins could not pass edgecore and were left out", cure)
    else:
        yield _good("charset", "every twin passes")
    if refused := counts.get("event_bus_refused", 0):
        cure = "does edgecore know the devices? see its log; a Device made over a broken link needs a restart of it"
        yield _bad("event bus", f"edgecore refused {refused} reports", cure)


def _extras(config: MapperConfig) -> Iterator[Finding]:
    if config.event_bus.url:
        from robolink_kubeedge.eventbus import address

        yield _try(
            "event bus",
            lambda: socket.create_connection(address(config.event_bus.url), timeout=TIMEOUT_S).close(),
            config.event_bus.url,
            "is the broker up, and is eventBus.enable true in edgecore's configuration? Reports go by DMI meanwhile",
        )
    if config.metaserver.url:
        import httpx

        yield _try(
            "metaserver",
            lambda: httpx.get(config.metaserver.url, timeout=TIMEOUT_S, trust_env=False, verify=False),
            config.metaserver.url,
            "is metaManager.metaServer.enable true in edgecore's configuration?",
        )


def _try(what: str, act: Callable[[], object], where: str, cure: str) -> Finding:
    try:
        act()
    except (OSError, ConfigError, ValueError) as exc:
        return _bad(what, f"{where} does not answer: {exc}", cure)
    except Exception as exc:
        # httpx has a tree of its own, which need not be installed.
        if type(exc).__module__.partition(".")[0] not in ("httpx", "httpcore"):
            raise
        return _bad(what, f"{where} does not answer: {exc}", cure)
    return _good(what, f"{where} answers")


def _hub(config: MapperConfig) -> tuple[list[str], Finding]:
    from robolink.client import connect

    try:
        with connect(config.hub.url or None, name="kubeedge-doctor", timeout_s=TIMEOUT_S) as hub:
            robots = hub.robots()
    except RobolinkError as exc:
        return [], _bad("hub", str(exc), "start it: robolink hub; hub.url or ROBOLINK_HUB says where it is")
    away = [each.robot for each in robots if not each.online]
    text = f"{len(robots)} robots" + (f", offline: {', '.join(sorted(away)[:10])}" if away else "")
    return [each.robot for each in robots], _good("hub", text)


# Resources.


def _read(path: Path) -> list[Manifest]:
    try:
        found = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read: {exc.strerror}") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} is no YAML: {exc}") from exc
    items = [each for document in found for each in _items(document)]
    return [each for each in items if each.get("kind") in ("Device", "DeviceModel") and _key(each)[1]]


def _items(document: Any) -> list[Manifest]:
    """A List of resources, as `kubectl get -o yaml` writes it, or one."""
    listed = document.get("items", [document]) if isinstance(document, dict) else []
    return [each for each in listed if isinstance(each, dict)]


def _key(resource: Manifest, namespace: str = "default") -> tuple[str, str]:
    metadata = resource.get("metadata") or {}
    return str(metadata.get("namespace") or namespace), str(metadata.get("name", ""))


def _resources(resources: list[Manifest], protocol: str) -> Iterator[Finding]:
    models = {_key(each) for each in resources if each["kind"] == "DeviceModel"}
    for resource in resources:
        if resource["kind"] != "Device":
            continue
        key = _key(resource)
        what = f"device {key[0]}/{key[1]}"
        try:
            device = documents.to_device(resource)
        except ValueError as exc:
            cure = "configData holds flat strings alone, no key named data: else edgecore never passes the Device down"
            yield _bad(what, str(exc), cure)
            continue
        for each in _device(device, resource, protocol, models):
            yield _bad(what, *each)


def _device(
    device: pb.Device, resource: Manifest, protocol: str, models: set[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Pairs of fault and cure."""
    if device.spec.protocol.protocol_name != protocol:
        name = device.spec.protocol.protocol_name
        yield f"its protocol is {name!r}, the mapper's is {protocol!r}", "make them the same"
    model = (device.namespace or "default", device.spec.device_model_reference)
    if model not in models:
        yield f"its model {model[1]!r} is not among the resources", faults.CODES["MODEL_MISSING"][1]
    if not resource["spec"].get("nodeName"):
        yield "it has no nodeName, so no edge node gets it", "robolink kubeedge manifest --node NODE"
    configs = {"protocol": device.spec.protocol.config_data}
    configs |= {f"visitors of {each.name}": each.visitors.config_data for each in device.spec.properties}
    for where, config in configs.items():
        if "data" in config.data:
            yield (
                f"configData of its {where} has a key named data",
                "rename it: edgecore drops the Device silently",
            )
    for fault in faults.of_document(device):
        yield fault.words, faults.CODES[fault.code][1]
    for each in device.spec.properties:
        if not fits_value(each.desired.value):
            shown = json.dumps(each.desired.value[:40])
            cure = "512 of a-z A-Z 0-9 - _ . , : / @ # pass; encode the rest: # and base64url without padding"
            yield f"the desired value {shown} of {each.name} cannot be reported back", cure
        elif not fits_name(each.name):
            yield f"the name {each.name[:40]!r} cannot pass edgecore", faults.CODES["BAD_NAME"][1]
