"""A web back end that sends robots to their dock through a cluster. It shows the cloud SDK; it is no product and has no login."""

from __future__ import annotations

import argparse
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import MessageToDict

from robolink import v1
from robolink.cloud import Fleet, GoalHandle, Options
from robolink.errors import RejectedError, RobolinkError

# Long enough for a robot that is just out of its network; after it the command is never begun.
TTL_S = 60.0
NOT_FOUND, CONFLICT, UNAVAILABLE = 404, 409, 503


class Docks:
    """Which robot was sent to its dock, and how that goes."""

    def __init__(self, fleet: Fleet, method: str, arguments: dict[str, float]) -> None:
        self._fleet, self._method, self._arguments = fleet, method, arguments
        self._goals: dict[str, GoalHandle] = {}

    def send(self, robot: str) -> dict[str, Any]:
        """Returns once the robot's hub has accepted it."""
        goal = self._fleet.robot(robot).goal(self._method, Options(ttl_s=TTL_S), **self._arguments)
        self._goals[robot] = goal
        return self.show(robot)

    def stop(self, robot: str) -> dict[str, Any]:
        """Software stop, not safety rated."""
        result = self._fleet.robot(robot).stop()
        return {"robot": robot, "stop": v1.StopVerdict.Name(result.verdict), "generation": result.generation}

    def show(self, robot: str) -> dict[str, Any]:
        info = self._fleet.robot(robot).info()
        twin = self._fleet.robot(robot).twin.get()
        reported = {
            name: MessageToDict(state.reported.value)
            for name, state in twin.items()
            if state.HasField("reported")
        }
        goal = self._goals.get(robot)
        return {
            "robot": robot,
            "online": info.online,
            "stopped": info.authority.stop.latched,
            "dock": v1.CommandState.Name(goal.state) if goal is not None else "",
            "reported": reported,
        }

    def list(self) -> list[dict[str, Any]]:
        return [{"robot": each.robot, "online": each.online} for each in self._fleet.robots()]


def handler(docks: Docks) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        def _serve(self, method: str) -> None:
            match (method, *self.path.strip("/").split("/")):
                case ("GET", "robots"):
                    self._answer(docks.list)
                case ("GET", "robots", robot):
                    self._answer(lambda: docks.show(robot))
                case ("POST", "robots", robot, "dock"):
                    self._answer(lambda: docks.send(robot))
                case ("POST", "robots", robot, "stop"):
                    self._answer(lambda: docks.stop(robot))
                case _:
                    self._say(NOT_FOUND, {"error": f"there is no {self.path}"})

        def _answer(self, work: Any) -> None:
            try:
                self._say(200, work())
            except RejectedError as exc:
                status = NOT_FOUND if exc.cause == v1.CAUSE_UNKNOWN_ROBOT else CONFLICT
                self._say(status, {"error": str(exc), "cause": v1.Cause.Name(exc.cause)})
            except RobolinkError as exc:
                self._say(UNAVAILABLE, {"error": str(exc), "retry": exc.retryable})

        def _say(self, status: int, document: Any) -> None:
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--namespace", default="", help="of the Devices; the kubeconfig's own without it")
    parser.add_argument("--method", default="base.navigate_to", help="the robot's method that docks it")
    parser.add_argument("--dock", action="append", default=[], metavar="NAME=NUMBER", help="its arguments")
    parser.add_argument("--port", type=int, default=8080, help="on loopback")
    options = parser.parse_args()
    arguments = {name: float(text) for name, _, text in (each.partition("=") for each in options.dock)}
    with Fleet(options.namespace) as fleet:
        docks = Docks(fleet, options.method, arguments)
        server = ThreadingHTTPServer(("127.0.0.1", options.port), handler(docks))
        print(f"http://127.0.0.1:{server.server_port}/robots", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
    except RobolinkError as exc:
        sys.exit(f"dock.py: {exc}")
