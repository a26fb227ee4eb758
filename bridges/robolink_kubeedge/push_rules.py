"""Which readings a manifest lets the mapper push, and where to: a small YAML file, checked, with patterns for names.

Writes manifests only; what a Device asks for is read and carried out by push.py.
"""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from robolink.errors import ConfigError

HINT: Final = (
    'one line a rule: "base.*": {mqtt: {address: "tcp://127.0.0.1:1883", topic: "robots/{robot}/{property}"}}'
)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Http(_Part):
    """POST of JSON to HOSTNAME:PORT/PATH; the timeout is in milliseconds."""

    hostName: str  # noqa: N815 -- KubeEdge's own spelling
    port: Annotated[int, Field(ge=1, le=65535)]
    requestPath: str = "/"  # noqa: N815
    timeout: Annotated[int, Field(ge=1)] = 5000


class Mqtt(_Part):
    """Publish JSON on a topic."""

    address: str
    topic: str
    qos: Annotated[int, Field(ge=0, le=2)] = 0
    retained: bool = False


class Otel(_Part):
    """A gauge by OTLP over HTTP."""

    endpointURL: str  # noqa: N815


class Rule(_Part):
    """One way out; `dbMethod` is refused until history lands."""

    http: Http | None = None
    mqtt: Mqtt | None = None
    otel: Otel | None = None
    # How often, in milliseconds.
    reportCycle: Annotated[int, Field(ge=100)] = 1000  # noqa: N815

    @model_validator(mode="before")
    @classmethod
    def _no_database(cls, data: Any) -> Any:
        if isinstance(data, dict) and "dbMethod" in data:
            raise ValueError("dbMethod is not served: the mapper writes into no database yet")
        return data

    @model_validator(mode="after")
    def _one(self) -> Rule:
        if sum(each is not None for each in (self.http, self.mqtt, self.otel)) != 1:
            raise ValueError("name exactly one of http, mqtt, otel")
        return self


class PushRules:
    """Rules by pattern; the first that matches a property's name counts."""

    def __init__(self, rules: dict[str, Rule]) -> None:
        """In this order."""
        self._rules = rules

    def of(self, robot: str, name: str) -> dict[str, Any]:
        """The part of a Device's property; empty if no rule matches."""
        for pattern, rule in self._rules.items():
            if fnmatch.fnmatchcase(name, pattern):
                way = rule.model_dump(exclude_none=True, exclude={"reportCycle"})
                return {"reportCycle": rule.reportCycle, "pushMethod": _filled(way, robot, name)}
        return {}


def _filled(value: Any, robot: str, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, robot, name) for key, each in value.items()}
    if isinstance(value, str):
        return value.replace("{robot}", robot).replace("{property}", name)
    return value


def load(path: Path) -> PushRules:
    """Read and check.

    Raises:
        ConfigError: It cannot be read, or a rule is wrong; all wrong ones are named.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        return PushRules(TypeAdapter(dict[str, Rule]).validate_python(data or {}))
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read: {exc.strerror}") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} is no YAML: {exc}") from exc
    except ValidationError as exc:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in exc.errors())
        raise ConfigError(f"{path}: {wrong}", hint=HINT) from exc
