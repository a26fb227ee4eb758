"""The board's description as SHEET_PART bodies, one thing each; the host makes a Sheet of them."""

from binascii import crc32

from robolink_board import codec, messages

SOFT_HOLD, STOP_THEN_CUT, CUT = 1, 2, 3
ON_LINK_LOSS_CANCEL = 1


def stop_levels(components):
    # A level that one of the moving components lacks is none of the board's.
    moving = [component for component in components if component.moves]
    if moving and all(component.can_cut for component in moving):
        return (SOFT_HOLD, STOP_THEN_CUT, CUT)
    return (SOFT_HOLD,)


def parts(model, vendor, version, description, components, members, levels=(SOFT_HOLD,)):
    # Numbers the members on the way, and puts them into `members` by id.
    board = {
        "model": model,
        "vendor": vendor,
        "version": version,
        "description": description,
        "stop_levels": levels,
        "on_link_loss": ON_LINK_LOSS_CANCEL,
    }
    found = [{"board": board}]
    for at, component in enumerate(components):
        number = at + 1
        found.append(
            {
                "component": {
                    "id": number,
                    "name": component.name,
                    "type": component.type,
                    "description": component.description,
                }
            }
        )
        for one in component.members:
            one.component = component
            _add(found, members, one, number)
    encoded = []
    for index, part in enumerate(found):
        part["index"], part["count"] = index, len(found)
        encoded.append(codec.encode(messages.TABLES[messages.SHEET_PART_KIND], part))
    return encoded


def _add(found, members, one, parent):
    one.id = len(found)
    members[one.id] = one
    found.append(
        {
            "member": {
                "id": one.id,
                "parent": parent,
                "kind": one.kind,
                "field": one.field,
                "motion": one.motion,
                "max_duration_ms": one.max_duration_ms,
                "on_disconnect": one.on_disconnect,
                "ttl_ms": one.ttl_ms,
            }
        }
    )
    for kind, fields in ((messages.ARG, one.args), (messages.RESULT, one.results)):
        for field in fields:
            found.append({"member": {"id": len(found), "parent": one.id, "kind": kind, "field": field}})


def hash_of(encoded):
    crc = 0
    for body in encoded:
        crc = crc32(body, crc)
    return crc & 0xFFFFFFFF
