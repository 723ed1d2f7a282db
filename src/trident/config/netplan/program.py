"""What netplan itself is going to refuse: warnings.

Netplan takes every scalar as text, quoted or not, and refuses all settings for one key that it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable

from trident.config import scalars
from trident.config.nearest import nearest
from trident.config.netplan import formats
from trident.config.netplan.devices import NETWORK, NETWORKMANAGER_ONLY
from trident.config.netplan.kinds import (
    NO,
    YES,
    Address,
    Anything,
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
from trident.config.nodes import ListNode, MapNode, Node, Path, ScalarNode, shortened
from trident.config.shape import Complaint
from trident.config.suggestion import MERGE_ADVICE

_MOST_GUESSES = 100
_ADDRESS = Record("an address", loose={"lifetime": Words(("0", "forever")), "label": Text()})


class Program:
    """Netplan, as a reader of settings."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def read(self, kind: Kind, node: Node, path: Path) -> None:
        """Warn of what does not fit. ``null`` takes a setting back, so it fits everywhere."""
        if isinstance(node, ScalarNode) and node.plain and scalars.is_null(node.text):
            return
        match kind:
            case Anything() | TunnelKey():
                return
            case Unlike(_, for_netplan):
                self.read(for_netplan, node, path)
            case Address() if isinstance(node, MapNode):
                for key, child in node.values.items():
                    here = (*path, key)
                    self._notes.format(formats.address_with_prefix, key, here, at_key=True)
                    self.read(_ADDRESS, child, here)
            case Record() | ListOf() | MapOf():
                self._container(kind, node, path)
            case _ if isinstance(node, ScalarNode):
                self._scalar(kind, node, path)
            case _:
                self._notes.expects("a single value", node, path)

    def key(self, kind: Record, key: str, node: Node, path: Path) -> None:
        """A key of an object and what stands there, or a warning that netplan knows no such key."""
        known = {**kind.strict, **kind.loose}
        if key in known:
            self.read(known[key], node, path)
        elif kind is NETWORK and key in NETWORKMANAGER_ONLY:
            message = f"Netplan carries out '{key}' through NetworkManager only, which is not supported."
            self._notes.warn(message, path, at_key=True)
        else:
            message = f"Netplan does not know the key '{shortened(key)}' of {kind.noun}."
            advice = MERGE_ADVICE if key == "<<" else self.nearest(key, known)
            unknown = Complaint("netplan-unknown-key", message, path, advice, at_key=True)
            self._notes.complaints.warn(unknown)

    def nearest(self, text: str, words: Iterable[str]) -> str | None:
        """Advice on what was probably meant."""
        warnings = self._notes.complaints.warnings
        may_guess = self._notes.complaints.may_guess and len(warnings) < _MOST_GUESSES
        close = nearest(text, words) if may_guess else None
        return f"Did you mean '{close}'?" if close else None

    def needed(self, kind: Record, node: MapNode, path: Path) -> None:
        """Warn of keys that netplan needs."""
        for key in kind.needed:
            if key not in node.values:
                self._notes.warn(f"Netplan expects {kind.noun} to have '{key}'.", path, at_key=True)

    def _container(self, kind: Record | ListOf | MapOf, node: Node, path: Path) -> None:
        match kind:
            case ListOf(item) if isinstance(node, ListNode):
                for index, child in enumerate(node.items):
                    self.read(item, child, (*path, index))
            case ListOf(item, or_one) if or_one and isinstance(node, ScalarNode):
                self.read(item, node, path)
            case ListOf():
                self._notes.expects("a list", node, path)
            case MapOf(value) if isinstance(node, MapNode):
                for key, child in node.values.items():
                    self.read(value, child, (*path, key))
            case Record() if isinstance(node, MapNode):
                for key, child in node.values.items():
                    self.key(kind, key, child, (*path, key))
                self.needed(kind, node, path)
            case _:
                self._notes.expects("a mapping", node, path)

    def _scalar(self, kind: Kind, node: ScalarNode, path: Path) -> None:
        match kind:
            case Text(form):
                self._notes.format(form, node.text, path)
            case Address():
                self._notes.format(formats.address_with_prefix, node.text, path)
            case Flag() if node.text.lower() not in YES | NO:
                self._notes.expects("true or false", node, path)
            case Number(low, high):
                value = scalars.integer(node.text)
                if value is None or not low <= value <= high:
                    self._notes.expects(f"a whole number from {low} to {high}", node, path)
            case Words(words, also, unknown):
                taken = [word for word in (*words, *also) if word not in unknown]
                if node.text not in taken:
                    self._notes.expects(listed(taken), node, path, self.nearest(node.text, taken))
            case _:
                return
