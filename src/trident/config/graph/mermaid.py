"""The storage graph as a Mermaid flowchart, which forges and wikis draw where it stands in a page."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trident.config.graph.colours import FILLS, LINES, WRONG
from trident.config.graph.graph import Graph, Node, NodeKind

# https://mermaid.js.org/syntax/flowchart.html: the shape tells the kind without colours, too.
_SHAPES = {
    NodeKind.RAID_ARRAY: ("{{", "}}"),
    NodeKind.ENCRYPTED_VOLUME: ("[/", "/]"),
    NodeKind.AB_VOLUME: ("[[", "]]"),
    NodeKind.VERITY_DEVICE: ("([", "])"),
    NodeKind.FILE_SYSTEM: ("(", ")"),
    NodeKind.SWAP: ("(", ")"),
}
_BOX = ("[", "]")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-./,+=")
# Mermaid reads every label as Markdown, too: what would begin a list, a rule or code, emphasis, and links.
_MARKDOWN = re.compile(r"^[-+=_ ]|^\d+(?=\.)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|(?<=:)//")


def to_mermaid(graph: Graph) -> str:
    """The flowchart as text. An arrow leads from a part to what is made of it."""
    return "".join(f"{line}\n" for line in _lines(graph))


def _lines(graph: Graph) -> Iterator[str]:
    yield "flowchart LR"
    names = {node.key: f"n{number}" for number, node in enumerate(graph.nodes)}
    on_disks = {partition.key for partitions in graph.partitions.values() for partition in partitions}
    for node in graph.nodes:
        if node.kind is NodeKind.DISK:
            yield f'  subgraph {names[node.key]}["{_label(node)}"]'
            yield from (f"    {_box(part, names)}" for part in graph.partitions[node.key])
            yield "  end"
        elif node.key not in on_disks:
            yield f"  {_box(node, names)}"
    broken = []
    arrows = [edge for edge in graph.edges if not edge.is_of_disk]
    for number, edge in enumerate(arrows):
        arrow = f"-->|{edge.role}|" if edge.role else "-->"
        yield f"  {names[edge.part]} {arrow} {names[edge.whole]}"
        if graph.node[edge.part].kind is NodeKind.MISSING:
            broken.append(str(number))
    if broken:
        yield f"  linkStyle {','.join(broken)} stroke:{WRONG}"
    yield from _styles(graph, names)


def _box(node: Node, names: dict[str, str]) -> str:
    opening, closing = _SHAPES.get(node.kind, _BOX)
    return f'{names[node.key]}{opening}"{_label(node)}"{closing}'


def _label(node: Node) -> str:
    name = f"{node.name} {node.size}" if node.size else node.name
    kind = () if node.kind in (NodeKind.PARTITION, NodeKind.FILE_SYSTEM) else (node.kind.value,)
    lines = (name, *kind, *node.details)
    return "<br/>".join(_escaped(line) for line in lines)


def _escaped(text: str) -> str:
    """Text that Mermaid takes for nothing but text: what could mean something becomes an entity code."""
    plain = _PLAIN | {":"} if _PLAIN.issuperset(text.replace(":", "")) else _PLAIN
    marks = {place for found in _MARKDOWN.finditer(text) for place in range(*found.span())}
    return "".join(
        c if (c in plain and place not in marks) or not c.isascii() else f"#{ord(c)};"
        for place, c in enumerate(text)
    )


def _styles(graph: Graph, names: dict[str, str]) -> Iterator[str]:
    for kind in NodeKind:
        members = [names[node.key] for node in graph.nodes if node.kind is kind]
        if members:
            name = kind.name.lower()
            yield f"  classDef {name} fill:{FILLS[kind]},stroke:{LINES[kind]},color:#111"
            yield f"  class {','.join(members)} {name}"
    wrong = [names[node.key] for node in graph.nodes if node.is_wrong]
    if wrong:
        yield f"  classDef wrong stroke:{WRONG},stroke-width:3px"
        yield f"  class {','.join(wrong)} wrong"
