"""Messages as JSON-ready dictionaries with stable keys: every key always is there, null where nothing is known.

These keys are what scripts rely on (docs/cli.md lists them); a new one may come, none goes.
"""

from __future__ import annotations

from typing import Any

from robolink import v1
from robolink.cli.values import json_value
from robolink.core.values import from_value, values_to_dict
from robolink.core.violation import cause_name, state_name

View = dict[str, Any]


def short(enum: Any, prefix: str, number: int) -> str | None:
    """`STOP_VERDICT_STOPPED` -> "STOPPED"; None for the unspecified 0."""
    return enum.Name(number).removeprefix(prefix) if number else None


def cause(number: int) -> str | None:
    """A cause's name; None for none."""
    return cause_name(number) if number else None


def stop_state(state: v1.StopState) -> View:
    """The stop latch."""
    return {
        "latched": state.latched,
        "generation": state.generation,
        "level": short(v1.StopLevel, "STOP_LEVEL_", state.level),
        "reason": state.reason,
        "stopped_by": state.stopped_by,
    }


def robot(info: v1.RobotInfo) -> View:
    """One line of `robots`."""
    return {
        "robot": info.robot,
        "model": info.model,
        "online": info.online,
        "driver": info.driver,
        "sheet_hash": info.sheet_hash,
        "stop": stop_state(info.authority.stop),
        "leases": [{"component": each.component, "owner": each.owner} for each in info.authority.leases],
    }


def property_state(state: v1.PropertyState) -> View:
    """One property's three sides."""
    observed, reported = state.observed, state.reported
    return {
        "name": state.name,
        "desired": {
            "value": json_value(from_value(state.desired.value)),
            "version": state.desired.version,
        }
        if state.HasField("desired")
        else None,
        "observed": {
            "version": observed.version,
            "verdict": short(v1.Verdict, "VERDICT_", observed.verdict),
            "cause": cause(observed.cause),
            "text": observed.text,
        }
        if state.HasField("observed")
        else None,
        "reported": {
            "value": json_value(from_value(reported.value)),
            "version": reported.version,
            "time_ns": reported.time_ns,
            "quality": short(v1.Quality, "QUALITY_", reported.quality),
        }
        if state.HasField("reported")
        else None,
    }


def feedback(message: v1.CommandFeedback) -> View:
    """One feedback of a goal."""
    return {
        "event": "feedback",
        "phase": message.phase,
        "progress": round(message.progress, 4) if message.HasField("progress") else None,
        "eta_s": round(message.eta_s, 3) if message.HasField("eta_s") else None,
        "values": {name: json_value(value) for name, value in values_to_dict(message.values).items()},
    }


def results_of(update: v1.CommandUpdate) -> dict[str, Any]:
    """The result's values by name."""
    return dict(values_to_dict(v1.Values.FromString(update.result)))


def outcome(robot_id: str, method: str, update: v1.CommandUpdate) -> View:
    """How a command ended."""
    return {
        "event": "result",
        "robot": robot_id,
        "method": method,
        "command_id": update.command_id.hex(),
        "state": state_name(update.state),
        "cause": cause(update.cause),
        "text": update.text,
        "result": {name: json_value(value) for name, value in results_of(update).items()},
    }


def stop_result(result: v1.StopResult) -> View:
    """One robot's answer to a stop."""
    return {
        "robot": result.robot,
        "verdict": short(v1.StopVerdict, "STOP_VERDICT_", result.verdict),
        "generation": result.generation,
        "standstill_ms": round(result.standstill_ms, 1) if result.HasField("standstill_ms") else None,
        "text": result.text,
    }


def release_result(result: v1.ReleaseResult) -> View:
    """One robot's answer to a release."""
    return {
        "robot": result.robot,
        "released": result.cause == v1.CAUSE_UNSPECIFIED,
        "cause": cause(result.cause),
        "generation": result.generation,
        "text": result.text,
    }
