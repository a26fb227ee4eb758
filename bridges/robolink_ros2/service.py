"""A service of somebody else in the graph, asked without a wait or with one. It decides nothing of robots."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Client:
    """A service of somebody else."""

    def __init__(self, node: Any, name: str, type_: Any) -> None:
        """Not waited for."""
        self.name, self.type = name, type_
        self._client = node.create_client(type_, name)

    def ready(self) -> bool:
        """Whether the graph knows a server."""
        return bool(self._client.service_is_ready())

    def send(self, request: Any, done: Callable[[Any], None]) -> Callable[[], None]:
        """Ask; `done` gets the answer, or None, in the executor's thread. What is returned gives the wait up."""
        future = self._client.call_async(request)

        def finished(future: Any) -> None:
            done(None if future.cancelled() or future.exception() else future.result())

        future.add_done_callback(finished)

        def give_up() -> None:
            self._client.remove_pending_request(future)

        return give_up

    def ask(self, request: Any, timeout_s: float) -> Any:
        """Ask and wait; None: no answer within that time. Never in the executor's thread."""
        answered, found = threading.Event(), []

        def done(response: Any) -> None:
            found.append(response)
            answered.set()

        give_up = self.send(request, done)
        if not answered.wait(timeout_s):
            give_up()
            return None
        return found[0]
