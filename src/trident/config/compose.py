"""Building the tree of nodes from the events of a YAML parser, without recursion and within bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trident.config import scalars
from trident.config.findings import Finding, Findings
from trident.config.nodes import CORE_TAG, ListNode, MapNode, Node, ScalarNode, shortened
from trident.config.yaml_wording import explain, explain_fragment

MAX_DEPTH = 128
MAX_VALUES = 200_000

_SCALAR_TAGS = frozenset(("!", *(CORE_TAG + name for name in ("str", "int", "float", "bool", "null"))))
_CONTAINER_TAGS = frozenset(("!", CORE_TAG + "map", CORE_TAG + "seq"))
_DROPPED = ScalarNode("", plain=False)


def compose(parser: Any, line_at: Callable[[int], str], findings: Findings) -> Node | None:
    """The tree of the one document in a parser's events; ``None`` if it is empty or cannot be read.

    Args:
        parser: one of PyYAML's loaders.
        line_at: a line of the text, counted from 0.
        findings: what is wrong is added here.
    """
    import yaml

    composer = _Composer(findings)
    try:
        composer.run(parser)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        message, suggestion = explain(error, line_at, line, column)
        findings.add(Finding("yaml-syntax", message, line, column, 1, suggestion))
        return None
    except (ValueError, OverflowError):  # the pure parser on an escape beyond U+10FFFF
        mark = parser.get_mark()
        message, suggestion = explain_fragment("invalid Unicode character escape")
        findings.add(Finding("yaml-syntax", message, mark.line, mark.column, 1, suggestion))
        return None
    except _TooMuchError:
        return None
    return composer.root


class _TooMuchError(Exception):
    """A limit is reached, or going on makes no sense; the finding is recorded."""


class _Composer:
    """The document as far as it has been read.

    Attributes:
        root: the outermost value, once it is complete.
        parent: the container that is open.
        key: the key of ``parent`` whose value comes next, if there is one.
        outer: parents and keys further out.
    """

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.root: Node | None = None
        self.parent: MapNode | ListNode | None = None
        self.key: ScalarNode | None = None
        self.outer: list[tuple[MapNode | ListNode | None, ScalarNode | None]] = []
        self.anchors: dict[str, Node] = {}
        self.count = 0

    def run(self, parser: Any) -> None:
        """Read all events.

        Raises:
            yaml.YAMLError: the text is not YAML.
            _TooMuchError: something makes it pointless to go on.
        """
        from yaml import events as kinds

        scalar = kinds.ScalarEvent
        actions: dict[type, Callable[[Any], None]] = {
            kinds.MappingStartEvent: lambda event: self._begin(event, MapNode),
            kinds.SequenceStartEvent: lambda event: self._begin(event, ListNode),
            kinds.MappingEndEvent: self._end,
            kinds.SequenceEndEvent: self._end,
            kinds.AliasEvent: self._alias,
            kinds.DocumentStartEvent: self._document,
        }
        get_event, add_scalar = parser.get_event, self._scalar
        while (event := get_event()) is not None:
            kind = type(event)
            if kind is scalar:
                add_scalar(event)
            elif kind in actions:
                actions[kind](event)
            elif kind is kinds.StreamEndEvent:
                return

    def _add(self, code: str, message: str, mark: Any, width: int = 1, suggestion: str | None = None) -> None:
        self.findings.add(Finding(code, message, mark.line, mark.column, width, suggestion))

    def _document(self, event: Any) -> None:
        if self.root is not None:
            message = "A second YAML document starts here, but a Host Configuration is one document."
            self._add("yaml-several-documents", message, event.start_mark, 3, "Put it into another file.")
            raise _TooMuchError

    def _scalar(self, event: Any) -> None:
        start, end = event.start_mark, event.end_mark
        line, column, text = start.line, start.column, event.value
        width = end.column - column if end.line == line else _first_line_width(text)
        node = ScalarNode(text, not event.style, line, column, width or 1)
        if event.tag is not None:
            self._tag(event, node)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        if event.style == '"' and not text.isascii():
            self._surrogates(text, start)
        self.count += 1
        if self.count > MAX_VALUES:
            self._too_many(node)
        parent, key = self.parent, self.key
        if type(parent) is not MapNode or key is _DROPPED:
            self._place(node, node)
        elif key is None:
            self.key = node
        elif key.text in parent.values:
            self._place(node, node)
        else:  # most of all values, so without a call
            self.key = None
            parent.keys[key.text] = key
            parent.values[key.text] = node

    def _surrogates(self, text: str, mark: Any) -> None:
        """Refuse half a character (an escape such as U+D800), which the pure parser lets through."""
        try:
            text.encode()
        except UnicodeEncodeError:
            message, suggestion = explain_fragment("invalid Unicode character escape")
            self._add("yaml-syntax", message, mark, suggestion=suggestion)

    def _tag(self, event: Any, node: Node) -> None:
        """Keep a tag; where it counts is decided by what is expected there."""
        node.tag = tag = event.tag
        if isinstance(node, ScalarNode):
            is_name = tag.startswith("!") and node.plain and scalars.is_null(node.text)
            if tag in _SCALAR_TAGS or is_name:  # '!new' names a value
                return
        elif tag in _CONTAINER_TAGS:
            return
        shown = tag.replace(CORE_TAG, "!!")
        message = f"The tag '{shown}' has no meaning in a Host Configuration."
        mark = event.start_mark
        self.findings.add(
            Finding(
                "yaml-tag", message, mark.line, mark.column, len(shown), "Remove the tag.", is_warning=True
            )
        )

    def _begin(self, event: Any, kind: type[MapNode] | type[ListNode]) -> None:
        start = event.start_mark
        if len(self.outer) >= MAX_DEPTH:
            self._add("yaml-too-deep", f"Values are nested more than {MAX_DEPTH} levels deep here.", start)
            raise _TooMuchError
        node = kind(start.line, start.column)
        node.weight = 0  # until it is complete: no alias inside of it may refer to it
        if event.tag is not None:
            self._tag(event, node)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        self.outer.append((self.parent, self.key))
        self.parent, self.key = node, None

    def _end(self, _event: Any) -> None:
        node = self.parent
        assert node is not None
        self.parent, self.key = self.outer.pop()
        weight, height = 1, 0
        for child in node.values.values() if isinstance(node, MapNode) else node.items:
            weight += child.weight
            height = max(height, child.height)
        node.weight, node.height = weight, height + 1
        if isinstance(node, MapNode) and node.keys:
            first = next(iter(node.keys.values()))
            if (first.line, first.column) == (node.line, node.column):
                node.width = first.width
        self.count += 1
        if self.count > MAX_VALUES:
            self._too_many(node)
        self._place(node, node)

    def _alias(self, event: Any) -> None:
        node = self.anchors.get(event.anchor)
        mark, width = event.start_mark, len(event.anchor) + 1
        if node is None:
            message = f"The alias '*{event.anchor}' refers to an anchor that does not stand above it."
            self._add("yaml-unknown-anchor", message, mark, width, f"Define it with '&{event.anchor}' first.")
            node = ScalarNode("", plain=True, line=mark.line, column=mark.column)
        elif node.weight == 0:
            message = f"The alias '*{event.anchor}' stands inside of what it refers to."
            self._add("yaml-recursive-alias", message, mark, width, "Write the values out.")
            raise _TooMuchError
        elif len(self.outer) + node.height > MAX_DEPTH:
            message = f"With the alias '*{event.anchor}' values are nested more than {MAX_DEPTH} levels deep."
            self._add("yaml-too-deep", message, mark, width)
            raise _TooMuchError
        self.count += node.weight
        if self.count > MAX_VALUES:
            self._too_many(mark)
        self._place(node, mark)

    def _too_many(self, mark: Any) -> None:
        message = f"The document holds more than {MAX_VALUES:,} values here, aliases written out."
        self._add("yaml-too-many-values", message, mark)
        raise _TooMuchError

    def _place(self, node: Node, mark: Any) -> None:
        """Put a complete value where it belongs: it is the root, a list item, a key, or a key's value."""
        parent, key = self.parent, self.key
        if parent is None:
            self.root = node
        elif isinstance(parent, ListNode):
            parent.items.append(node)
        elif key is None:
            self.key = self._as_key(node, mark)
        else:
            self.key = None
            if key is _DROPPED:
                return
            if key.text in parent.values:
                self._twice(key, parent.keys[key.text])
                return
            parent.keys[key.text] = key
            parent.values[key.text] = node

    def _as_key(self, node: Node, mark: Any) -> ScalarNode:
        if not isinstance(node, ScalarNode):
            self._add("yaml-key-not-text", "A key must be text, but here it is a list or a mapping.", mark)
            return _DROPPED
        return ScalarNode(node.text, node.plain, mark.line, mark.column, tag=node.tag)

    def _twice(self, key: ScalarNode, first: ScalarNode) -> None:
        name = shortened(key.text)
        message = f"The key '{name}' stands twice in the same mapping; the first is on line {first.line + 1}."
        self._add("yaml-duplicate-key", message, key, key.width, "Remove or rename one of them.")


def _first_line_width(text: str) -> int:
    end = text.find("\n")
    return len(text) if end < 0 else end
