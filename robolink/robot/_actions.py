"""What the driver's session wants done by the vendor's code; plain values, no behaviour.

The session emits them in its own thread; the runner (`_runner.py`) hands them to the handler's threads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from robolink import v1


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCommand:
    """An admitted command. `args` are typed, defaults filled in."""

    robot: str
    id: bytes
    method: str
    args: dict[str, Any] = field(default_factory=dict)
    goal: bool
    # Motion, or maintenance: a stop ends it.
    motion: bool
    on_disconnect: v1.OnDisconnect
    max_duration_s: float
    stop_generation: int
    lease: tuple[int, int]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCommand:
    """End that command. `ended`: its terminal state is written already, only the motion must end."""

    robot: str
    id: bytes
    why: v1.CommandState
    ended: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplySetpoint:
    """A setpoint within limits. `expires_at`: monotonic s; None with all zeros, and under no lease: stand still."""

    robot: str
    component: str
    name: str
    values: tuple[float, ...]
    expires_at: float | None
    lease: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplySetting:
    """A setting to apply; answered by `DriverSession.setting_done`."""

    robot: str
    name: str
    value: Any
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopNow:
    """Bring it to standstill now; answered by `DriverSession.stop_done`. Empty `order_id`: nobody waits."""

    robot: str
    level: v1.StopLevel
    generation: int
    order_id: bytes
    arrived_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StopChanged:
    """The latch of that robot, for those who look at it."""

    robot: str
    generation: int
    latched: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """The latch has ended; nothing moves by it."""

    robot: str
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HubChanged:
    """Both lanes are up, or one is lost."""

    connected: bool
    telemetry_endpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The hub will not have this driver; no further try is made."""

    error: Exception


Action: TypeAlias = (
    StartCommand
    | CancelCommand
    | ApplySetpoint
    | ApplySetting
    | StopNow
    | StopChanged
    | Released
    | HubChanged
    | Refused
)
