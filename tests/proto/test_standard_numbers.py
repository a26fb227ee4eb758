"""Every time and limit that STANDARD.md names is the code's."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from robolink import v1
from robolink.client import _commands as client_commands
from robolink.client import _session as client
from robolink.core import (
    _link_table,
    _link_time,
    age,
    clock,
    command,
    envelope,
    frame,
    lease,
    sheet,
    stop,
    timeouts,
    twin,
    twincmd,
    violation,
)
from robolink.hub import authority, commands, leases, roles, sockets, twins
from robolink.hub.config import HubConfig, LimitsConfig, TimeoutsConfig
from robolink.robot import _commands, _ledger, _properties, _session, _wire
from robolink.transports import lanes
from robolink_serial import sheet as serial_sheet
from tests.firmware import FIRMWARE
from tests.proto.test_standard import rows


def board_constant(file: str, name: str) -> Any:
    """A number of the board's program, read from its text."""
    tree = ast.parse((FIRMWARE / "robolink_board" / f"{file}.py").read_text("utf-8"))
    found = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name
    ]
    assert len(found) == 1
    return found[0]


TIMES = _link_table.LinkTimes()
CONFIGURED = {f"timeouts.{name}": value for name, value in TimeoutsConfig().model_dump().items()}
# Milliseconds; several values where several places keep the number.
FIXED: dict[str, tuple[float, ...]] = {
    "limits.command_retention_s": (LimitsConfig().command_retention_s * 1e3, command.RETENTION_S * 1e3),
    "resend_longest": (client_commands.MAX_RESEND_S * 1e3,),
    "hello_retry": (client.HELLO_RETRY_S * 1e3, _wire.HELLO_RETRY_S * 1e3),
    "hello_shortest": (_wire.HELLO_MIN_INTERVAL_S * 1e3, client.HELLO_MIN_INTERVAL_S * 1e3),
    "safety_first": (_session.SAFETY_FIRST_S * 1e3,),
    "taken_retry": (_session.TAKEN_RETRY_S * 1e3,),
    "ask_again": (client_commands.ASK_AGAIN_S * 1e3,),
    "outcome_resend": (_ledger.RESEND_S * 1e3,),
    "feedback_interval": (_ledger.FEEDBACK_INTERVAL_S * 1e3, board_constant("run", "FEEDBACK_MS")),
    "cancel_confirm": (_commands.CONFIRM_CANCEL_S * 1e3,),
    "goal_duration": (_commands.DEFAULT_GOAL_DURATION_S * 1e3,),
    "call_duration": (_commands.DEFAULT_CALL_DURATION_S * 1e3,),
    "report_interval": (_properties.REPORT_INTERVAL_S * 1e3,),
    "clock_ahead": (age.MAX_AHEAD_NS / 1e6,),
    "refusal_interval": (authority.REFUSAL_INTERVAL_NS / 1e6,),
    "lease_ask_longest": (leases.MAX_ASK_MS,),
    "command_ttl_longest": (age.MAX_TTL_MS,),
    "setpoint_ttl_longest": (age.MAX_SETPOINT_TTL_MS,),
    "twin_ttl": (twincmd.DEFAULT_TTL_MS,),
    "twin_ttl_longest": (age.MAX_TTL_MS,),
    "cmd_ahead": (twins.MAX_AHEAD_MS,),
    "socket_unacknowledged": (lanes.UNACKNOWLEDGED_MS,),
    "serial_beat": (TIMES.beat_s * 1e3, board_constant("link", "BEAT_MS")),
    "serial_silent": (TIMES.silent_s * 1e3, board_constant("link", "SILENT_MS")),
    "serial_hello": (TIMES.hello_s * 1e3, board_constant("link", "HELLO_MS")),
    "serial_resend": (TIMES.resend_s * 1e3, board_constant("link", "RESEND_MS")),
    "serial_stop_resend": (TIMES.stop_resend_s * 1e3,),
    "serial_probe": (TIMES.probe_s * 1e3,),
    "serial_time_query": (TIMES.time_query_s * 1e3, board_constant("link", "TIME_QUERY_MS")),
    "serial_time_forgotten": (_link_time.FORGOTTEN_MS, board_constant("sitetime", "FORGOTTEN_MS")),
    "serial_bulk_resend": (TIMES.bulk_resend_s * 1e3, board_constant("bulk", "REPEAT_MS")),
    "serial_prompt": (TIMES.idle_s * 1e3,),
    "board_watchdog": (board_constant("board", "WATCHDOG_MS"),),
    "board_readings": (board_constant("readings", "READINGS_MS"),),
}
LIMITS: dict[str, tuple[float, ...]] = {
    "message_id": (envelope.MESSAGE_ID_BYTES,),
    "header": (envelope.MAX_HEADER_BYTES,),
    "body": (envelope.MAX_BODY_BYTES,),
    "hub_body": (envelope.MAX_HUB_BODY_BYTES,),
    "frame": (sockets.MAX_MESSAGE_BYTES,),
    "refusal_text": (violation.MAX_TEXT,),
    "update_text": (commands.MAX_TEXT,),
    "stop_reason": (stop.MAX_REASON, leases.MAX_REASON),
    "result": (envelope.MAX_RESULT_BYTES,),
    "string": (sheet.MAX_STRING_BYTES,),
    "bytes": (sheet.MAX_BYTES_VALUE,),
    "vector": (sheet.MAX_VECTOR,),
    "sheet": (sheet.MAX_SHEET_BYTES,),
    "components": (sheet.MAX_COMPONENTS,),
    "unit": (sheet.MAX_UNIT,),
    "twin_text": (twin.MAX_TEXT, twincmd.MAX_CHARACTERS),
    "cmd_status": (twincmd.STATUS_KEPT,),
    "name": (roles.MAX_NAME, stop.MAX_NAME),
    "commands_per_robot": (LimitsConfig().commands_per_robot, command.MAX_COMMANDS_PER_ROBOT),
    "clock_samples": (clock.WINDOW,),
    "generation": (stop.MAX_GENERATION, lease.MAX_EPOCH),
    "serial_frame": (frame.MAX_FRAME_BYTES,),
    "serial_body": (frame.MAX_BODY_BYTES, board_constant("frame", "MAX_BODY")),
    "serial_window": (TIMES.window, board_constant("link", "WINDOW")),
    "serial_message": (TIMES.largest_message,),
    "serial_message_on_board": (board_constant("link", "LARGEST_MESSAGE"),),
    "serial_bulk_in_flight": (TIMES.bulk_in_flight,),
    "sheet_parts": (serial_sheet.MAX_PARTS,),
}


