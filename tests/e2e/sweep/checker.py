"""The promises, as pure functions over a recorded history: each yields a line for each break of it.

Here is what holds of commands; stops, leases and settings are in authority.py. No rule knows the plan or the clock: what
one process did before another is their order in the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from robolink import v1
from tests.e2e.sweep import authority
from tests.e2e.sweep.facts import ALIVE, ENDS, REJECTED, UNKNOWN, Facts, name
from tests.e2e.sweep.history import Record

EXPIRED: Final = int(v1.COMMAND_STATE_EXPIRED)
SUCCEEDED: Final = int(v1.COMMAND_STATE_SUCCEEDED)


def check(records: Iterable[Record]) -> list[str]:
    """Every broken promise of that history, as `rule: what`; none is as it should be."""
    facts = Facts(records)
    return [f"{rule}: {text}" for rule, find in RULES.items() for text in find(facts)]


def came_to_rest(facts: Facts) -> Iterator[str]:
    """Everything ended by itself, and every process by its signal."""
    for event in ("stuck", "gave_up", "would_not_end"):
        for each in facts.of(event):
            yield f"{event} at {each['at']}: {each.get('why') or each.get('open') or each.get('part', '')}"


def one_end(facts: Facts) -> Iterator[str]:
    """A command has at most one terminal state, the same for everybody who asks, ever."""
    for command in facts.sends:
        ends = dict(facts.said(command))
        if len(ends) > 1:
            yield f"{command} ended " + " and ".join(f"{name(s)} (says {who})" for s, who in ends.items())


def accepted_ends(facts: Facts) -> Iterator[str]:
    """What was told ACCEPTED is never forgotten, and has ended when all is at rest."""
    for command, final in facts.finals.items():
        alive = [each for each in facts.updates.get(command, ()) if each["state"] in ALIVE]
        if alive and final["state"] not in ENDS:
            yield f"{command} was told {name(alive[0]['state'])} at {alive[0]['at']}, is {name(final['state'])} at rest"


def no_way_back(facts: Facts) -> Iterator[str]:
    """A question put after an end was told is answered with that end; one put after ACCEPTED, never with less."""
    for command, updates in facts.updates.items():
        answers = [(facts.asked_at[each["q"]], each) for each in updates if each.get("q") in facts.asked_at]
        for asked_at, answer in answers:
            before = [each for each in updates if each["at"] < asked_at and each["state"] in ALIVE]
            ended = next((each for each in before if each["state"] in ENDS), None)
            if ended is not None and answer["state"] != ended["state"]:
                yield (
                    f"{command} was {name(ended['state'])} at {ended['at']}, "
                    f"is {name(answer['state'])} when asked at {asked_at}"
                )
            elif before and answer["state"] in (UNKNOWN, REJECTED):
                yield f"{command} was accepted at {before[0]['at']}, is {name(answer['state'])} when asked at {asked_at}"


def late_beside(facts: Facts) -> Iterator[str]:
    """A late outcome stands beside an end, is another one, and stays."""
    for command in facts.sends:
        told = [*facts.updates.get(command, ())]
        told += [facts.finals[command]] if command in facts.finals else []
        late = {each["late"] for each in told if each["late"]}
        if len(late) > 1:
            yield f"{command} has {len(late)} late outcomes: {', '.join(map(name, late))}"
        for each in told:
            if each["late"] and (each["state"] not in ENDS or each["state"] == each["late"]):
                yield f"{command} is {name(each['state'])} with the late outcome {name(each['late'])} at {each['at']}"


def once(facts: Facts) -> Iterator[str]:
    """No id is executed twice."""
    for command, begins in facts.begins.items():
        if len(begins) > 1:
            yield f"{command} was executed {len(begins)} times, at {', '.join(str(b['at']) for b in begins)}"


def refused_never_runs(facts: Facts) -> Iterator[str]:
    """What was told REJECTED or EXPIRED was not executed, nor what no driver could be reached for."""
    for command, begins in facts.begins.items():
        for state, who in facts.said(command):
            if state in (REJECTED, EXPIRED):
                yield f"{command} is {name(state)} (says {who}) and was executed at {begins[0]['at']}"
                break
        for each in facts.updates.get(command, ()):
            if each["state"] in ENDS and each["cause"] == v1.CAUSE_UNREACHABLE:
                yield f"{command} could not be delivered, and was executed at {begins[0]['at']}"
                break


def success_is_real(facts: Facts) -> Iterator[str]:
    """SUCCEEDED means that it was executed to its end; an execution is of what was sent, and journaled before."""
    for command in facts.sends:
        if any(state == SUCCEEDED for state, _ in facts.said(command)):
            if not any(each["how"] == "done" for each in facts.ends.get(command, ())):
                yield f"{command} SUCCEEDED, and no execution of it came to its end"
    for command, begins in facts.begins.items():
        if begins[0]["number"] not in {each["number"] for each in facts.sends.get(command, ())}:
            yield f"{command} was executed with number {begins[0]['number']}, which nobody has sent with it"


def kept_before_told(facts: Facts) -> Iterator[str]:
    """What anybody was told, and what any driver was sent, a killed hub has in its journal."""
    for kept in facts.of("kept"):
        until, commands = facts.life_end(kept["at"]), kept["commands"]
        for command, updates in facts.updates.items():
            told = [each for each in updates if each["at"] < until and each["state"] in ALIVE]
            if told and command not in commands:
                yield f"{command} was told {name(told[0]['state'])} at {told[0]['at']}, not in the journal at {kept['at']}"
                continue
            for each in told:
                if each["state"] in ENDS and commands[command][0] != each["state"]:
                    state = name(commands[command][0])
                    yield f"{command} was {name(each['state'])} at {each['at']}, {state} in the journal at {kept['at']}"
                    break
        for command, begins in facts.begins.items():
            if begins[0]["at"] < until and command not in commands:
                yield f"{command} was executed at {begins[0]['at']}, not in the journal at {kept['at']}"


RULES: Final[dict[str, Callable[[Facts], Iterator[str]]]] = {
    "came to rest": came_to_rest,
    "one end": one_end,
    "accepted ends": accepted_ends,
    "no way back": no_way_back,
    "late beside": late_beside,
    "once": once,
    "refused never runs": refused_never_runs,
    "success is real": success_is_real,
    "kept before told": kept_before_told,
    **authority.RULES,
}
