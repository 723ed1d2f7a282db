"""Reading YAML text into a tree of located nodes, quickly and in bounded memory.

libyaml, which upstream's reader uses too, splits the text into events; what they mean is decided here, so
that every mistake is found with its place and in our words.  Limits (none is upstream's except the depth):
8 MiB of text, 128 levels, 200,000 values after aliases are written out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from trident.config.nodes import ListNode, MapNode, Node, ScalarNode
from trident.config.yaml_wording import explain, explain_fragment

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 128
MAX_VALUES = 200_000
MAX_FINDINGS = 1000

_BOM = "\ufeff"
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_CORE_TAG = "tag:yaml.org,2002:"


@dataclass(slots=True)
class Finding:
    """Something wrong at a place of the text (line and column counted from 0)."""

    code: str
    message: str
    line: int
    column: int
    width: int = 1
    suggestion: str | None = None
    is_warning: bool = False


@dataclass(slots=True)
class Document:
    """What was read: the tree (``None`` if the text is empty or unreadable), its lines, what is wrong."""

    text: str = ""
    root: Node | None = None
    findings: list[Finding] = field(default_factory=list)
    _lines: list[str] | None = None

    @property
    def is_broken(self) -> bool:
        """Whether something is wrong that makes the tree incomplete or ambiguous."""
        return any(not finding.is_warning for finding in self.findings)

    def line(self, number: int) -> str:
        """A line of the text, counted from 0; empty where there is none."""
        if self._lines is None:
            self._lines = _LINE_BREAK.split(self.text)
        return self._lines[number] if 0 <= number < len(self._lines) else ""


def read_document(source: str | bytes) -> Document:
    """Read one YAML document. Never raises: what is wrong stands in ``findings``."""
    document = Document()
    if len(source) > MAX_BYTES:
        message = (
            f"The file is larger than {MAX_BYTES // 1024**2} MiB, which no Host Configuration needs to be."
        )
        document.findings.append(Finding("yaml-too-large", message, 0, 0))
        return document
    text = _decode(source, document.findings)
    if text is None:
        return document
    document.text = text
    if text.startswith(_BOM):
        document.text = text = text[1:]
        message = "The file starts with a byte order mark, which YAML does not need."
        document.findings.append(
            Finding(
                "yaml-byte-order-mark",
                message,
                0,
                0,
                suggestion="Save it as UTF-8 without BOM.",
                is_warning=True,
            )
        )
    stray = _NOT_TEXT.search(text)
    if stray is not None:
        document.findings.append(_stray_character(text, stray.start()))
        return document
    _Composer(document).compose(_parser(text))
    return document


def _decode(source: str | bytes, findings: list[Finding]) -> str | None:
    if isinstance(source, str):
        return source
    if source.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        message = "The file is not UTF-8: it starts like UTF-16 or UTF-32."
        findings.append(Finding("yaml-not-utf-8", message, 0, 0, suggestion="Save it as UTF-8."))
        return None
    try:
        return source.decode()
    except UnicodeDecodeError as error:
        before = _LINE_BREAK.split(source[: error.start].decode())
        message = f"The file is not UTF-8: byte 0x{source[error.start]:02x} stands here."
        findings.append(
            Finding(
                "yaml-not-utf-8", message, len(before) - 1, len(before[-1]), suggestion="Save it as UTF-8."
            )
        )
        return None


def _stray_character(text: str, position: int) -> Finding:
    before = _LINE_BREAK.split(text[:position])
    what = f"U+{ord(text[position]):04X}"
    if text[position] == _BOM:
        message = f"A byte order mark ({what}) stands here; it may only be the first character of a file."
    else:
        message = f"The character {what} stands here, which YAML text may not contain."
    return Finding(
        "yaml-invalid-character",
        message,
        len(before) - 1,
        len(before[-1]),
        suggestion='Remove it, or write it inside double quotes as an escape such as "\\x1b".',
    )


def _parser(text: str) -> Any:
    import yaml

    return yaml.CSafeLoader(text) if yaml.__with_libyaml__ else yaml.SafeLoader(text)


class _Composer:
    """Builds the tree from parser events, without recursion, and stops where a limit is reached."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.findings = document.findings
        self.anchors: dict[str, Node] = {}
        self.open: list[Node] = []
        self.pending_keys: list[tuple[str, Node] | None] = []
        self.count = 0

    def compose(self, parser: Any) -> None:
        import yaml

        try:
            self._run(parser)
        except yaml.YAMLError as error:
            self._syntax_error(error)
        except _TooMuchError:
            self.document.root = None

    def _run(self, parser: Any) -> None:
        from yaml import events as kinds

        scalar, alias = kinds.ScalarEvent, kinds.AliasEvent
        mapping, sequence = kinds.MappingStartEvent, kinds.SequenceStartEvent
        ends = (kinds.MappingEndEvent, kinds.SequenceEndEvent)
        get_event = parser.get_event
        documents = 0
        while (event := get_event()) is not None:
            kind = type(event)
            if kind is scalar:
                self._scalar(event)
            elif kind is mapping:
                self._begin(event, MapNode)
            elif kind is sequence:
                self._begin(event, ListNode)
            elif kind in ends:
                self._end()
            elif kind is alias:
                self._alias(event)
            elif kind is kinds.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self._second_document(event)
            elif kind is kinds.StreamEndEvent:
                return

    def _add(self, code: str, message: str, mark: Any, width: int = 1, suggestion: str | None = None) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(code, message, mark.line, mark.column, width, suggestion))

    def _scalar(self, event: Any) -> None:
        start, end = event.start_mark, event.end_mark
        text = event.value
        width = end.column - start.column if end.line == start.line else _first_line_width(text)
        node = ScalarNode(text, not event.style, start.line, start.column, width or 1)
        if event.tag is not None:
            self._tag(event, node)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        if event.style == '"' and not text.isascii():
            self._surrogates(text, start)
        self._place(node)

    def _surrogates(self, text: str, mark: Any) -> None:
        """Refuse half a character (an escape such as U+D800), which the pure parser lets through."""
        try:
            text.encode()
        except UnicodeEncodeError:
            message, suggestion = explain_fragment("invalid Unicode character escape")
            self._add("yaml-syntax", message, mark, suggestion=suggestion)

    def _tag(self, event: Any, node: ScalarNode | None) -> None:
        tag = event.tag
        if node is not None and tag.startswith(_CORE_TAG):
            name = tag[len(_CORE_TAG) :]
            if name in {"str", "int", "float", "bool", "null"}:
                node.plain = name != "str"
                return
        elif node is None and tag in {_CORE_TAG + "map", _CORE_TAG + "seq"}:
            return
        elif tag == "!":
            if node is not None:
                node.plain = False
            return
        shown = tag.replace(_CORE_TAG, "!!")
        message = f"The tag '{shown}' has no meaning in a Host Configuration."
        self._add("yaml-tag", message, event.start_mark, len(shown), "Remove the tag.")

    def _begin(self, event: Any, kind: type[MapNode] | type[ListNode]) -> None:
        start = event.start_mark
        if len(self.open) >= MAX_DEPTH:
            self._add("yaml-too-deep", f"Values are nested more than {MAX_DEPTH} levels deep here.", start)
            raise _TooMuchError
        node = kind(start.line, start.column)
        node.weight = 0
        if event.tag is not None:
            self._tag(event, None)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        self.open.append(node)
        self.pending_keys.append(None)

    def _end(self) -> None:
        node = self.open.pop()
        self.pending_keys.pop()
        children = node.values.values() if isinstance(node, MapNode) else getattr(node, "items", ())
        weight, height = 1, 0
        for child in children:
            weight += child.weight
            height = max(height, child.height)
        node.weight, node.height = weight, height + 1
        if isinstance(node, MapNode) and node.keys:
            first = next(iter(node.keys.values()))
            if (first.line, first.column) == (node.line, node.column):
                node.width = first.width
        self._place(node)

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
        elif len(self.open) + node.height > MAX_DEPTH:
            message = f"With the alias '*{event.anchor}' values are nested more than {MAX_DEPTH} levels deep."
            self._add("yaml-too-deep", message, mark, width)
            raise _TooMuchError
        self.count += node.weight - 1
        self._bound(mark)
        self._place(node, mark)

    def _bound(self, mark: Any) -> None:
        self.count += 1
        if self.count > MAX_VALUES:
            message = f"The document holds more than {MAX_VALUES:,} values here, aliases written out."
            self._add("yaml-too-many-values", message, mark)
            raise _TooMuchError

    def _place(self, node: Node, mark: Any = None) -> None:
        """Put a finished value where it belongs: as a key, a key's value, a list item or the root."""
        if mark is None:
            mark = node
            self.count += 1
            if self.count > MAX_VALUES:
                self.count -= 1
                self._bound(node)
        if not self.open:
            self.document.root = node
            return
        parent = self.open[-1]
        if isinstance(parent, ListNode):
            parent.items.append(node)
            return
        assert isinstance(parent, MapNode)
        key = self.pending_keys[-1]
        if key is None:
            self.pending_keys[-1] = self._key(node, mark)
            return
        self.pending_keys[-1] = None
        name, place = key
        if name in parent.values:
            first = parent.keys[name].line + 1
            message = f"The key '{name}' stands twice in the same mapping; the first is on line {first}."
            self._add("yaml-duplicate-key", message, place, place.width, "Remove or rename one of them.")
            return
        parent.keys[name] = place
        parent.values[name] = node

    def _key(self, node: Node, mark: Any) -> tuple[str, Node]:
        if not isinstance(node, ScalarNode):
            self._add("yaml-key-not-text", "A key must be text, but here it is a list or a mapping.", mark)
            return f"\0{len(self.findings)}", node
        if node.plain and node.text == "<<":
            message = "The merge key '<<' is not part of YAML 1.2."
            self._add("yaml-merge-key", message, mark, 2, "Write the merged values out.")
            return f"\0{len(self.findings)}", node
        place = node if mark is node else Node(mark.line, mark.column)
        return node.text, place

    def _second_document(self, event: Any) -> None:
        message = "A second YAML document starts here, but a Host Configuration is one document."
        self._add("yaml-several-documents", message, event.start_mark, 3, "Put it into a file of its own.")
        raise _TooMuchError

    def _syntax_error(self, error: Any) -> None:
        self.document.root = None
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        message, suggestion = explain(error, self.document.line, line, column)
        self.findings.append(Finding("yaml-syntax", message, line, column, 1, suggestion))


class _TooMuchError(Exception):
    """A limit is reached, or going on makes no sense; the finding is recorded."""


def _first_line_width(text: str) -> int:
    end = text.find("\n")
    return len(text) if end < 0 else end
