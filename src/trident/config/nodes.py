"""The YAML document as a tree in which every value knows where it stands.

Values stay as they were written (a scalar is its text and whether it was quoted), because what a scalar
means depends on what is expected at its place: where text is expected, ``0755`` is text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Path = tuple[str | int, ...]
"""Field names and list indices from the top of the document down to a value."""


class Node:
    """A value of the document.

    Attributes:
        line: counted from 0; -1 if the value comes from no text.
        column: in characters, counted from 0.
        width: how many characters to underline, at least 1.
        weight: number of values in it once every alias is written out.
        height: how deep it nests; 0 for a scalar.
    """

    __slots__ = ("column", "height", "line", "weight", "width")

    def __init__(self, line: int = -1, column: int = 0, width: int = 1) -> None:
        self.line = line
        self.column = column
        self.width = width
        self.weight = 1
        self.height = 0


class ScalarNode(Node):
    """Text, and whether it stood there plain (unquoted), which lets it mean something else than text."""

    __slots__ = ("plain", "text")

    def __init__(self, text: str, plain: bool, line: int = -1, column: int = 0, width: int = 1) -> None:
        self.text = text
        self.plain = plain
        self.line = line
        self.column = column
        self.width = width
        self.weight = 1
        self.height = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was written (``key:``)."""
        return self.plain and not self.text


class ListNode(Node):
    """A list."""

    __slots__ = ("items",)

    def __init__(self, line: int = -1, column: int = 0, width: int = 1) -> None:
        super().__init__(line, column, width)
        self.items: list[Node] = []


class MapNode(Node):
    """A mapping. Keys are text; ``keys`` holds where each of them stands."""

    __slots__ = ("keys", "values")

    def __init__(self, line: int = -1, column: int = 0, width: int = 1) -> None:
        super().__init__(line, column, width)
        self.keys: dict[str, Node] = {}
        self.values: dict[str, Node] = {}


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
        return ScalarNode(str(value), plain=True)
    if isinstance(value, Mapping):
        return _map_of(value)
    if isinstance(value, Sequence):
        return _list_of(value)
    raise TypeError(f"a {type(value).__name__} is not plain data")


def _map_of(data: Mapping[Any, Any]) -> MapNode:
    node = MapNode()
    for key, value in data.items():
        node.keys[str(key)] = Node()
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


def spelled(path: Path) -> str:
    """A path as people write it: ``storage.disks[0].partitions[1].size``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text
