"""A text as it would be with its mistakes corrected as their messages say.

Rules judge whole objects. Where one value of a section cannot be read, the section as it was probably meant
still can be judged, so that a reader is told of all mistakes at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from trident.config.nodes import ListNode, MapNode, Node, Path, ScalarNode

if TYPE_CHECKING:
    from trident.config.shape import Complaint, Complaints

_STANDS_ALONE = {"os", "managementOs", "scripts", "health"}
_TELLS_OBJECTS_APART = {"content", "path", "source", "systemdServices"}


class Mend(msgspec.Struct, frozen=True):
    """How a mistake is corrected: by another value, by another key, or by leaving the field out.

    Attributes:
        value: what should stand there, as it would be written without quotes.
        key: the field that was meant.
    """

    value: str | None = None
    key: str | None = None


def leave_out(here: Path, complaints: Complaints, since: int) -> None:
    """Mend an unreadable value by its default, where no rule asks whether the field was given."""
    if here[0] not in _STANDS_ALONE or here[-1] in _TELLS_OBJECTS_APART:
        return
    for index in range(since, len(complaints)):
        complaint = complaints[index]
        if complaint.path == here and complaint.mend is None:
            complaints[index] = msgspec.structs.replace(complaint, mend=Mend())


def mended(root: Node, complaints: Iterable[Complaint]) -> Node:
    """A copy of the tree, each value where it stood, with every mistake mended that has a mend."""
    copies: set[int] = set()
    for complaint in complaints:
        if complaint.mend is not None and complaint.path:
            root = _copy(root, copies)
            _mend(root, complaint.path, complaint.mend, copies)
    return root


def _mend(root: Node, path: Path, mend: Mend, copies: set[int]) -> None:
    """Apply one mend; only nodes that this call of :func:`mended` copied are written."""
    *above, last = path
    node = root
    for step in above:
        child = _child(node, step)
        if child is None:
            return
        copy = _copy(child, copies)
        _put(node, step, copy)
        node = copy
    old = _child(node, last)
    if old is None:
        return
    if mend.value is not None:
        _put(
            node, last, ScalarNode(mend.value, plain=True, line=old.line, column=old.column, width=old.width)
        )
    elif isinstance(node, MapNode) and isinstance(last, str):
        key, value = node.keys.pop(last), node.values.pop(last)
        if mend.key is not None and mend.key not in node.values:
            node.keys[mend.key], node.values[mend.key] = key, value


def _child(node: Node, step: str | int) -> Node | None:
    if isinstance(node, MapNode) and isinstance(step, str):
        return node.values.get(step)
    if isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return None


def _put(node: Node, step: str | int, child: Node) -> None:
    if isinstance(node, MapNode) and isinstance(step, str):
        node.values[step] = child
    elif isinstance(node, ListNode) and isinstance(step, int):
        node.items[step] = child


def _copy(node: Node, copies: set[int]) -> Node:
    """The node itself if it is a copy already. Copies stay in the tree, so their ids stay theirs."""
    if id(node) in copies or isinstance(node, ScalarNode):
        return node
    place = {"line": node.line, "column": node.column, "width": node.width, "tag": node.tag}
    copy: Node
    if isinstance(node, MapNode):
        copy = MapNode(**place, keys=dict(node.keys), values=dict(node.values))  # type: ignore[arg-type]
    else:
        copy = ListNode(**place, items=list(node.items))  # type: ignore[arg-type]
    copies.add(id(copy))
    return copy
