"""A simulated network or line as a process: serves its control socket and signals until it is told to end. No fault is here.

A ZeroMQ REQ socket sends a line of text and gets JSON; SIGUSR1 is the same as the toggle; SIGINT and SIGTERM end it.
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

import zmq

from robolink.errors import ConfigError, TransportError

__all__ = ["scaled", "serve"]

POLL_MS: Final = 100


def scaled(words: Mapping[str, float], fields: Mapping[str, tuple[str, float]]) -> dict[str, float]:
    """Options by their command-line names as a profile's fields, in its units."""
    return {fields[name][0]: value * fields[name][1] for name, value in words.items()}


def serve(answer: Callable[[str], dict[str, Any]], toggle: Callable[[], None], control: str | None) -> None:
    """Until a signal.

    Args:
        answer: Does what a line says; ConfigError if it says nothing known.
        toggle: At SIGUSR1.
        control: Endpoint to bind, or None.

    Raises:
        TransportError: It cannot be bound.
    """
    ending, toggled = threading.Event(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    signal.signal(signal.SIGUSR1, lambda *_: toggled.set())
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.REP)
    socket.setsockopt(zmq.LINGER, 0)
    try:
        if control:
            try:
                socket.bind(control)
            except zmq.ZMQError as exc:
                raise TransportError(f"cannot bind the control socket to {control}: {exc.strerror}") from exc
        while not ending.is_set():
            if socket.poll(POLL_MS):
                try:
                    told = answer(socket.recv().decode("utf-8", "replace"))
                except ConfigError as exc:
                    told = {"error": str(exc)}
                socket.send(json.dumps(told).encode())
            if toggled.is_set():
                toggled.clear()
                toggle()
    finally:
        context.destroy(0)
