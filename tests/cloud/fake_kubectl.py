"""The three kubectl calls of `examples/cloud/dock.sh`, for a machine without kubectl: FAKE_API names the server."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

PATHS = {"device": "devices", "devicestatus": "devicestatuses"}


def ask(resource: str, name: str, body: str | None = None) -> Any:
    url = f"{os.environ['FAKE_API']}/apis/devices.kubeedge.io/v1beta1/namespaces/default/{PATHS[resource]}/{name}"
    method = "GET" if body is None else "PATCH"
    request = urllib.request.Request(url, body and body.encode(), method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as exc:
        sys.exit(f"Error from server: {json.load(exc)['message']}")


def main(arguments: list[str]) -> None:
    match arguments:
        case ["get", "device", name, "-o", "jsonpath={.spec.properties[*].name}"]:
            sys.stdout.write(" ".join(each["name"] for each in ask("device", name)["spec"]["properties"]))
        case ["patch", "device", name, "--type=json", "-p", patch]:
            ask("device", name, patch)
            sys.stdout.write(f"device.devices.kubeedge.io/{name} patched")
        case ["get", "devicestatus", name, "-o", path] if 'propertyName=="cmd-status"' in path:
            for each in ask("devicestatus", name)["status"]["twins"]:
                if each["propertyName"] == "cmd-status":
                    sys.stdout.write(each["reported"]["value"])
        case _:
            sys.exit(f"this stand-in knows no {arguments}")


main(sys.argv[1:])
