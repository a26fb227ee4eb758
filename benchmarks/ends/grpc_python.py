"""The path on gRPC Python: a client calls the driver's server, or a hub server whose handler calls it; unary, threads.

Generic handlers carry the same protobuf messages as the other paths; the hub passes bytes on unread, as the raw path's does.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc

from benchmarks import measure
from benchmarks.processes import end_with_parent, hold_signals, say_ready, wait_for_signal
from robolink import v1

SERVICE: Final = "bench.Path"
METHOD: Final = "Call"
ANSWER_TIMEOUT_S: Final = 10.0


def _serve(address: str, handler: grpc.RpcMethodHandler[Any, Any], workers: int) -> None:
    server = grpc.server(ThreadPoolExecutor(workers))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),))
    server.add_insecure_port(address)
    server.start()
    say_ready()
    wait_for_signal()
    server.stop(0).wait()


def hub(address: str, driver_address: str, workers: int) -> None:
    """Ask the driver, return its answer."""
    with grpc.insecure_channel(driver_address) as channel:
        onward: Any = channel.unary_unary(f"/{SERVICE}/{METHOD}")
        handler = grpc.unary_unary_rpc_method_handler(
            lambda request, _context: onward(request, timeout=ANSWER_TIMEOUT_S)
        )
        _serve(address, handler, workers)


def driver(address: str, workers: int) -> None:
    """Answer."""

    def answer(request: v1.Command, _context: object) -> v1.CommandUpdate:
        return v1.CommandUpdate(robot="bench", state=v1.COMMAND_STATE_SUCCEEDED, text=request.method)

    handler = grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=v1.Command.FromString,
        response_serializer=v1.CommandUpdate.SerializeToString,
    )
    _serve(address, handler, workers)


def client(address: str, options: argparse.Namespace) -> dict[str, float]:
    """Measure."""
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(ANSWER_TIMEOUT_S)
        stub: Any = channel.unary_unary(
            f"/{SERVICE}/{METHOD}",
            request_serializer=v1.Command.SerializeToString,
            response_deserializer=v1.CommandUpdate.FromString,
        )

        def call() -> None:
            answer = stub(v1.Command(method="part.ping"), timeout=ANSWER_TIMEOUT_S)
            if answer.state != v1.COMMAND_STATE_SUCCEEDED:
                raise RuntimeError("not the answer")

        single = measure.latency(call, calls=options.calls, warmup=options.warmup)
        measure.in_threads(call, calls=options.warmup, outstanding=options.outstanding)
        rate = measure.in_threads(call, calls=options.throughput_calls, outstanding=options.outstanding)
    return {"p50_us": single.p50_us, "p99_us": single.p99_us, "per_s": rate}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("role", choices=["hub", "driver", "client"])
    parser.add_argument("--address", required=True)
    parser.add_argument("--driver", default="")
    parser.add_argument("--workers", type=int, default=64)
    measure.add_sizes(parser)
    options = parser.parse_args()
    if options.role == "client":
        end_with_parent()
        print(json.dumps(client(options.address, options)), flush=True)
        return
    hold_signals()
    end_with_parent()
    if options.role == "hub":
        hub(options.address, options.driver, options.workers)
    else:
        driver(options.address, options.workers)


if __name__ == "__main__":
    main()
