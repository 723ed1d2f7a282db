"""The storage graph in the DOT language, which Graphviz draws."""

from __future__ import annotations

from collections.abc import Iterator

from trident.config.graph.colours import FILLS, LINES, WRONG
from trident.config.graph.graph import Edge, Graph, Node, NodeKind

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "\\": "\\\\"})
_SIDES = ("A", "B")


def to_dot(graph: Graph) -> str:
    """The graph as text. An arrow leads from a part to what is made of it; a disk holds its partitions."""
    return "".join(f"{line}\n" for line in _lines(graph))


def _lines(graph: Graph) -> Iterator[str]:
    yield "digraph storage {"
    yield '  graph [rankdir=LR, ranksep=0.8, nodesep=0.25, charset="UTF-8"]'
    yield '  node [shape=plain, fontname="sans-serif", fontsize=11]'
    yield f'  edge [fontname="sans-serif", fontsize=9, color="{LINES[NodeKind.FILE_SYSTEM]}", arrowsize=0.7]'
    names = {node.key: f"n{number}" for number, node in enumerate(graph.nodes)}
    starts = dict(names)
    on_disks = set()
    for disk, partitions in graph.partitions.items():
        for partition in partitions:
            starts[partition.key] = f"{names[disk]}:{names[partition.key]}:e"
            on_disks.add(partition.key)
    for node in graph.nodes:
        if node.key not in on_disks:
            tooltip = node.kind.value if node.kind is NodeKind.MISSING else node.key
            yield f'  {names[node.key]} [tooltip="{tooltip}", label=<'
            yield '    <TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="5">'
            yield from (f"      <TR>{cell}</TR>" for cell in _cells(node, graph, names))
            yield "    </TABLE>>]"
    if len(graph.partitions) > 1:  # Disks stand in their order, from top to bottom.
        yield f"  {{rank=same; {' -> '.join(names[disk] for disk in graph.partitions)} [style=invis]}}"
    for edge in graph.edges:
        if not edge.is_of_disk:
            is_broken = graph.node[edge.part].kind is NodeKind.MISSING
            colour = f' [color="{WRONG}"]' if is_broken else ""
            yield f"  {starts[edge.part]} -> {_end(edge, graph, names)}{colour}"
    yield "}"


def _cells(node: Node, graph: Graph, names: dict[str, str]) -> Iterator[str]:
    """A node is a table: a disk above its partitions in disk order, an A/B pair above its two volumes."""
    yield _cell(node)
    for partition in graph.partitions.get(node.key, ()):
        yield _cell(partition, names[partition.key])
    if node.kind is NodeKind.AB_VOLUME:
        yield from (f'<TD PORT="{side}" {_attributes(node)}>{side}</TD>' for side in _SIDES)


def _cell(node: Node, port: str = "") -> str:
    name = f"<B>{_escaped(node.name)}</B>"
    kind = () if node.kind in (NodeKind.PARTITION, NodeKind.FILE_SYSTEM) else (node.kind.value,)
    lines = (f"{name}  {node.size}" if node.size else name, *map(_escaped, (*kind, *node.details)))
    place = f'PORT="{port}" ' if port else ""
    return f"<TD {place}{_attributes(node)}>{'<BR/>'.join(lines)}</TD>"


def _attributes(node: Node) -> str:
    line = f'COLOR="{WRONG}" BORDER="3"' if node.is_wrong else f'COLOR="{LINES[node.kind]}"'
    return f'BGCOLOR="{FILLS[node.kind]}" {line}'


def _end(edge: Edge, graph: Graph, names: dict[str, str]) -> str:
    whole = graph.node[edge.whole]
    if whole.kind is NodeKind.AB_VOLUME:
        return f"{names[whole.key]}:{edge.role}:w"
    return f'{names[whole.key]} [label="{edge.role}"]' if edge.role else names[whole.key]


def _escaped(text: str) -> str:
    return text.translate(_ENTITIES)
