"""The YAML document as a tree in which every value knows where it stands.

Values stay as they were written (a scalar is its text and whether it was quoted), because what a scalar
means depends on what is expected at its place: where text is expected, ``0755`` is text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import msgspec

CORE_TAG = "tag:yaml.org,2002:"
"""How the tags begin that YAML itself defines; ``!!int`` is short for ``tag:yaml.org,2002:int``."""

Path = tuple[str | int, ...]
"""Field names and list indices from the top of the document down to a value."""


class ScalarNode(msgspec.Struct, eq=False, gc=False):
    """Text, and whether it stood there plain (unquoted), which lets it mean something else than text.

    Attributes:
        tag: what it is tagged with; empty if nothing.
        is_settled: a plain number or ``null`` is no text even where text is expected.
        line: counted from 0; -1 if the value comes from no text.
        column: in characters, counted from 0.
        width: how many characters to underline, at least 1.
    """

    text: str
    plain: bool
    line: int = -1
    column: int = 0
    width: int = 1
    tag: str = ""
    is_settled: bool = False

    weight: ClassVar[int] = 1
    height: ClassVar[int] = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was written (``key:``)."""
        return self.plain and not self.text


class ListNode(msgspec.Struct, eq=False):
    """A list.

    Attributes:
        weight: number of values in it, itself included, once every alias is written out.
        height: how deep it nests: 1 if it holds scalars only.
    """

    line: int = -1
    column: int = 0
    width: int = 1
    weight: int = 1
    height: int = 1
    tag: str = ""
    items: list[Node] = msgspec.field(default_factory=list)


class MapNode(msgspec.Struct, eq=False):
    """A mapping, measured like a list. Keys are text; ``keys`` holds where each of them stands."""

    line: int = -1
    column: int = 0
    width: int = 1
    weight: int = 1
    height: int = 1
    tag: str = ""
    keys: dict[str, ScalarNode] = msgspec.field(default_factory=dict)
    values: dict[str, Node] = msgspec.field(default_factory=dict)


Node = ScalarNode | ListNode | MapNode


def node_of(value: Any) -> Node:
    """The tree of plain data, as the datastore or a test holds it; its values have no location.

    Raises:
        TypeError: the data holds something that YAML cannot spell.
    """
    if value is None:
        return ScalarNode("null", plain=True)
    if isinstance(value, bool):
        return ScalarNode("true" if value else "false", plain=True)
    if isinstance(value, str):
        return ScalarNode(str(value), plain=False)
    if isinstance(value, int | float):
        text = str(value)
        return ScalarNode({"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(text, text), plain=True)
    if isinstance(value, Mapping):
        return _map_of(value)
    if isinstance(value, Sequence):
        return _list_of(value)
    raise TypeError(f"a {type(value).__name__} is not plain data")


def _map_of(data: Mapping[Any, Any]) -> MapNode:
    node = MapNode()
    for key, value in data.items():
        node.keys[str(key)] = ScalarNode(str(key), plain=False)
        node.values[str(key)] = node_of(value)
    return node


def _list_of(data: Iterable[Any]) -> ListNode:
    node = ListNode()
    node.items.extend(node_of(value) for value in data)
    return node


def find(root: Node | None, path: Path) -> tuple[Node | None, Node | None]:
    """The key and the value at ``path``; of the nearest enclosing value where the path leads nowhere.

    Either is ``None`` where there is none: a list item has no key, an empty document no value.
    """
    key: Node | None = None
    node = root
    for step in path:
        if isinstance(node, MapNode) and isinstance(step, str) and step in node.values:
            key, node = node.keys[step], node.values[step]
        elif isinstance(node, ListNode) and isinstance(step, int) and 0 <= step < len(node.items):
            key, node = None, node.items[step]
        else:
            break
    return key, node


def scalars_below(node: Node) -> Iterator[ScalarNode]:
    """Every scalar of a tree; one that stands there by an alias comes again."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, ScalarNode):
            yield current
        else:
            waiting.extend(current.values.values() if isinstance(current, MapNode) else current.items)


def spelled(path: Path) -> str:
    """A path as people write it: ``storage.disks[0].partitions[1].size``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{shortened(step)}" if text else shortened(step)
    return text


def shortened(text: str, most: int = 60) -> str:
    """The text as messages show it: no longer than ``most`` characters."""
    return text if len(text) <= most else text[: most - 3] + "..."