def told(heading: str, unit: str = "") -> dict[str, float]:
    """Name and number of each row."""
    table = {}
    for row in rows(heading)[1:]:
        number, _, word = row[1].partition(" ")
        assert word == unit or not unit, row
        table[row[0].strip("`")] = float(number.replace(",", ""))
    return table


TOLD_TIMES, TOLD_LIMITS = told("## B Times", "ms"), told("## C Limits")


def test_every_number_is_compared() -> None:
    assert TOLD_TIMES.keys() == CONFIGURED.keys() | FIXED.keys()
    assert TOLD_LIMITS.keys() == LIMITS.keys()


@pytest.mark.parametrize("name", CONFIGURED)
def test_configured_time(name: str) -> None:
    assert TOLD_TIMES[name] == CONFIGURED[name]


@pytest.mark.parametrize("name", FIXED)
def test_fixed_time(name: str) -> None:
    assert {round(each, 6) for each in FIXED[name]} == {TOLD_TIMES[name]}


@pytest.mark.parametrize("name", LIMITS)
def test_limit(name: str) -> None:
    assert set(LIMITS[name]) == {TOLD_LIMITS[name]}


def test_peers_begin_with_the_hubs_defaults() -> None:
    assert HubConfig().timeouts.message() == timeouts.DEFAULTS
    assert {field.name for field in v1.Timeouts.DESCRIPTOR.fields} == {
        name for name in TimeoutsConfig.model_fields if f"`{name}`" in rows_text()
    }


def rows_text() -> str:
    """The words above the table of times, which list what HelloReply tells."""
    from tests.proto.test_standard import TEXT

    return TEXT.split("\n## B Times\n")[1].split("| time |")[0].split("in HelloReply")[0]
