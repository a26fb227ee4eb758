"""A ValidatingAdmissionPolicy that keeps motion out of DeviceModels and desired values, in the cluster's own words (CEL).

The mapper refuses motion as well; this says it to whoever writes, before it is kept.
"""

from __future__ import annotations

from typing import Any, Final

from robolink_kubeedge.manifests import PROTOCOL

NAME: Final = "robolink-no-motion-by-desired-value"
TEXT_MAX: Final = 512

# As robolink.core.motion_words judges a sheet, said in CEL; a test holds the two against each other. A name of nothing but
# words of motion and words beside them orders motion, in the units of that motion; any other word makes it a parameter.
MOTION: Final = {
    "velocity|vel|twist": ("m/s", "rad/s", "1", ""),
    "speed": ("m/s", "rad/s"),
    "position|pos|angle|pose": ("m", "rad"),
}
BESIDE: Final = (
    "cmd|command|commanded|target|goal|desired|wanted|setpoint|demand|reference|ref|"
    "linear|angular|x|y|z|yaw|left|right|wheel|joint|motor|servo|base"
)
_ANY: Final = f"({'|'.join(MOTION)}|{BESIDE})?[0-9]*"
ONLY_MOTION: Final = f"^(.*[.])?{_ANY}(_{_ANY})*$"


def has_word(words: str) -> str:
    """A regular expression: the last part of the name holds one of these words."""
    return f"^(.*[.])?([^.]*_)?({words})[0-9]*(_[^.]*)?$"


def _in_any_unit(name: str) -> str:
    """A Device says no unit: only what is motion in each is refused there."""
    always = next(words for words, units in MOTION.items() if "" in units)
    return f"({name}.matches(r'{ONLY_MOTION}') && {name}.matches(r'{has_word(always)}'))"


def _in_its_unit(prop: str) -> str:
    unit = f"(has({prop}.unit) ? {prop}.unit : '')"
    kinds = " || ".join(
        f"({prop}.name.matches(r'{has_word(words)}') && {unit} in {list(units)})"
        for words, units in MOTION.items()
    )
    return f"({prop}.name.matches(r'{ONLY_MOTION}') && ({kinds}))"


_LABELS: Final = {"app.kubernetes.io/managed-by": PROTOCOL}
_PROPERTIES: Final = "(has(object.spec.properties) ? object.spec.properties : [])"
_WISHED: Final = "has(p.desired) && p.desired.value != ''"
# Numbers and vectors; a vector is a STRING there.
_WRITABLE: Final = "has(p.accessMode) && p.accessMode == 'ReadWrite' && (!has(p.type) || p.type != 'BOOLEAN')"
_MODEL: Final = (
    "request.kind.kind == 'DeviceModel'"
    f" && (!has(object.spec.protocol) || object.spec.protocol == '{PROTOCOL}')"
)
_DEVICE: Final = (
    "request.kind.kind == 'Device' && has(object.spec.protocol) && has(object.spec.protocol.protocolName)"
    f" && object.spec.protocol.protocolName == '{PROTOCOL}'"
)


def _validations() -> list[dict[str, str]]:
    late = "kept in a cloud and delivered late it is an accident. Send a goal by property cmd"
    characters = f"^[a-zA-Z0-9._,:/@#-]{{1,{TEXT_MAX}}}$"
    return [
        {
            "expression": f"!({_MODEL}) || {_PROPERTIES}.all(p, !({_WRITABLE} && has(p.name) && {_in_its_unit('p')}))",
            "message": f"a motion setpoint is no writable property: {late}",
            "reason": "Forbidden",
        },
        {
            "expression": f"!({_DEVICE}) || {_PROPERTIES}.all(p,"
            f" !({_WISHED} && has(p.name) && {_in_any_unit('p.name')}))",
            "message": f"motion is no desired value: {late}",
            "reason": "Forbidden",
        },
        {
            "expression": f"!({_DEVICE}) || {_PROPERTIES}.all(p, !({_WISHED})"
            f" || p.desired.value.matches(r'{characters}'))",
            "message": f"a desired value is at most {TEXT_MAX} of a-z A-Z 0-9 - _ . , : / @ #;"
            " encode the rest: # and base64url without padding",
            "reason": "Invalid",
        },
    ]


def manifests() -> list[dict[str, Any]]:
    """Policy and binding; bound to every namespace, for Devices and DeviceModels of our protocol."""
    rule = {
        "apiGroups": ["devices.kubeedge.io"],
        "apiVersions": ["v1beta1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["devices", "devicemodels"],
    }
    return [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": NAME, "labels": dict(_LABELS)},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [rule]},
                "validations": _validations(),
            },
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": NAME, "labels": dict(_LABELS)},
            "spec": {"policyName": NAME, "validationActions": ["Deny"]},
        },
    ]
