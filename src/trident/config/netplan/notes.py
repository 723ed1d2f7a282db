"""How mistakes and warnings about network settings are worded and noted."""

from __future__ import annotations

from trident.config.netplan.kinds import Format
from trident.config.nodes import ListNode, MapNode, Node, Path, shortened
from trident.config.shape import Complaint, Complaints, describe

_SECRETS = frozenset(("password", "client-key-password", "key", "keys", "private-key", "pin"))
"""Keys below which no value is ever shown."""


class Notes:
    """What is found. A secret is never part of a sentence, nor shown beside it."""

    def __init__(self, complaints: Complaints, root: Node) -> None:
        self.complaints = complaints
        self._secrets: set[int] = set()
        self._hide(root, is_secret=False)

    def _hide(self, node: Node, *, is_secret: bool) -> None:
        if isinstance(node, MapNode):
            for key, child in node.values.items():
                self._hide(child, is_secret=is_secret or key in _SECRETS)
        elif isinstance(node, ListNode):
            for child in node.items:
                self._hide(child, is_secret=is_secret)
        elif is_secret:
            self._secrets.add(id(node))
            self.complaints.secrets.append(node)

    @property
    def count(self) -> int:
        """How many mistakes there are, those that were not kept included."""
        return len(self.complaints) + self.complaints.dropped

    def _described(self, node: Node) -> str:
        return "this" if id(node) in self._secrets else describe(node)

    def wrong(
        self, wanted: str, node: Node, path: Path, advice: str | None = None, *, code: str = "wrong-type"
    ) -> None:
        """A mistake: something else is wanted."""
        message = f"Here must stand {wanted}, not {self._described(node)}."
        self.complaints.append(Complaint(code, message, path, advice))

    def mistagged(self, path: Path, *, at_key: bool = False) -> None:
        """A mistake: a tag that the crate does not take."""
        message = "The tag here does not fit what stands behind it."
        self.complaints.append(Complaint("yaml-tag", message, path, "Remove the tag.", at_key))

    def warn(self, message: str, path: Path, advice: str | None = None, *, at_key: bool = False) -> None:
        """A warning: netplan is going to refuse this."""
        self.complaints.warn(Complaint("netplan-refuses", message, path, advice, at_key))

    def expects(self, wanted: str, node: Node, path: Path, advice: str | None = None) -> None:
        """A warning: netplan wants something else."""
        self.warn(f"Netplan expects {wanted} here, not {self._described(node)}.", path, advice)

    def format(self, form: Format | None, text: str, path: Path, *, at_key: bool = False) -> None:
        """A warning, if netplan asks for another form of text."""
        wrong = form(text) if form is not None else None
        if wrong is not None:
            self.warn(f"Netplan {wrong}, not '{shortened(text)}'.", path, at_key=at_key)


def listed(words: tuple[str, ...] | list[str]) -> str:
    """Words to choose from, as people list them."""
    if len(words) == 1:
        return f"'{words[0]}'"
    return ", ".join(f"'{word}'" for word in words[:-1]) + f" or '{words[-1]}'"
