"""Reading YAML text into a tree of located nodes, quickly and in bounded memory.

libyaml, which upstream's reader uses too, splits the text into events; what they mean is decided here, so
that every mistake is found with its place and in our words.  Limits (none is upstream's except the depth):
8 MiB of text, 128 levels, 200,000 values after aliases are written out.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from typing import Any

import msgspec

from trident.config.compose import MAX_DEPTH, MAX_VALUES, compose
from trident.config.findings import MAX_FINDINGS, Finding, Findings
from trident.config.nodes import Node, ScalarNode

MAX_BYTES = 8 * 1024 * 1024

_BOM = "\ufeff"
_LINE_ENDS = "\r\n\x85\u2028\u2029"
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_NO_CHARACTERS = ("\ufffe", "\uffff")

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_FINDINGS", "MAX_VALUES", "Document", "Finding", "read_document"]


class Document:
    """What was read: the tree (``None`` if the text is empty or unreadable), its text, what is wrong."""

    def __init__(self, root: Node | None = None) -> None:
        self.text = ""
        self.root = root
        self.findings = Findings()
        self._starts: array[int] | None = None
        self._hidden: dict[int, list[tuple[int, int]]] = {}

    def showing(self, root: Node) -> Document:
        """The same text with another tree over it, such as one with its mistakes mended."""
        document = Document(root)
        document.text, document.findings, document._starts = self.text, self.findings, self._starts
        document._hidden = self._hidden
        return document

    @property
    def is_broken(self) -> bool:
        """Whether something is wrong that makes the tree incomplete or ambiguous."""
        return any(not finding.is_warning for finding in self.findings)

    def line(self, number: int) -> str:
        """A line of the text, counted from 0; empty where there is none."""
        start, end = self._bounds(number)
        return self.text[start:end].rstrip(_LINE_ENDS)

    def excerpt(self, number: int, column: int, width: int) -> tuple[str, int]:
        """At most ``width`` characters of a line around a column, and the column at which they start."""
        start, end = self._bounds(number)
        first = max(0, min(column - width * 3 // 5, end - start - width))
        shown = self.text[start + first : min(end, start + first + width)].rstrip(_LINE_ENDS)
        for secret, length in self._hidden.get(number, ()):
            begin, stop = max(0, secret - first), max(0, secret + length - first)
            shown = shown[:begin] + "*" * len(shown[begin:stop]) + shown[stop:]
        return shown, first

    def hide(self, node: ScalarNode) -> None:
        """Let no excerpt show a value."""
        if node.line >= 0:
            self._hidden.setdefault(node.line, []).append((node.column, node.width))

    def is_hidden(self, node: Node) -> bool:
        """Whether a value may not be shown."""
        return (node.column, node.width) in self._hidden.get(node.line, ())

    def within(self, finding: Finding) -> Finding:
        """The finding at the end of the text if it stands behind: libyaml ends the last line by itself."""
        self._bounds(0)
        assert self._starts is not None
        last = len(self._starts) - 1
        if finding.line <= last:
            return finding
        return msgspec.structs.replace(finding, line=last, column=len(self.text) - self._starts[last])

    def _bounds(self, number: int) -> tuple[int, int]:
        if self._starts is None:
            self._starts = array("L", [0])
            self._starts.extend(_line_starts(self.text))
        if not 0 <= number < len(self._starts):
            return 0, 0
        end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self.text)
        return self._starts[number], end


def read_document(source: str | bytes) -> Document:
    """Read one YAML document. Never raises: what is wrong stands in ``findings``."""
    document = Document()
    findings = document.findings
    if len(source) > MAX_BYTES:
        message = (
            f"The file is larger than {MAX_BYTES // 1024**2} MiB, which no Host Configuration needs to be."
        )
        findings.add(Finding("yaml-too-large", message, 0, 0))
        return document
    text = _decode(source, findings)
    if text is None:
        return document
    if text.startswith(_BOM):
        text = text[1:]
        findings.add(_first_mark(text))
    document.text = text
    stray = _stray_position(text)
    if stray is not None:
        findings.add(_stray_character(text, stray))
        return document
    if _BOM in text:
        findings.add(_inner_mark(text))
    document.root = compose(_parser(text), document.line, findings)
    for index, finding in enumerate(findings):
        findings[index] = document.within(finding)
    return document


def _decode(source: str | bytes, findings: Findings) -> str | None:
    if isinstance(source, str):
        return source
    if source.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        message = "The file is not UTF-8: it starts like UTF-16 or UTF-32."
        findings.add(Finding("yaml-not-utf-8", message, 0, 0, suggestion="Save it as UTF-8."))
        return None
    try:
        return source.decode()
    except UnicodeDecodeError as error:
        line, column = _place_of_end(source[: error.start].decode())
        message = f"The file is not UTF-8: byte 0x{source[error.start]:02x} stands here."
        findings.add(Finding("yaml-not-utf-8", message, line, column, suggestion="Save it as UTF-8."))
        return None


def _line_starts(text: str) -> Iterator[int]:
    """Where each line but the first starts. YAML 1.1 and libyaml know more line breaks than LF."""
    pattern = "\n" if text.isascii() and "\r" not in text else "\r\n|[\r\n\x85\u2028\u2029]"
    return (match.end() for match in re.finditer(pattern, text))


def _place_of_end(text: str) -> tuple[int, int]:
    """Line and column, counted from 0, of what follows the text."""
    line, start = 0, 0
    for end in _line_starts(text):
        line, start = line + 1, end
    return line, len(text) - start


def _stray_position(text: str) -> int | None:
    """Where the first character stands that YAML does not allow (YAML 1.2, c-printable), if one does."""
    match = _CONTROLS.search(text)
    positions = [match.start()] if match else []
    if not text.isascii():
        positions += [text.index(character) for character in _NO_CHARACTERS if character in text]
        try:
            text.encode()
        except UnicodeEncodeError as error:
            positions.append(error.start)
    return min(positions, default=None)


def _stray_character(text: str, position: int) -> Finding:
    line, column = _place_of_end(text[:position])
    what = f"U+{ord(text[position]):04X}"
    message = f"The character {what} stands here, which YAML text may not contain."
    suggestion = 'Remove it, or write it inside double quotes as an escape such as "\\x1b".'
    return Finding("yaml-invalid-character", message, line, column, suggestion=suggestion)


def _first_mark(text: str) -> Finding:
    """About a byte order mark before the text: it moves the first line one column to the right.

    Upstream's reader refuses what no longer stands below the first line; so is it here, to be safe.
    """
    rest = text.lstrip(" \t")
    is_harmless = not rest or rest[0] in "#{\r\n"
    message = "The file starts with a byte order mark, which "
    message += "YAML does not need." if is_harmless else "moves its first line one column to the right."
    advice = "Save it as UTF-8 without BOM."
    return Finding("yaml-byte-order-mark", message, 0, 0, suggestion=advice, is_warning=is_harmless)


def _inner_mark(text: str) -> Finding:
    """A byte order mark is only that at the start; anywhere else it is a character that nobody sees."""
    line, column = _place_of_end(text[: text.index(_BOM)])
    message = "A byte order mark (U+FEFF) stands here, which nobody sees; it is part of the text around it."
    return Finding("yaml-byte-order-mark", message, line, column, suggestion="Remove it.", is_warning=True)


def _parser(text: str) -> Any:
    import yaml

    return yaml.CSafeLoader(text) if yaml.__with_libyaml__ else yaml.SafeLoader(text)
