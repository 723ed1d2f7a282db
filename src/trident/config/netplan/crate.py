"""What upstream's crate refuses: mistakes.

The crate reads some keys by their type.  Further keys of a device it keeps aside first, where a tag or a
number beyond 64 bits is a mistake; those that it knows it then reads, and drops them all without a word if
one does not fit its type.
"""

from __future__ import annotations

from trident.config import scalars, values
from trident.config.netplan.kinds import (
    NO,
    YES,
    Flag,
    Kind,
    ListOf,
    MapOf,
    Number,
    Record,
    Text,
    TunnelKey,
    Unlike,
    Words,
)
from trident.config.netplan.notes import Notes, listed
from trident.config.netplan.program import Program
from trident.config.nodes import ListNode, MapNode, Node, Path, ScalarNode
from trident.config.shape import Complaint

_KEY_ADVICE = "Write '!Simple KEY', or '!Complex {input: KEY, output: KEY, private: KEY}'."
_TUNNEL_KEY = Record("a tunnel key", strict=dict.fromkeys(("input", "output", "private"), Text()))


class Crate:
    """The crate netplan-types, as a reader of settings."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._netplan = Program(notes)

    def read(self, kind: Kind, node: Node, path: Path) -> None:
        """Note what does not fit."""
        match kind:
            case Unlike(here, for_netplan):
                before = self._notes.count
                self.read(here, node, path)
                if self._notes.count == before:
                    self._netplan.read(for_netplan, node, path)
            case ListOf() | MapOf() | Record():
                self._container(kind, node, path)
            case TunnelKey():
                self._tunnel_key(node, path)
            case Text(form) if isinstance(node, ScalarNode):
                self._notes.format(form, node.text, path)
            case Text():
                self._notes.wrong("text", node, path)
            case Flag(is_yaml):
                self._flag(node, path, is_yaml)
            case Number(low, high):
                if not _is_number(node, low, high):
                    self._notes.wrong(f"a whole number from {low} to {high}", node, path)
            case Words():
                self._word(kind, node, path)

    def _optional(self, kind: Kind, node: Node, path: Path) -> None:
        try:
            is_nothing = values.is_nothing(node)
        except values.MistaggedError:
            self._notes.mistagged(path)
            return
        if not is_nothing:
            self.read(kind, node, path)

    def _container(self, kind: ListOf | MapOf | Record, node: Node, path: Path) -> None:
        if isinstance(node, ScalarNode) and node.is_empty:
            node = ListNode() if isinstance(kind, ListOf) else MapNode()
        match kind:
            case ListOf(item) if isinstance(node, ListNode):
                for index, child in enumerate(node.items):
                    self.read(item, child, (*path, index))
            case MapOf(value) if isinstance(node, MapNode):
                for key, child in node.values.items():
                    self.read(value, child, (*path, key))
            case Record() if isinstance(node, MapNode):
                self._record(kind, node, path)
            case _:
                self._notes.wrong("a list" if isinstance(kind, ListOf) else "a mapping", node, path)

    def _record(self, kind: Record, node: MapNode, path: Path) -> None:
        for key, child in node.values.items():
            here = (*path, key)
            if key in kind.required:
                self.read(kind.strict[key], child, here)
            elif key in kind.strict:
                self._optional(kind.strict[key], child, here)
            elif not kind.is_buffered or self._is_kept(child, here):
                self._netplan.key(kind, key, child, here)
        for key in kind.required:
            if key not in node.values:
                message = f"{kind.noun[0].upper()}{kind.noun[1:]} needs '{key}'."
                advice = "Add 'version: 2'." if key == "version" else None
                advice = f"Add '{key}: []'." if isinstance(kind.strict[key], ListOf) else advice
                self._notes.complaints.append(Complaint("missing-field", message, path, advice, at_key=True))
        self._netplan.needed(kind, node, path)

    def _flag(self, node: Node, path: Path, is_yaml: bool) -> None:
        value: object = None
        word = node.text.lower() if isinstance(node, ScalarNode) else ""
        if isinstance(node, ScalarNode) and is_yaml:
            value = scalars.boolean(node.text) if node.plain else None
        elif isinstance(node, ScalarNode):
            try:
                value = values.settled(node)
            except values.MistaggedError:
                self._notes.mistagged(path)
                return
            if isinstance(value, str) and word in YES | NO:
                return
        if isinstance(value, bool):
            return
        advice = f"Write {'true' if word in YES else 'false'}, without quotes." if word in YES | NO else None
        self._notes.wrong("true or false", node, path, advice)

    def _word(self, kind: Words, node: Node, path: Path) -> None:
        text = values.word(node)
        if text in kind.unknown:
            self._notes.warn(f"Netplan does not know '{text}' here.", path)
        elif text not in kind.words:
            advice = None
            if text in kind.also:
                advice = f"Netplan knows '{text}', but a Host Configuration cannot say it."
            elif text is not None:
                advice = self._netplan.nearest(text, kind.words)
            self._notes.wrong(listed(kind.words), node, path, advice, code="unknown-value")

    def _tunnel_key(self, node: Node, path: Path) -> None:
        if node.tag == "!Simple" and isinstance(node, ScalarNode):
            return
        if node.tag == "!Complex" and (isinstance(node, MapNode) or _is_empty(node)):
            self._container(_TUNNEL_KEY, node, path)
            return
        message = "The key of a tunnel stands behind a tag that says which kind of key it is."
        self._notes.complaints.append(Complaint("wrong-type", message, path, _KEY_ADVICE))

    def _is_kept(self, node: Node, path: Path) -> bool:
        """Whether the crate can keep a value aside, that it is going to look at later."""
        before = self._notes.count
        if isinstance(node, ScalarNode):
            self._keep_scalar(node, path)
        elif node.tag.startswith("!"):
            self._notes.mistagged(path)
        elif isinstance(node, ListNode):
            for index, child in enumerate(node.items):
                self._is_kept(child, (*path, index))
        else:
            for key, child in node.values.items():
                self._keep_scalar(node.keys[key], (*path, key), at_key=True)
                self._is_kept(child, (*path, key))
        return self._notes.count == before

    def _keep_scalar(self, node: ScalarNode, path: Path, *, at_key: bool = False) -> None:
        try:
            value = values.settled(node)
        except values.MistaggedError:
            self._notes.mistagged(path, at_key=at_key)
            return
        if type(value) is int and value not in values.INT64:
            message = "This number does not fit into 64 bits."
            advice = "Put it in quotes if it is text."
            self._notes.complaints.append(Complaint("invalid-value", message, path, advice, at_key))


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.is_empty


def _is_number(node: Node, low: int, high: int) -> bool:
    if not isinstance(node, ScalarNode) or not node.plain or (low == 0 and node.text.startswith("-")):
        return False
    value = scalars.integer(node.text)
    return value is not None and low <= value <= high
