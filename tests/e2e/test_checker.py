"""The sweep's checker over hand-made histories: a good one passes, and one bad one per rule is told by that rule."""

from __future__ import annotations

from typing import Any

import pytest

from robolink import v1
from tests.e2e.sweep.checker import RULES, check
from tests.e2e.sweep.history import Record

ACCEPTED, REJECTED = int(v1.COMMAND_STATE_ACCEPTED), int(v1.COMMAND_STATE_REJECTED)
SUCCEEDED, LOST = int(v1.COMMAND_STATE_SUCCEEDED), int(v1.COMMAND_STATE_LOST)
EXPIRED, UNKNOWN = int(v1.COMMAND_STATE_EXPIRED), int(v1.COMMAND_STATE_UNSPECIFIED)


def r(event: str, who: str = "client0", **fields: Any) -> Record:
    return {"e": event, "who": who, "t": 0} | fields


def hub(life: int) -> Record:
    return r("start", "runner", part="hub", life=life)


def send(command: str = "a", **more: Any) -> Record:
    fields = {"number": 1, "motion": False, "method": "legs.walk", "gen": 0, "lease": None}
    return r("send", id=command, **(fields | more))


def told(state: int, command: str = "a", **more: Any) -> Record:
    return r("update", id=command, state=state, **({"cause": 0, "late": 0, "q": ""} | more))


def begin(command: str = "a", **more: Any) -> Record:
    fields = {"number": 1, "motion": False, "method": "legs.walk", "gen": 0, "lease": [0, 0], "source": ""}
    return r("begin", "driver", id=command, **(fields | more))


def done(command: str = "a") -> Record:
    return r("end", "driver", id=command, how="done")


def final(state: int, command: str = "a") -> Record:
    return r("final", "runner", id=command, state=state, late=0)


def kept(**more: Any) -> Record:
    return r("kept", "runner", **({"commands": {}, "versions": {}, "stop": None} | more))


def stop(generation: int, verdict: str = "STOPPED") -> Record:
    return r("stop_ack", n=1, gen=generation, verdict=verdict)


def twin(version: int, value: float, observed: int) -> Record:
    return r("twin", "runner", name="legs.gain", version=version, value=value, observed=observed, verdict=1)


def ask_write(n: int, value: float, if_version: int | None = None) -> Record:
    return r("write_ask", n=n, name="legs.gain", value=value, if_version=if_version)


def written(n: int, value: float, version: int) -> Record:
    return r("write_ack", n=n, name="legs.gain", value=value, version=version)


def applied(value: float) -> Record:
    return r("apply", "driver", name="legs.gain", value=value)


MOVED = r("moved", "runner", state=SUCCEEDED, tries=1)
MOTION: dict[str, Any] = {"motion": True, "lease": [1, 1]}
LEASED = r("leased", component="legs", token=[1, 1])
DRIVER = r("start", "runner", part="driver", life=1)

GOOD = [
    hub(1),
    DRIVER,
    LEASED,
    send(**MOTION),
    told(ACCEPTED),
    begin(**MOTION),
    done(),
    told(SUCCEEDED),
    r("stop_ask", n=1),
    stop(1),
    ask_write(2, 5.0),
    written(2, 5.0, 1),
    applied(5.0),
    r("kill", "runner", part="hub"),
    kept(commands={"a": [SUCCEEDED, 0]}, versions={"legs.gain": [1, 5.0]}, stop=[1, True]),
    hub(2),
    r("look_ask", n=3),
    r("look", n=3, gen=1, latched=True),
    r("release_ask", n=4, gen=1),
    send("b", gen=1, **MOTION),
    told(ACCEPTED, "b"),
    begin("b", gen=1, **MOTION),
    done("b"),
    told(SUCCEEDED, "b"),
    final(SUCCEEDED),
    final(SUCCEEDED, "b"),
    twin(1, 5.0, 1),
    MOVED,
]

