"""Settings and readings between hub and handler: orders in, verdicts and values out. No commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from robolink import v1
from robolink.core.sheet import check_value, typed_plain
from robolink.core.values import from_value, to_value
from robolink.core.violation import Violation
from robolink.robot._actions import ApplySetting
from robolink.robot._notices import NoticeRules
from robolink.robot._properties import REPORT_CHUNK, Measured, Prop
from robolink.robot._served import Served
from robolink.robot._wire import Wire

# Readings are kept so often while the hub is away.
SPOOL_INTERVAL_S: Final = 1.0


class TwinRules:
    """The properties of every robot of one session.

    Args:
        wire: Shared state.
        robots: Shared with the session.
        notices: Keeps reports while the hub is away.
    """

    def __init__(self, wire: Wire, robots: Mapping[str, Served], notices: NoticeRules) -> None:
        """Nothing to report."""
        self._wire = wire
        self._robots = robots
        self._notices = notices
        self.connected = False

    def order(self, body: v1.SettingOrder, now: float) -> None:
        """The hub desires a value. Repetitions are harmless; an older version than a known one is ignored."""
        served = self._robots.get(body.robot)
        prop = None if served is None else served.properties.by_name.get(body.name)
        if served is None or prop is None or not prop.writable:
            self._wire.counters["setting_unknown"] += 1
            if served is not None:
                self._refuse_unknown(served, body, now)
            return
        if prop.desired is not None and body.desired.version < prop.desired.version:
            self._wire.counters["setting_older"] += 1
            return
        if prop.pending == body.desired.version and prop.pending:
            return  # A repetition of what the handler is busy with.
        prop.desired = body.desired
        if served.ok:
            self._apply(served, body.name, prop, now)

    def _refuse_unknown(self, served: Served, body: v1.SettingOrder, now: float) -> None:
        text = f"{served.robot} has no setting {body.name!r}"
        observed = v1.Observed(
            version=body.desired.version, verdict=v1.VERDICT_REJECTED, cause=v1.CAUSE_UNSUPPORTED, text=text
        )
        self._report(served, [v1.PropertyState(name=body.name, observed=observed)], now)

    def _apply(self, served: Served, name: str, prop: Prop, now: float) -> None:
        assert prop.desired is not None
        try:
            check_value(name, prop.info.field, prop.desired.value)
        except Violation as violation:
            self._verdict(served, name, prop, prop.desired.version, violation.cause, violation.text, now)
            return
        prop.pending, prop.reports_before = prop.desired.version, prop.reports
        value = from_value(prop.desired.value)
        assert value is not None  # Checked above.
        value = typed_plain(prop.info.field, value)
        self._wire.emit(
            ApplySetting(robot=served.robot, name=name, value=value, version=prop.desired.version)
        )

    def apply_all(self, served: Served, now: float) -> None:
        """The robot behind a bridge is back, perhaps with its defaults: every desired value anew."""
        for name, prop in served.properties.by_name.items():
            if prop.desired is not None:
                self._apply(served, name, prop, now)

    def done(self, robot: str, name: str, version: int, cause: int, text: str, now: float) -> None:
        """The handler's verdict on an order; `cause` 0: applied."""
        served = self._robots.get(robot)
        prop = None if served is None else served.properties.by_name.get(name)
        if served is None or prop is None:
            return
        if prop.pending != version:
            self._wire.counters["setting_verdict_outdated"] += 1
            return
        prop.pending = 0
        applied = prop.desired is not None and prop.desired.version == version
        if not cause and applied and prop.reports == prop.reports_before and prop.desired is not None:
            # The handler did not say what is in force, so it is what it was told.
            told = from_value(prop.desired.value)
            assert told is not None  # Checked before it was applied.
            value = to_value(typed_plain(prop.info.field, told))
            served.properties.report(name, value, v1.QUALITY_GOOD, now)
        self._verdict(served, name, prop, version, cause, text, now)

    def _verdict(
        self, served: Served, name: str, prop: Prop, version: int, cause: int, text: str, now: float
    ) -> None:
        verdict = v1.VERDICT_REJECTED if cause or text else v1.VERDICT_APPLIED
        if verdict == v1.VERDICT_REJECTED:
            self._wire.counters["setting_rejected"] += 1
        prop.observed = v1.Observed(version=version, verdict=verdict, cause=cause, text=text)  # type: ignore[arg-type]
        served.properties.touch(name, now, verdict=True)
        self.flush(served, now)

    def report(self, robot: str, values: Mapping[str, Measured], now: float) -> None:
        """What the handler measured: name -> value, quality, monotonic s."""
        served = self._robots.get(robot)
        if served is None:
            return
        for name, (value, quality, at) in values.items():
            if value is None:
                self._wire.counters["reading_not_finite"] += 1
            served.properties.report(name, value, quality, now, at)

    # Reports.

    def hub_back(self, now: float, *, new_hub: bool) -> None:
        """A hello was answered: everything that is known."""
        for served in self._robots.values():
            if new_hub:
                served.properties.forget_versions()
            served.properties.touch_all(now)

    def flush(self, served: Served, now: float) -> None:
        """Send what is due."""
        if not (self.connected and served.announced):
            self._spool(served, now)
            return
        states = [self._state(name, prop, verdict) for name, prop, verdict in served.properties.take(now)]
        for start in range(0, len(states), REPORT_CHUNK):
            self._report(served, states[start : start + REPORT_CHUNK], now)

    def _spool(self, served: Served, now: float) -> None:
        """The hub was here and is away: readings are kept, once a second, so that the hour without it has a record."""
        if self.connected or not self._wire.clock.synced or now < served.spooled_at + SPOOL_INTERVAL_S:
            return
        states = [self._state(name, prop, verdict=False) for name, prop, _ in served.properties.take(now)]
        if states:
            served.spooled_at = now
            self._notices.report(v1.PropertyReport(robot=served.robot, properties=states[:REPORT_CHUNK]), now)

    def _state(self, name: str, prop: Prop, verdict: bool) -> v1.PropertyState:
        state = v1.PropertyState(name=name)
        if verdict and prop.observed is not None:
            state.observed.CopyFrom(prop.observed)
        if prop.value is not None:
            state.reported.value.CopyFrom(prop.value)
            state.reported.time_ns = self._wire.site_ns(prop.at)
            state.reported.quality = prop.quality
        return state

    def _report(self, served: Served, states: list[v1.PropertyState], now: float) -> None:
        if self.connected and served.announced:
            report = v1.PropertyReport(robot=served.robot, properties=states)
            self._wire.send(report, now, destination=served.robot)

    def _waiting(self) -> list[Served]:
        """Those that have something to report."""
        return [self._robots[robot] for robot in self._wire.due]

    def next_timer(self) -> float | None:
        """When a report is due."""
        if not self.connected:
            if not self._wire.clock.synced:
                return None
            due = [(each.properties.next_timer(), each.spooled_at) for each in self._waiting()]
            return min((max(at, last + SPOOL_INTERVAL_S) for at, last in due if at is not None), default=None)
        times = [each.properties.next_timer() for each in self._waiting() if each.announced]
        return min((each for each in times if each is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Send what is due."""
        for served in self._waiting():
            self.flush(served, now)
