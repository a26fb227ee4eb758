"""`robolink kubeedge …`: manifests, the mapper, and the double with its cloud face, from the command line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from robolink.errors import RobolinkError

app = typer.Typer(help="Robots as KubeEdge devices.", no_args_is_help=True, add_completion=False)
cloud = typer.Typer(
    help="The cloud's face of a running double: what kubectl is for a real one.", no_args_is_help=True
)
app.add_typer(cloud, name="cloud")

HubOption = Annotated[
    str | None, typer.Option(help="The hub's control lane.", metavar="URL", envvar="ROBOLINK_HUB")
]
FolderOption = Annotated[Path, typer.Option(help="Where the double's sockets are.", metavar="DIR")]


@app.command()
def manifest(
    robots: Annotated[list[str] | None, typer.Argument(help="Robots of the hub.", metavar="[ROBOT]…")] = None,
    all_robots: Annotated[bool, typer.Option("--all", help="Every robot that the hub knows.")] = False,
    namespace: Annotated[str, typer.Option(help="Where they go.")] = "default",
    node: Annotated[str, typer.Option(help="The edge node whose mapper serves them.")] = "",
    push: Annotated[
        Path | None,
        typer.Option(help="YAML: which readings the mapper pushes where.", metavar="FILE", exists=True),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list instead of YAML.")] = False,
    hub: HubOption = None,
) -> None:
    """Write DeviceModel and Device of robots: models first, since a device without its model is lost.

    Apply the models, wait a second, then apply the devices.
    """
    if bool(robots) == all_robots:
        raise typer.BadParameter("name robots, or say --all")
    made = _manifests(hub, robots or [], namespace, node, push)
    if as_json:
        typer.echo(json.dumps(made, indent=2))
    else:
        import yaml

        typer.echo("---\n".join(yaml.safe_dump(each, sort_keys=False, width=120) for each in made), nl=False)


def _manifests(
    hub: str | None, robots: list[str], namespace: str, node: str, push: Path | None
) -> list[dict[str, Any]]:
    from robolink.client import connect
    from robolink_kubeedge import manifests, push_rules

    rules = push_rules.load(push) if push is not None else None
    models, devices = {}, []
    with connect(hub, name="kubeedge-manifest") as connected:
        for robot in sorted(robots or [each.robot for each in connected.robots()]):
            found = connected.robot(robot).describe()
            model = manifests.device_model(found.sheet, found.sheet_hash, namespace)
            models[model["metadata"]["name"]] = model
            devices.append(
                manifests.device(
                    robot, found.sheet, found.sheet_hash, namespace=namespace, node=node, push=rules
                )
            )
    return [*(models[name] for name in sorted(models)), *devices]


@app.command()
def discover(
    namespace: Annotated[str, typer.Option(help="Where they go; by default the kubeconfig's.")] = "",
    node: Annotated[str, typer.Option(help="The edge node whose mapper serves them.")] = "",
    owner: Annotated[str, typer.Option(help="Label of what this discovery makes: one name per hub.")] = "hub",
    write: Annotated[
        bool, typer.Option("--write", help="Do it; without, only say what would be done.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete what it made for robots that are gone.")
    ] = False,
    push: Annotated[
        Path | None, typer.Option(help="YAML: which readings are pushed where.", metavar="FILE", exists=True)
    ] = None,
    kubeconfig: Annotated[Path | None, typer.Option(help="Else the usual one, or the pod's account.")] = None,
    hub: HubOption = None,
) -> None:
    """Create and update Devices for the hub's robots in a cluster; a dry run unless --write is said.

    Touches only what it made itself, keeps desired values and labels that others wrote.
    """
    from robolink.cloud import KubeApi, KubeConfig
    from robolink_kubeedge import discover as discovery

    discovery.check_owner(owner)
    config = KubeConfig.from_file(kubeconfig) if kubeconfig is not None else KubeConfig.load()
    place = namespace or config.namespace
    cluster = discovery.Cluster(KubeApi(config), place)
    made = _manifests(hub, [], place, node, push)
    steps = discovery.plan(made, cluster.present(), owner, prune=prune)
    if write:
        cluster.carry_out(steps, lambda step: typer.echo(str(step)))
    else:
        for step in steps:
            typer.echo(str(step))
    counts = discovery.summary(steps)
    told = ", ".join(f"{count} {verb}" for verb, count in counts.items() if count) or "nothing to do"
    typer.echo(told if write else f"dry run: {told}; --write does it")


@app.command()
def policy() -> None:
    """Write the admission policy that keeps motion out of desired values, for kubectl apply."""
    import yaml

    from robolink_kubeedge import policy as admission

    typer.echo(
        "---\n".join(yaml.safe_dump(each, sort_keys=False, width=120) for each in admission.manifests()),
        nl=False,
    )


@app.command()
def doctor(
    config: Annotated[
        Path | None, typer.Option(help="The mapper's file.", metavar="FILE", exists=True)
    ] = None,
    manifests: Annotated[
        Path | None,
        typer.Option(help="YAML with DeviceModels and Devices to look at.", metavar="FILE", exists=True),
    ] = None,
    namespace: Annotated[str, typer.Option(help="Of the robots' Devices.")] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    hub: HubOption = None,
) -> None:
    """Look for the usual faults between hub, mapper and edgecore, and say the cure of each. Exits 1 if there is one."""
    import dataclasses

    from robolink_kubeedge.config import MapperConfig, load
    from robolink_kubeedge.doctor import examine

    made = load(config) if config is not None else MapperConfig()
    if not made.hub.url and hub:
        made = made.model_copy(update={"hub": made.hub.model_copy(update={"url": hub})})
    found = examine(made, manifests, namespace)
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(each) for each in found], indent=2))
    else:
        for each in found:
            typer.echo(str(each))
    if not all(each.good for each in found):
        raise typer.Exit(1)


@app.command()
def mapper(
    config: Annotated[
        Path | None, typer.Option(help="YAML; every key has a default.", metavar="FILE", exists=True)
    ] = None,
    hub: HubOption = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
) -> None:
    """Serve the hub's robots to edgecore until Ctrl-C; goes on when edgecore or the hub comes back."""
    from robolink_kubeedge.config import MapperConfig, load
    from robolink_kubeedge.mapper import Mapper

    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s")
    made = load(config) if config is not None else MapperConfig()
    if not made.hub.url and hub:
        made = made.model_copy(update={"hub": made.hub.model_copy(update={"url": hub})})
    asyncio.run(_until_signal(Mapper(made)))


