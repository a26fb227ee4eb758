"""Makes a sheet from a robot's class: types from annotations, limits from Arg, words from docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from robolink import v1
from robolink.core.values import to_value
from robolink.errors import ConfigError
from robolink.robot._declare import SPEC, Arg, Component, MethodSpec, Stream, _Property

_KINDS: Final[dict[Any, v1.ValueType]] = {
    bool: v1.VALUE_TYPE_BOOL,
    int: v1.VALUE_TYPE_INT,
    float: v1.VALUE_TYPE_DOUBLE,
    str: v1.VALUE_TYPE_STRING,
    bytes: v1.VALUE_TYPE_BYTES,
    tuple: v1.VALUE_TYPE_VECTOR,
}


def methods(component: type[Component]) -> Iterator[tuple[str, Any, MethodSpec]]:
    """Name, function and note of each decorated method, in the order they were written."""
    seen = set()
    for base in reversed(component.__mro__):
        for name in vars(base):
            function = getattr(component, name, None)
            spec = getattr(function, SPEC, None)
            if spec is not None and name not in seen:
                seen.add(name)
                yield name, function, spec


def component_sheet(name: str, component: type[Component]) -> v1.Component:
    """One component.

    Raises:
        ConfigError: An argument has no type of the standard; the text names class, method and argument.
    """
    sheet = v1.Component(name=name, type=component.type, description=first_line(component))
    for attribute in dict.fromkeys(each for base in reversed(component.__mro__) for each in vars(base)):
        declared = inspect.getattr_static(component, attribute)
        if isinstance(declared, _Property):
            sheet.properties.append(declared.info())
        elif isinstance(declared, Stream):
            sheet.streams.append(declared.info())
    for method, function, spec in methods(component):
        fields = argument_fields(component, method, function, spec)
        if spec.kind == v1.METHOD_KIND_UNSPECIFIED:
            sheet.setpoints.append(
                v1.SetpointInfo(
                    name=method,
                    description=first_line(function),
                    fields=fields,
                    ttl_ms=int(spec.ttl_s * 1000),
                    minimum_rate_hz=spec.minimum_rate_hz,
                    modes=spec.modes,
                )
            )
            continue
        sheet.methods.append(
            v1.Method(
                name=method,
                kind=spec.kind,
                description=first_line(function),
                args=fields,
                motion=spec.motion,
                maintenance=spec.maintenance,
                max_duration_ms=int(spec.max_duration_s * 1000),
                on_disconnect=spec.on_disconnect
                if spec.motion or spec.maintenance
                else v1.ON_DISCONNECT_CONTINUE,
                modes=spec.modes,
            )
        )
    return sheet


def first_line(thing: Any) -> str:
    """Of its own docstring."""
    text = inspect.cleandoc(thing.__doc__ or "")
    return text.partition("\n")[0]


def argument_fields(component: type, method: str, function: Any, spec: MethodSpec) -> list[v1.Field]:
    """The arguments of a method, without `self` and a goal's `goal`."""
    where = f"{component.__name__}.{method}"
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as exc:
        raise ConfigError(f"{where}: {exc}", hint="annotations must be importable at module level") from exc
    skip = 2 if spec.kind == v1.METHOD_KIND_GOAL else 1
    fields = []
    for parameter in list(inspect.signature(function).parameters.values())[skip:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ConfigError(
                f"{where}: *{parameter.name} has no place in a sheet", hint="name each argument"
            )
        field = _field(where, parameter.name, hints.get(parameter.name))
        if parameter.default is not parameter.empty:
            field.default_value.CopyFrom(to_value(_typed(parameter.default, field.type)))
        fields.append(field)
    return fields


def _field(where: str, name: str, hint: Any) -> v1.Field:
    arg = Arg()
    if get_origin(hint) is Annotated:
        hint, *notes = get_args(hint)
        arg = next((each for each in notes if isinstance(each, Arg)), arg)
    kind = _KINDS.get(get_origin(hint) or hint)
    if kind is None:
        raise ConfigError(
            f"{where}: argument {name!r} has no type of the standard ({hint})",
            hint="annotate it as bool, int, float, str, bytes or tuple[float, ...]",
        )
    return arg.field(name, kind)


def _typed(default: Any, kind: int) -> Any:
    return float(default) if kind == v1.VALUE_TYPE_DOUBLE else default
