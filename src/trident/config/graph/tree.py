"""The storage graph as an indented tree for terminals, disks first, like that of ``lsblk``."""

from __future__ import annotations

from collections.abc import Iterator

from trident.config.graph.graph import Edge, Graph, Node, NodeKind
from trident.config.report import display_width

_HEADINGS = ("NAME", "KIND", "SIZE", "DETAILS")
_LINES = ("├─", "└─", "│ ", "  ")
_ASCII_LINES = ("|-", "`-", "| ", "  ")
_DEEPEST = 20  # levels; no valid configuration has more than seven


def to_tree(graph: Graph, *, ascii_lines: bool = False) -> str:
    """The tree as text.

    What is made of several devices stands under each of them; what is made of it, under the first alone.

    Args:
        graph: what to show.
        ascii_lines: draw the branches with ASCII characters.
    """
    rows = [_HEADINGS, *_rows(graph, _ASCII_LINES if ascii_lines else _LINES)]
    widths = [max(display_width(row[column]) for row in rows) for column in range(3)]
    return "".join(_aligned(row, widths) for row in rows)


def _aligned(row: tuple[str, str, str, str], widths: list[int]) -> str:
    name, kind, size, details = row
    cells = (
        name + " " * (widths[0] - display_width(name)),
        kind + " " * (widths[1] - display_width(kind)),
        size.rjust(widths[2]),
        details,
    )
    return "  ".join(cells).rstrip() + "\n"


def _rows(graph: Graph, lines: tuple[str, str, str, str]) -> Iterator[tuple[str, str, str, str]]:
    seen: set[str] = set()
    for root in _roots(graph):
        if root.key in seen:
            continue
        # Not recursive: what is wrong can be nested deeper than Python's stack.
        waiting: list[tuple[Node, Edge | None, str, str, int]] = [(root, None, "", "", 0)]
        while waiting:
            node, edge, branch, indent, depth = waiting.pop()
            is_known = node.key in seen
            yield _row(node, edge, branch, is_known=is_known)
            if is_known or depth == _DEEPEST:
                continue
            seen.add(node.key)
            above = graph.above[node.key]
            for number, upward in reversed(list(enumerate(above, start=1))):
                is_last = number == len(above)
                own = indent + lines[1 if is_last else 0]
                beneath = indent + lines[3 if is_last else 2]
                waiting.append((graph.node[upward.whole], upward, own, beneath, depth + 1))


def _roots(graph: Graph) -> Iterator[Node]:
    """Disks, what is made of nothing, and last, for the sake of cycles and of great depths, all the rest."""
    made = {edge.whole for edge in graph.edges}
    yield from (node for node in graph.nodes if node.kind is NodeKind.DISK)
    yield from (node for node in graph.nodes if node.key not in made)
    yield from graph.nodes


def _row(node: Node, edge: Edge | None, branch: str, *, is_known: bool) -> tuple[str, str, str, str]:
    kind = f"{node.kind.value}, {edge.role}" if edge is not None and edge.role else node.kind.value
    details = "; ".join(node.details)
    if is_known:
        details = "see above"
    if node.is_wrong:
        details = f"WRONG: {details}" if details else "WRONG"
    return branch + node.name, kind, node.size, details