async def _until_signal(mapper: Any) -> None:
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        try:
            await mapper.run()
        except* RobolinkError as group:
            raise group.exceptions[0] from None


@app.command()
def double(
    folder: FolderOption,
    manifests: Annotated[
        Path | None,
        typer.Option(help="YAML with models and devices to begin with.", metavar="FILE", exists=True),
    ] = None,
) -> None:
    """Play edgecore and a cloud above it, with edgecore's traps, until Ctrl-C: for trying things without a cluster.

    The mapper's common.edgecore_sock is DIR/dmi.sock; `robolink kubeedge cloud` is the cloud.
    """
    import yaml

    from robolink_kubeedge.cloud_socket import CloudServer
    from robolink_kubeedge.double import EdgecoreDouble

    ends = {signal.SIGINT, signal.SIGTERM}
    # Blocked before gRPC's threads begin, so that none of them takes the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    folder.mkdir(parents=True, exist_ok=True)
    made = EdgecoreDouble(folder / "dmi.sock")
    made.start()
    for each in yaml.safe_load_all(manifests.read_text()) if manifests is not None else ():
        made.apply(each)
    server = CloudServer(made, folder / "cloud.sock")
    typer.echo(f"edgecore's double serves {folder / 'dmi.sock'}")
    signal.sigwait(ends)
    server.close()
    made.stop()


@cloud.command("apply")
def cloud_apply(
    folder: FolderOption,
    file: Annotated[Path, typer.Argument(help="YAML; - is standard input.", allow_dash=True)],
) -> None:
    """Apply DeviceModels and Devices, as kubectl apply does."""
    import yaml

    from robolink_kubeedge.cloud_socket import ask

    text = sys.stdin.read() if str(file) == "-" else file.read_text()
    for each in yaml.safe_load_all(text):
        ask(folder / "cloud.sock", do="apply", manifest=each)
        typer.echo(f"{each['kind'].lower()} {each['metadata']['name']} applied")


@cloud.command("set")
def cloud_set(folder: FolderOption, device: str, name: str, value: str) -> None:
    """Write one desired value of a device."""
    from robolink_kubeedge.cloud_socket import ask

    ask(folder / "cloud.sock", do="patch", device=device, property=name, value=value)


@cloud.command("status")
def cloud_status(
    folder: FolderOption,
    device: str,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """What the cloud knows of a device: state, and each twin's two halves."""
    from robolink_kubeedge.cloud_socket import ask

    status = ask(folder / "cloud.sock", do="status", device=device)["status"]
    if as_json:
        typer.echo(json.dumps(status, indent=2))
        return
    typer.echo(f"state: {status['state'] or 'not reported yet'}")
    width = max((len(each["propertyName"]) for each in status["twins"]), default=0)
    for each in sorted(status["twins"], key=lambda twin: str(twin["propertyName"])):
        observed, reported = each["observedDesired"]["value"], each["reported"]["value"]
        typer.echo(f"{each['propertyName']:{width}}  reported {reported or '-'}  observed {observed or '-'}")
