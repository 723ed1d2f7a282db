"""What a node says where its kind is not fixed by its place, and what its tag changes.

Upstream reads most fields by their type, and then a tag changes little: text stays text, a plain number
stays a number.  Where the type leaves a choice (``sha384``, a mount point, a script's ``content``), the
value is first read for itself, and then its tag counts.

Source: serde_yaml 0.9.34, ``src/de.rs`` (``deserialize_option``, ``deserialize_enum``, ``visit_scalar``) and
``src/value/de.rs``.
"""

from __future__ import annotations

from typing import Any

from trident.config import scalars
from trident.config.nodes import CORE_TAG, ListNode, MapNode, Node, ScalarNode

NULL_TAG = CORE_TAG + "null"


INT64 = range(-(2**63), 2**64)
"""Whole numbers that upstream can keep where anything may stand."""


class MistaggedError(ValueError):
    """A tag that does not fit the value behind it; the message is a sentence for people."""


def is_nothing(node: Node) -> bool:
    """Whether an optional field with this value is "not given".

    Raises:
        MistaggedError: ``!!null`` stands before something.
    """
    if not isinstance(node, ScalarNode) or not node.plain:
        return False
    if node.tag == NULL_TAG:
        if not node.text or not scalars.is_null(node.text):
            raise MistaggedError(f"the tag '!!null' stands before '{node.text}', which is not null")
        return True
    return not node.tag and scalars.is_null(node.text)


def settled(node: ScalarNode) -> scalars.Plain:
    """What a scalar is where anything may stand.

    Raises:
        MistaggedError: its tag does not fit it, or is none of YAML's own.
    """
    if not node.tag:
        return scalars.meaning(node.text) if node.plain else node.text
    if node.tag.startswith("!"):
        raise MistaggedError(f"the tag '{node.tag}' has no meaning here")
    kind = node.tag.removeprefix(CORE_TAG)
    if kind not in ("null", "bool", "int", "float"):
        return node.text
    value: scalars.Plain
    if kind == "null":
        if not node.text or not scalars.is_null(node.text):
            raise MistaggedError(f"the tag '!!null' stands before '{node.text}', which is not null")
        return None
    if kind == "bool":
        value = scalars.boolean(node.text)
    elif kind == "int":
        value = scalars.integer(node.text)
    else:
        value = scalars.real(node.text)
    if value is None:
        raise MistaggedError(f"the tag '!!{kind}' does not fit '{node.text}'")
    return value


def without_own_tag(node: ScalarNode) -> ScalarNode:
    """The scalar without a tag that is none of YAML's own, which says nothing about what it is."""
    return ScalarNode(node.text, node.plain) if node.tag.startswith("!") else node


def plain(node: Node) -> Any:
    """A tree as plain data; a scalar that is tagged wrongly is its text."""
    if isinstance(node, MapNode):
        return {key: plain(child) for key, child in node.values.items()}
    if isinstance(node, ListNode):
        return [plain(child) for child in node.items]
    try:
        return settled(without_own_tag(node))
    except MistaggedError:
        return node.text


def as_written(node: Node) -> Any:
    """A tree as plain data for a program that takes every scalar as text, as netplan does.

    A number or boolean is one only if it is written back as it stands here: a password ``1e3`` stays text.
    A tag with nothing behind it names a value.
    """
    if isinstance(node, MapNode):
        return {key: as_written(child) for key, child in node.values.items()}
    if isinstance(node, ListNode):
        return [as_written(child) for child in node.items]
    if node.tag.startswith("!") and node.plain and scalars.is_null(node.text):
        return node.tag[1:]
    value = plain(node)
    if value is None or isinstance(value, str):
        return value
    return (
        value if (str(value).lower() if isinstance(value, bool) else str(value)) == node.text else node.text
    )


def is_text(node: ScalarNode) -> bool:
    """Whether a scalar is text where anything may stand."""
    return isinstance(_of_its_own(node), str)


def whole_number(node: ScalarNode) -> int | None:
    """The whole number that a scalar is where one is expected; ``None`` if it is none."""
    if not node.is_settled:
        return scalars.integer(node.text) if node.plain else None
    value = _of_its_own(node)
    return value if type(value) is int else None


def is_null(node: ScalarNode) -> bool:
    """Whether a scalar is ``null`` where anything may stand."""
    return _of_its_own(node) is None


def _of_its_own(node: ScalarNode) -> scalars.Plain:
    """What :func:`settled` says; 0.0, which nobody asks for, if it is tagged wrongly."""
    try:
        return settled(without_own_tag(node) if node.is_settled else node)
    except MistaggedError:
        return 0.0


def word(node: Node) -> str | None:
    """The member of an enumeration that is named: by text, or by a tag with nothing behind it (``!new``).

    ``None`` if none can be meant.
    """
    if not isinstance(node, ScalarNode):
        return None
    if not node.tag.startswith("!"):
        return node.text
    return (node.tag[1:] or "!") if node.plain and scalars.is_null(node.text) else None


def loose_word(node: Node) -> ScalarNode | None:
    """The text that names a member where something else may stand too: itself, or as a key (``{grow: }``).

    ``None`` if it is a number, a list or anything else that is no text.
    """
    if isinstance(node, MapNode):
        keys = list(node.keys.values())
        if len(keys) != 1 or node.tag.startswith("!") or not _is_void(node.values[keys[0].text]):
            return None
        node = keys[0]
    if not isinstance(node, ScalarNode):
        return None
    try:
        return node if isinstance(settled(node), str) else None
    except MistaggedError:
        return None


def _is_void(node: Node) -> bool:
    if isinstance(node, MapNode):
        return not node.values and not node.tag.startswith("!")
    try:
        return isinstance(node, ScalarNode) and settled(node) is None
    except MistaggedError:
        return False


def settle(node: Node) -> Node:
    """The tree as upstream reads a health check: every scalar for itself first, then by its field.

    A plain number is then no text, and ``null`` is an empty list.
    """
    if isinstance(node, MapNode):
        copy = MapNode(node.line, node.column, node.width, node.weight, node.height, node.tag)
        copy.keys = node.keys
        copy.values = {key: settle(child) for key, child in node.values.items()}
        return copy
    if isinstance(node, ListNode):
        listed = ListNode(node.line, node.column, node.width, node.weight, node.height, node.tag)
        listed.items = [settle(child) for child in node.items]
        return listed
    return ScalarNode(node.text, node.plain, node.line, node.column, node.width, node.tag, is_settled=True)