# Each: the rule that must tell it, and the history.
BAD: list[tuple[str, list[Record]]] = [
    ("came to rest", [r("stuck")]),
    ("came to rest", [r("gave_up", open=["a"])]),
    ("one end", [send(), told(LOST), told(SUCCEEDED)]),
    ("one end", [send(), told(LOST), kept(commands={"a": [SUCCEEDED, 0]})]),
    ("one end", [send(), told(REJECTED), hub(2), final(LOST)]),
    ("accepted ends", [send(), told(ACCEPTED), final(ACCEPTED)]),
    ("accepted ends", [send(), told(ACCEPTED), final(UNKNOWN)]),
    ("accepted ends", [send(), told(ACCEPTED), final(-1)]),
    ("no way back", [send(), told(SUCCEEDED), r("ask", id="a", q="1"), told(ACCEPTED, q="1")]),
    ("no way back", [send(), told(ACCEPTED), r("ask", id="a", q="1"), told(UNKNOWN, q="1")]),
    ("late beside", [send(), told(ACCEPTED, late=SUCCEEDED)]),
    ("late beside", [send(), told(LOST, late=LOST)]),
    ("late beside", [send(), told(LOST, late=SUCCEEDED), told(LOST, late=EXPIRED)]),
    ("once", [send(), begin(), begin()]),
    ("refused never runs", [send(), told(REJECTED), begin()]),
    ("refused never runs", [send(), begin(), told(EXPIRED)]),
    ("refused never runs", [send(), begin(), told(LOST, cause=v1.CAUSE_UNREACHABLE)]),
    ("success is real", [send(), told(SUCCEEDED)]),
    ("success is real", [send(), begin(number=2)]),
    ("kept before told", [hub(1), send(), told(ACCEPTED), kept()]),
    ("kept before told", [hub(1), send(), told(LOST), kept(commands={"a": [ACCEPTED, 0]})]),
    ("kept before told", [hub(1), send(), begin(), kept()]),
    ("still while latched", [stop(1), send(gen=1, **MOTION), begin(gen=1, **MOTION)]),
    ("still while latched", [send(gen=1, **MOTION), stop(1), begin(gen=1, **MOTION)]),
    ("still while latched", [stop(1, "UNREACHABLE"), send(gen=1, **MOTION), begin(gen=1, **MOTION)]),
    ("newest generation", [stop(2), r("release_ask", n=1, gen=2), send(**MOTION), begin(gen=1, **MOTION)]),
    ("newest generation", [send(**MOTION), stop(1), r("release_ask", n=1, gen=1), begin(**MOTION)]),
    ("moves again", [r("moved", state=REJECTED)]),
    ("generations grow", [stop(2), r("stop_ask", n=1), stop(2)]),
    ("generations grow", [r("stop_ask", n=1), stop(0)]),
    ("latch survives", [hub(1), stop(1), kept(stop=[0, False])]),
    ("latch survives", [hub(1), stop(1), kept(stop=[1, False])]),
    ("latch survives", [hub(1), stop(1), kept(stop=None)]),
    ("latch survives", [stop(1), hub(2), r("look_ask", n=1), r("look", n=1, gen=1, latched=False)]),
    ("sender has lease", [send(motion=True), begin(motion=True)]),
    (
        "sender has lease",
        [r("leased", "client1", component="", token=[1, 1]), send(**MOTION), begin(**MOTION)],
    ),
    ("sender has lease", [r("leased", component="arm", token=[1, 1]), send(**MOTION), begin(**MOTION)]),
    ("sender has lease", [LEASED, r("gave", token=[1, 1]), send(**MOTION), begin(**MOTION)]),
    (
        "sender has lease",
        [LEASED, r("leased", "client1", component="", token=[1, 2]), send(**MOTION), begin(**MOTION)],
    ),
    ("sender has lease", [LEASED, r("leased", "client1", component="arm", token=[1, 1])]),
    ("versions grow", [ask_write(1, 5.0), written(1, 5.0, 3), ask_write(2, 6.0), written(2, 6.0, 3)]),
    ("versions grow", [ask_write(1, 5.0, if_version=3), written(1, 5.0, 5)]),
    (
        "versions grow",
        [ask_write(1, 5.0, 3), r("write_conflict", n=1, name="legs.gain", value=5.0, version=3)],
    ),
    ("versions stay", [hub(1), ask_write(1, 5.0), written(1, 5.0, 1), kept()]),
    ("versions stay", [written(1, 5.0, 1), written(2, 6.0, 1)]),
    ("settings converge", [DRIVER, applied(5.0), twin(1, 5.0, 0)]),
    ("settings converge", [DRIVER, applied(5.0), twin(2, 6.0, 2)]),
    ("settings converge", [applied(5.0), DRIVER, twin(1, 5.0, 1)]),
    ("settings converge", [written(1, 5.0, 1)]),
    ("settings in order", [written(1, 5.0, 1), written(2, 6.0, 2), DRIVER, applied(6.0), applied(5.0)]),
]


def rules(history: list[Record]) -> set[str]:
    return {line.partition(":")[0] for line in check(history)}


def test_a_good_history_keeps_every_promise() -> None:
    assert check(GOOD) == []


@pytest.mark.parametrize(("rule", "history"), BAD, ids=[f"{i} {rule}" for i, (rule, _) in enumerate(BAD)])
def test_a_bad_history_is_told(rule: str, history: list[Record]) -> None:
    assert rule in rules([*history, MOVED] if rule != "moves again" else history)


def test_every_rule_has_a_bad_history() -> None:
    assert {rule for rule, _ in BAD} == RULES.keys()


def test_a_reused_id_says_nothing_of_the_command() -> None:
    reused = told(REJECTED, cause=v1.CAUSE_ID_REUSED)
    history = [send(), told(ACCEPTED), begin(), reused, done(), told(SUCCEEDED), final(SUCCEEDED), MOVED]
    assert check(history) == []


def test_a_stop_that_reached_nobody_lets_what_was_sent_before_begin() -> None:
    history = [LEASED, send(**MOTION), stop(1, "UNREACHABLE"), begin(**MOTION), done(), MOVED]
    assert check(history) == []


def test_one_life_may_show_a_stop_a_moment_late() -> None:
    look = [r("look_ask", n=1), r("look", n=1, gen=0, latched=False)]
    assert check([hub(1), stop(1), *look, MOVED]) == []
    assert rules([stop(1), hub(2), *look, MOVED]) == {"latch survives"}
