"""Any message by introspection, on the real classes of test_msgs: every kind of field there is, both ways."""

from __future__ import annotations

import pytest

from robolink import v1
from robolink_ros2 import convert, fields

pytest.importorskip("test_msgs", reason="needs ROS 2's test_msgs (extra ros2)")

from test_msgs.action import Fibonacci, NestedMessage
from test_msgs.msg import Arrays, BasicTypes, MultiNested, Nested, Strings, UnboundedSequences


@pytest.mark.parametrize("kind", [Arrays, BasicTypes, MultiNested, Nested, Strings, UnboundedSequences])
def test_every_leaf_is_written_and_read_again(kind: type) -> None:
    message = kind()
    given = {
        v1.VALUE_TYPE_BOOL: True,
        v1.VALUE_TYPE_INT: 7,
        v1.VALUE_TYPE_DOUBLE: 0.5,
        v1.VALUE_TYPE_STRING: "x",
        v1.VALUE_TYPE_BYTES: b"\x01\x00\x01",
        v1.VALUE_TYPE_VECTOR: (1.0, 0.0, 1.0),
    }
    found = list(fields.leaves(message))
    assert found or kind in (MultiNested,)
    for leaf in found:
        assert fields.leaf(message, leaf.path) == leaf
        fields.write(message, leaf.path, given[leaf.type])
        assert fields.read(message, leaf.path) == given[leaf.type], leaf
        field = fields.sheet_field(leaf)
        assert field.type == leaf.type


def test_a_message_of_no_table_becomes_typed_values() -> None:
    message = UnboundedSequences()
    message.basic_types_values = [BasicTypes(int32_value=3), BasicTypes(int32_value=4)]
    message.string_values = ["a", "b"]
    named = {each.name: each.value for each in convert.values(message).values}
    assert list(named["basic_types_values_int32_value"].vector_value.values) == [3.0, 4.0]
    assert (named["string_values_0"].string_value, named["string_values_1"].string_value) == ("a", "b")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("int8_value", 200, "outside of -128 to 127"),
        ("int8_value", 0.5, "no value of a field of type int8"),
        ("nothing", 1, "no field 'nothing'"),
        ("bool_value", 1, "no value"),
    ],
)
def test_what_does_not_fit_is_refused(path: str, value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fields.write(BasicTypes(), path, value)  # type: ignore[arg-type]


def test_fixed_lists_keep_their_length_and_elements_are_named() -> None:
    message = Arrays()
    with pytest.raises(ValueError, match="2 elements, 3 are allowed"):
        fields.write(message, "int32_values", (1.0, 2.0))
    with pytest.raises(ValueError, match="whole numbers"):
        fields.write(message, "int32_values", (1.0, 2.0, 0.5))
    grown = UnboundedSequences()
    fields.write(grown, "basic_types_values.1.float64_value", 2.5)
    assert fields.read(grown, "basic_types_values.1.float64_value") == 2.5
    assert len(grown.basic_types_values) == 2
    with pytest.raises(ValueError, match="has 2 elements"):
        fields.read(grown, "basic_types_values.7.float64_value")


def test_paths_of_actions() -> None:
    assert fields.leaf(Fibonacci.Result(), "sequence").type == v1.VALUE_TYPE_VECTOR
    with pytest.raises(ValueError, match="has no field"):
        fields.leaf(NestedMessage.Goal(), "nested_field.nothing")
    seconds = [each for each in fields.leaves(NestedMessage.Goal()) if "different_pkg" in each.path]
    assert [each.type for each in seconds] == [v1.VALUE_TYPE_DOUBLE]
