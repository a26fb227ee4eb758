"""One command that runs: steps its generator, sends feedback, ends it on request once the component stands still."""

from robolink_board import messages
from robolink_board.member import Refused
from robolink_board.ticks import ticks_diff

FEEDBACK_MS = 100
# A component that does not come to rest is reported as ended all the same.
ENDING_LIMIT_MS = 1000


def answer(one, command_id, values):
    # A call: its outcome, at once.
    try:
        results = one.run(*values) or ()
    except Exception as error:
        return _failed(one.component, command_id, error)
    return {
        "command_id": command_id,
        "state": messages.SUCCEEDED,
        "results": [messages.to_value(each) for each in results],
    }


def _failed(component, command_id, error):
    if isinstance(error, Refused):
        return _outcome(command_id, messages.FAILED, error.cause, str(error))
    # The component's own code failed: its output is unknown, so make it known.
    component.safe()
    text = str(error) or type(error).__name__
    return _outcome(command_id, messages.FAILED, messages.DRIVER_ERROR, text[:100])


def _outcome(command_id, state, cause=0, text="", results=()):
    return {"command_id": command_id, "state": state, "cause": cause, "text": text, "results": results}


class Run:
    def __init__(self, link, one, message, values, now):
        self.link = link
        self.component = one.component
        self.command_id = message["command_id"]
        self.max_duration_ms = message["max_duration_ms"] or one.max_duration_ms
        # Terminal UPDATE message, once there is one.
        self.outcome = None
        # (state, cause, text) that it shall end in.
        self.ending = None
        self._began = self._ending_since = self._now = now
        self._fed_back = None
        self._work = one.run(self, *values)

    def feedback(self, phase, progress):
        if self._fed_back is not None and ticks_diff(self._now, self._fed_back) < FEEDBACK_MS:
            return
        self._fed_back = self._now
        self.link.send(
            messages.FEEDBACK_KIND, {"command_id": self.command_id, "phase": phase, "progress": progress}
        )

    def end(self, state, cause, text, now):
        # The first request counts; but a stop is never hidden behind a cancel.
        if self.ending is None:
            self.ending = (state, cause, text)
            self._ending_since = now
            self._work.close()
        elif state == messages.STOPPED:
            self.ending = (state, cause, text)

    def finish(self):
        state, cause, text = self.ending
        self._end(state, cause=cause, text=text)

    def step(self, now):
        self._now = now
        if self.ending is not None:
            late = ticks_diff(now, self._ending_since) >= ENDING_LIMIT_MS
            if self.component.standstill() or late:
                self.finish()
            return
        if self.max_duration_ms and ticks_diff(now, self._began) >= self.max_duration_ms:
            self.end(
                messages.FAILED, messages.MAX_DURATION, "took longer than %d ms" % self.max_duration_ms, now
            )
            return
        try:
            next(self._work)
        except StopIteration as stop:
            results = stop.value or ()
            self._end(messages.SUCCEEDED, results=[messages.to_value(each) for each in results])
        except Exception as error:
            self.outcome = _failed(self.component, self.command_id, error)

    def _end(self, state, cause=0, text="", results=()):
        self.outcome = _outcome(self.command_id, state, cause, text, results)
