"""The mapper's one configuration file: YAML, its keys as mapper-framework has them, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from robolink import v1
from robolink.errors import ConfigError
from robolink_kubeedge.manifests import PROTOCOL

DMI_SOCKET: Final = "/etc/kubeedge/dmi.sock"
Positive = Annotated[float, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GrpcServer(_Section):
    """Where the mapper is served."""

    socket_path: str = "/etc/kubeedge/robolink.sock"


class Common(_Section):
    """Who the mapper is, and where edgecore is."""

    name: str = "robolink-mapper"
    version: str = "v1.0.0"
    api_version: str = "v1.0.0"
    protocol: str = PROTOCOL
    # Taken and unread: mapper-framework's examples have it.
    address: str = ""
    edgecore_sock: str = DMI_SOCKET
    # Of the mapper's REST, which is served once rest.token_file is set.
    http_port: Annotated[int, Field(ge=0, le=65535)] = 7777


ROLES: Final = {
    "observe": v1.ROLE_OBSERVE,
    "operate": v1.ROLE_OPERATE,
    "configure": v1.ROLE_CONFIGURE,
    "maintain": v1.ROLE_MAINTAIN,
    "safety": v1.ROLE_SAFETY,
}


class HubSection(_Section):
    """The hub, and what the cloud may do there at most."""

    url: str = ""
    roles: tuple[Literal["observe", "operate", "configure", "maintain", "safety"], ...] = (
        "configure",
        "safety",
    )

    def role_values(self) -> tuple[v1.Role, ...]:
        """As the schema names them."""
        return tuple(ROLES[role] for role in self.roles)


class Limits(_Section):
    """Edgecore's limiter as the mapper mirrors it, and its own periods."""

    rate_per_s: Positive = 1.0
    burst: Annotated[float, Field(ge=1)] = 100.0
    repeat_s: Positive = 2.0
    interval_s: Positive = 1.0
    refresh_s: Positive = 120.0
    resync_s: Positive = 60.0
    poll_s: Positive = 1.0
    call_timeout_s: Positive = 10.0


class EventBusSection(_Section):
    """Edgecore's MQTT event bus: reports go there, past edgecore's limiter."""

    # mqtt://HOST:PORT; empty: reports go by DMI.
    url: str = ""
    username: str = ""
    password_file: str = ""
    qos: Annotated[int, Field(ge=0, le=2)] = 1


class MetaServerSection(_Section):
    """Edgecore's own API server at the edge: it shows desired values that DMI keeps back."""

    # http://127.0.0.1:10550, as edgecore has it; empty: not asked.
    url: str = ""
    token_file: str = ""
    ca_file: str = ""
    period_s: Positive = 5.0


class RestSection(_Section):
    """The mapper's REST; without a token there is none."""

    address: str = "127.0.0.1"
    token_file: str = ""
    # mapper-framework writes by GET; ours does so only if asked.
    get_writes: bool = False
    tls_cert_file: str = ""
    tls_key_file: str = ""


class PushSection(_Section):
    """Readings past edgecore, as Devices ask."""

    enabled: bool = True
    # Readings that wait for one target; beyond it the oldest is dropped, and counted.
    waiting: Annotated[int, Field(ge=1)] = 256
    tries: Annotated[int, Field(ge=1)] = 5
    back_off_s: Positive = 0.5
    back_off_max_s: Positive = 10.0
    timeout_s: Positive = 5.0
    minimum_cycle_ms: Annotated[int, Field(ge=10)] = 100


class MapperConfig(_Section):
    """All of it; every key has a default."""

    grpc_server: GrpcServer = GrpcServer()
    common: Common = Common()
    hub: HubSection = HubSection()
    limits: Limits = Limits()
    event_bus: EventBusSection = EventBusSection()
    metaserver: MetaServerSection = MetaServerSection()
    rest: RestSection = RestSection()
    push: PushSection = PushSection()


def load(path: Path) -> MapperConfig:
    """Read and check.

    Raises:
        ConfigError: It cannot be read, or a key is wrong; all wrong keys are named.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        return MapperConfig.model_validate(data if data is not None else {})
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read: {exc.strerror}") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} is no YAML: {exc}") from exc
    except ValidationError as exc:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in exc.errors())
        raise ConfigError(f"{path}: {wrong}", hint="docs/kubeedge.md lists the keys") from exc
