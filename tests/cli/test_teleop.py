"""Keys to setpoints by stepping time: the dead-man, limits of the sheet, the rate, arrows that come in pieces."""

from __future__ import annotations

import pytest

from robolink import v1
from robolink.cli.teleop import HOLD_S, START_SPEED, UNLIMITED, Action, Axis, KeyReader, Teleop, choose


def field(name: str, minimum: float | None = None, maximum: float | None = None) -> v1.Field:
    return v1.Field(name=name, type=v1.VALUE_TYPE_DOUBLE, minimum=minimum, maximum=maximum)


def velocity(ttl_ms: int = 300, rate_hz: float = 5) -> v1.SetpointInfo:
    fields = [field("linear_x", -1.0, 2.0), field("angular_z", -3.0, 3.0)]
    return v1.SetpointInfo(name="velocity", fields=fields, ttl_ms=ttl_ms, minimum_rate_hz=rate_hz)


def sent(
    teleop: Teleop, begin: float, end: float, step: float = 0.01
) -> list[tuple[float, dict[str, float]]]:
    """All that is due between two instants."""
    out = []
    for index in range(round((end - begin) / step)):
        now = begin + index * step
        values = teleop.due(now)
        if values is not None:
            out.append((now, values))
    return out


def test_nothing_is_sent_before_the_first_key() -> None:
    teleop = Teleop(velocity())
    assert sent(teleop, 0.0, 5.0) == []
    assert teleop.next_timer(5.0) is None


def test_a_key_that_is_not_repeated_ends_in_zeros_and_then_in_silence() -> None:
    teleop = Teleop(velocity())
    assert teleop.press(["up"], 10.0) is Action.NONE
    log = sent(teleop, 10.0, 20.0)
    moving = [at for at, values in log if values["linear_x"]]
    still = [at for at, values in log if not values["linear_x"]]
    assert moving[0] == 10.0
    assert moving[-1] < 10.0 + HOLD_S
    assert still and min(still) > moving[-1]
    assert len(still) >= 2, "one zero may be lost"
    assert max(still) < 10.0 + HOLD_S + teleop.zeros_s
    assert teleop.next_timer(20.0) is None


def test_a_held_key_drives_on_at_the_rate_of_the_sheet() -> None:
    teleop = Teleop(velocity(ttl_ms=300))
    assert teleop.period_s == pytest.approx(0.1), "three within one TTL"
    log = []
    for repeat in range(20):
        now = repeat * 0.25
        teleop.press(["w"], now)
        log += sent(teleop, now, now + 0.25)
    assert len(log) == pytest.approx(50, abs=2)
    assert all(values["linear_x"] for _, values in log)


def test_even_a_slow_setpoint_ends_with_two_zeros() -> None:
    teleop = Teleop(velocity(ttl_ms=3000, rate_hz=0))
    teleop.press(["w"], 0.0)
    zeros = [values for _, values in sent(teleop, 0.0, 10.0) if not values["linear_x"]]
    assert len(zeros) >= 2


def test_the_rate_never_falls_below_what_the_sheet_asks_for() -> None:
    assert Teleop(velocity(ttl_ms=3000, rate_hz=20)).period_s == pytest.approx(0.05)
    assert Teleop(velocity(ttl_ms=10, rate_hz=20)).period_s == pytest.approx(0.02), (
        "nor over what a terminal can do"
    )


def test_speed_is_a_fraction_of_each_limit() -> None:
    teleop = Teleop(velocity())
    teleop.press(["w", "a"], 0.0)
    assert teleop.wanted(0.1) == {
        "linear_x": pytest.approx(START_SPEED * 2.0),
        "angular_z": pytest.approx(START_SPEED * 3.0),
    }
    teleop.press(["down", "+", "+"], 0.2)
    assert teleop.wanted(0.2)["linear_x"] == pytest.approx(-(START_SPEED + 0.2) * 1.0)
    teleop.press(["-"] * 20, 0.2)
    assert teleop.speed == pytest.approx(0.1)
    teleop.press(["+"] * 20, 0.2)
    assert teleop.wanted(0.2)["linear_x"] == pytest.approx(-1.0), "never over the limit"


def test_without_a_limit_it_drives_slowly() -> None:
    teleop = Teleop(v1.SetpointInfo(name="velocity", fields=[field("linear_x")]))
    teleop.press(["w", *"+" * 20], 0.0)
    assert teleop.wanted(0.0) == {"linear_x": pytest.approx(UNLIMITED)}
    teleop.press(["left"], 0.0)
    assert teleop.wanted(0.0) == {"linear_x": pytest.approx(UNLIMITED)}, "it cannot turn"


def test_space_is_zero_at_once() -> None:
    teleop = Teleop(velocity())
    teleop.press(["w"], 0.0)
    assert teleop.due(0.0) == {"linear_x": pytest.approx(0.6), "angular_z": 0.0}
    teleop.press([" "], 0.03)
    assert teleop.due(0.03) == {"linear_x": 0.0, "angular_z": 0.0}, "not only at its next turn"


@pytest.mark.parametrize(("key", "action"), [("x", Action.STOP), ("X", Action.STOP), ("q", Action.QUIT)])
def test_stop_and_quit_let_every_key_go(key: str, action: Action) -> None:
    teleop = Teleop(velocity())
    assert teleop.press(["w", key, "w"], 0.0) is action
    assert not any(teleop.wanted(0.0).values()), "what was typed behind it is not driven"


def test_muted_it_says_nothing_until_a_key_comes() -> None:
    teleop = Teleop(velocity())
    teleop.press(["w"], 0.0)
    teleop.mute()
    assert sent(teleop, 0.0, 2.0) == []
    teleop.press(["w"], 2.0)
    assert sent(teleop, 2.0, 2.1)


def test_arrows_that_come_in_pieces_are_arrows() -> None:
    reader = KeyReader()
    assert reader.feed(b"\x1b[Aw\x1bOD") == ["up", "w", "left"]
    assert reader.feed(b"\x1b") == []
    assert reader.feed(b"[") == []
    assert reader.feed(b"B\x1b[1;5C+") == ["down", "other", "+"]


def test_no_byte_of_a_sequence_is_taken_for_a_key() -> None:
    reader = KeyReader()
    assert reader.feed(b"\x1b[200~") == ["other"], (
        "the x and q of a pasted text would follow; the 2 would not"
    )
    assert reader.feed(b"\xff") == ["�"]
    assert "w" in [*reader.feed(b"\x1b[" + b"1" * 40), *reader.feed(b"w")], (
        "a broken one does not eat the rest"
    )


def test_the_base_is_chosen_or_the_named_one() -> None:
    arm = v1.Component(name="arm", type=v1.COMPONENT_TYPE_ARM)
    arm.setpoints.append(v1.SetpointInfo(name="jog", fields=[field("joint_1"), field("joint_2")]))
    base = v1.Component(name="wheels", type=v1.COMPONENT_TYPE_BASE, setpoints=[velocity()])
    sheet = v1.Sheet(components=[arm, base])
    assert choose(sheet)[0] == "wheels.velocity"
    name, info = choose(sheet, "arm.jog")
    assert name == "arm.jog"
    assert [each.name for each in Teleop(info).axes.values()] == ["joint_1", "joint_2"]
    assert set(Teleop(info).axes) == {Axis.FORWARD, Axis.TURN}
    with pytest.raises(ValueError, match=r"wheels\.velocity"):
        choose(sheet, "wheels.fly")
    with pytest.raises(ValueError, match="velocity"):
        choose(v1.Sheet(components=[arm]))
