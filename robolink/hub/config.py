"""The hub's one configuration file (TOML), checked: every endpoint, timeout and limit is a key here.

Only the hub imports this (pydantic is slow to import); peers learn the timeouts that they need from HELLO.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from robolink import v1
from robolink.core.timeouts import DEFAULTS
from robolink.errors import ConfigError
from robolink.store import Durability
from robolink.transports.lanes import DEFAULT_URL, beside, is_loopback, split_endpoint

ROLE_NAMES = {name.removeprefix("ROLE_").lower(): number for name, number in v1.Role.items() if number}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreConfig(_Section):
    """Where the hub keeps what must survive it."""

    path: Path = Path("robolink-store")
    durability: Durability = Durability.PROCESS
    max_bytes: int = Field(default=1 << 30, ge=0)


class TimeoutsConfig(_Section):
    """All in milliseconds."""

    beat_ms: int = Field(default=DEFAULTS.beat_ms, ge=20)
    peer_lost_ms: int = Field(default=DEFAULTS.peer_lost_ms, ge=60)
    lease_renew_ms: int = Field(default=DEFAULTS.lease_renew_ms, ge=20)
    lease_stale_ms: int = Field(default=DEFAULTS.lease_stale_ms, ge=60)
    resend_ms: int = Field(default=DEFAULTS.resend_ms, ge=10)
    driver_return_ms: int = Field(default=DEFAULTS.driver_return_ms, ge=0)
    stop_answer_ms: int = Field(default=DEFAULTS.stop_answer_ms, ge=50)
    setpoint_ttl_ms: int = Field(default=DEFAULTS.setpoint_ttl_ms, ge=10)
    link_event_ms: int = Field(default=DEFAULTS.link_event_ms, ge=100)
    command_ttl_ms: int = Field(default=5000, ge=10)
    lease_ask_ms: int = Field(default=10_000, ge=10)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.beat_ms * 2 > self.peer_lost_ms:
            raise ValueError("peer_lost_ms must be at least twice beat_ms")
        if self.lease_renew_ms * 2 > self.lease_stale_ms:
            raise ValueError("lease_stale_ms must be at least twice lease_renew_ms")
        return self

    def message(self) -> v1.Timeouts:
        """The part that peers need."""
        names = v1.Timeouts.DESCRIPTOR.fields_by_name
        return v1.Timeouts(**{key: value for key, value in self.model_dump().items() if key in names})


class LimitsConfig(_Section):
    """What one hub holds."""

    peers: int = Field(default=4096, ge=1)
    robots: int = Field(default=4096, ge=1)
    commands_per_robot: int = Field(default=10_000, ge=1)
    command_retention_s: float = Field(default=600.0, gt=0)
    drain: int = Field(default=32, ge=1, le=1024)
    send_queue: int = Field(default=1000, ge=1)
    telemetry_queue: int = Field(default=10_000, ge=1)


class PeerKey(_Section):
    """One CURVE public key (Z85, 40 characters), the name it stands for and what it may do."""

    name: str
    public_key: str = Field(min_length=40, max_length=40)
    kind: str = "client"
    roles: tuple[str, ...] = ()
    # Acts for a cloud: never takes a lease from a person on site.
    cloud: bool = False

    @field_validator("kind")
    @classmethod
    def _kind(cls, value: str) -> str:
        if value not in ("client", "driver"):
            raise ValueError('kind is "client" or "driver"')
        return value

    @field_validator("roles")
    @classmethod
    def _roles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for role in value:
            if role not in ROLE_NAMES:
                raise ValueError(f"role {role!r} is none of {', '.join(ROLE_NAMES)}")
        return value


class CurveConfig(_Section):
    """The hub's key pair file and its peers. Required off loopback."""

    secret_key_file: Path
    peers: tuple[PeerKey, ...] = ()


class DiscoveryConfig(_Section):
    """Whether the hub announces itself by mDNS, as what, and on which interfaces (addresses; none: those of `url`)."""

    announce: bool = False
    site: str = ""
    interfaces: tuple[str, ...] = ()


class HubConfig(_Section):
    """The whole file."""

    name: str = "robolink"
    url: str = DEFAULT_URL
    safety_url: str = ""
    telemetry_publish_url: str = ""
    telemetry_subscribe_url: str = ""
    # Commands through a twin carry wall time; a hub whose wall clock is not synchronised answers NO_TIMESYNC.
    wall_clock_synchronised: bool = True
    store: StoreConfig = StoreConfig()
    timeouts: TimeoutsConfig = TimeoutsConfig()
    limits: LimitsConfig = LimitsConfig()
    curve: CurveConfig | None = None
    discovery: DiscoveryConfig = DiscoveryConfig()

    @model_validator(mode="before")
    @classmethod
    def _fill_endpoints(cls, data: Any) -> Any:
        url = data.get("url", DEFAULT_URL)
        if not isinstance(url, str):
            return data  # The field's own check says so.
        offsets = {"safety_url": 1, "telemetry_publish_url": 2, "telemetry_subscribe_url": 3}
        return {key: beside(url, offset) for key, offset in offsets.items() if not data.get(key)} | data

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        for url in self.endpoints():
            split_endpoint(url)
            if not is_loopback(url) and self.curve is None:
                raise ConfigError(
                    f"refusing to bind {url}: it can be reached from other machines and no CURVE keys are configured",
                    hint="make keys with `python -m robolink.transports.curve KEYS_DIR` and add a [curve] section, "
                    "or bind to 127.0.0.1",
                )
        return self

    def endpoints(self) -> tuple[str, str, str, str]:
        """Control, safety, telemetry publish, telemetry subscribe."""
        return (self.url, self.safety_url, self.telemetry_publish_url, self.telemetry_subscribe_url)


def load(path: Path | None, **overrides: Any) -> HubConfig:
    """Read and check the file; `overrides` (not None) replace its top-level keys.

    Raises:
        ConfigError: The file is missing, not TOML, or a key is unknown or out of range; the text names it.
    """
    data: dict[str, Any] = {}
    if path is not None:
        try:
            data = tomllib.loads(path.read_text())
        except OSError as exc:
            raise ConfigError(f"cannot read {path}: {exc.strerror}", hint="check --config") from exc
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
            raise ConfigError(f"{path} is not TOML: {exc}") from exc
    data |= {key: value for key, value in overrides.items() if value is not None}
    try:
        return HubConfig.model_validate(data)
    except ValidationError as exc:
        faults = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}" for each in exc.errors()
        )
        raise ConfigError(
            f"{path or 'configuration'}: {faults}", hint="see docs/hub.md for every key"
        ) from exc
