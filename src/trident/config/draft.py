"""What can be read of a configuration that cannot be read whole."""

from __future__ import annotations

from collections.abc import Iterable

from trident.config.document import read_document
from trident.config.mend import mended
from trident.config.model import HostConfiguration
from trident.config.nodes import ListNode, MapNode, Node, Path
from trident.config.shape import Complaints, reader_of

_MOST_ROUNDS = 8


def read_draft(text: str | bytes) -> tuple[HostConfiguration | None, bool]:
    """A configuration without its unreadable parts, and whether it is whole.

    A value is read as it was probably meant; one of which nobody can tell that is left out, and where it may
    not be missing, the object or the list item around it. No rule is applied.

    Returns:
        ``None`` for the configuration if nothing is left, or the text is no YAML.
    """
    document = read_document(text)
    if document.root is None or document.is_broken:
        return None, False
    for number in range(_MOST_ROUNDS):
        complaints = Complaints()
        configuration = reader_of(HostConfiguration)(document.root, (), complaints)
        if not complaints:
            return configuration, number == 0
        if number == 0:
            document.root = mended(document.root, complaints)
        else:
            _cut(document.root, {complaint.path for complaint in complaints})
    return None, False


def _cut(root: Node, paths: Iterable[Path]) -> None:
    """Take out the values at these paths; of a path that leads nowhere, what is nearest to it."""
    # From behind, so that an index still means the item that it meant.
    for path in sorted(paths, key=_order, reverse=True):
        holder: MapNode | ListNode | None = None
        node: Node = root
        key: str | int | None = None
        for step in path:
            if isinstance(node, MapNode) and step in node.values:
                holder, key, node = node, step, node.values[str(step)]
            elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
                holder, key, node = node, step, node.items[step]
            else:
                break
        if isinstance(holder, MapNode):
            holder.values.pop(str(key))
            holder.keys.pop(str(key))
        elif isinstance(holder, ListNode):
            assert isinstance(key, int)
            del holder.items[key]


def _order(path: Path) -> tuple[tuple[int, int, str], ...]:
    return tuple((1, step, "") if isinstance(step, int) else (0, 0, step) for step in path)
