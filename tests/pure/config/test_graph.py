"""The storage graph: what it says of a configuration, and that no text in one breaks out of a picture.

``UPDATE_GOLDEN=1`` writes the golden trees and DOT texts anew; review the difference. The Mermaid text of
every sample stands in docs/samples/README.md.
"""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.pure.config.sample import VALID, edited
from tests.pure.repository.project import ROOT
from trident.config.document import read_document
from trident.config.draft import read_draft
from trident.config.graph.build import build_graph
from trident.config.graph.dot import to_dot
from trident.config.graph.graph import Graph, NodeKind
from trident.config.graph.mermaid import to_mermaid
from trident.config.graph.tree import to_tree
from trident.config.load import judge_host_configuration
from trident.config.nodes import MapNode
from trident.host.graphviz import draw

SAMPLES = sorted((ROOT / "docs/samples").glob("*.yaml"))
GOLDEN = Path(__file__).with_name("golden")
SVG_TEXT = "{http://www.w3.org/2000/svg}text"

every_sample = pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)


def graph_of(text: str | bytes) -> Graph:
    """The graph that ``trident graph`` draws of a text."""
    configuration, _ = read_draft(text)
    assert configuration is not None
    return build_graph(configuration, judge_host_configuration(text, "host.yaml").problems)


def edges(graph: Graph) -> set[tuple[str, str, str]]:
    """Every edge as the names of both ends and its role."""
    names = {node.key: node.name for node in graph.nodes}
    return {(names[edge.part], names[edge.whole], edge.role) for edge in graph.edges}


def words(svg: bytes) -> list[str]:
    """The lines of text in a picture. A picture that is no XML fails here."""
    root = ElementTree.fromstring(svg)
    return ["".join(element.itertext()).replace("\xa0", " ") for element in root.iter(SVG_TEXT)]


def ids_in(path: Path) -> set[str]:
    """Every id that a sample defines, found without the model."""
    return set(re.findall(r"^ +- id: (\S+)$", path.read_text(), re.MULTILINE))


@every_sample
@pytest.mark.parametrize(("suffix", "write"), [("txt", to_tree), ("dot", to_dot)])
def test_a_sample_looks_like_its_golden_copy(path: Path, suffix: str, write: type[str]) -> None:
    golden = GOLDEN / f"{path.stem}.{suffix}"
    text = write(graph_of(path.read_bytes()))
    if "UPDATE_GOLDEN" in os.environ:
        golden.write_text(text)
    assert text == golden.read_text()


@every_sample
def test_every_device_and_mount_point_of_a_sample_is_in_its_picture(path: Path) -> None:
    graph = graph_of(path.read_bytes())
    drawn = words(draw(to_dot(graph), "svg"))
    storage = path.read_text().partition("storage:\n")[2].partition("\nos:\n")[0]
    for name in (*ids_in(path), *re.findall(r"(?:mountPoint|  path): (/\S*)$", storage, re.MULTILINE)):
        assert name in drawn


def test_what_is_made_of_what() -> None:
    graph = graph_of(VALID)
    assert edges(graph) == {
        *(("os", partition, "") for partition in ("esp", "root-a", "root-b", "state", "data")),
        ("root-a", "root", "A"), ("root-b", "root", "B"),
        ("esp", "/boot/efi", ""), ("root", "/", ""), ("state", "/var/lib/trident", ""), ("data", "/data", ""),
    }  # fmt: skip
    assert not any(node.is_wrong for node in graph.nodes)


def test_a_file_system_in_memory_stands_alone() -> None:
    scratch = "    - {type: tmpfs, source: new, mountPoint: /tmp}\n"
    graph = graph_of(edited(("os:\n  hostname", f"{scratch}os:\n  hostname")))
    (memory,) = [node for node in graph.nodes if node.name == "/tmp"]
    assert memory.details == ("tmpfs, new",)
    assert not any(memory.key in (edge.part, edge.whole) for edge in graph.edges)


def test_a_device_that_is_nowhere_is_drawn_and_marked() -> None:
    graph = graph_of(edited(("{deviceId: data, source", "{deviceId: date, source")))
    wrong = {(node.name, node.kind) for node in graph.nodes if node.is_wrong}
    assert wrong == {("date", NodeKind.MISSING), ("/data", NodeKind.FILE_SYSTEM)}
    assert ("date", "/data", "") in edges(graph)
    assert "WRONG" in to_tree(graph)
    assert "linkStyle" in to_mermaid(graph)
    assert "date" in words(draw(to_dot(graph), "svg"))


def test_of_two_devices_with_one_id_the_first_is_meant() -> None:
    graph = graph_of(edited(("{id: state, size: 128M}", "{id: data, size: 128M}")))
    both = [node for node in graph.nodes if node.name == "data"]
    assert [node.size for node in both] == ["128M", "grow"]
    assert [len(graph.above[node.key]) for node in both] == [1, 0]
    assert both[1].is_wrong


def test_what_is_made_of_itself_ends() -> None:
    loop = "{id: root, volumeAId: root, volumeBId: root}"
    graph = graph_of(edited(("{id: root, volumeAId: root-a, volumeBId: root-b}", loop)))
    assert to_tree(graph).count("A/B volume pair") == 3
    assert to_mermaid(graph).count("n6 -->|A| n6") == 1
    assert draw(to_dot(graph), "svg")


def test_what_is_nested_without_end_is_drawn_in_pieces() -> None:
    pairs = "".join(f"      - {{id: p{n}, volumeAId: p{n + 1}, volumeBId: x}}\n" for n in range(3000))
    tree = to_tree(graph_of(f"storage:\n  abUpdate:\n    volumePairs:\n{pairs}"))
    assert all(f"p{n}" in tree for n in range(3000))
    assert max(map(len, tree.splitlines())) < 120


def test_graphs_are_equal_if_configurations_are() -> None:
    assert graph_of(VALID) == graph_of(VALID)
    assert to_dot(graph_of(VALID)) == to_dot(graph_of(VALID))


# Names that mean something to YAML, XML, HTML, DOT, Mermaid, Markdown or a terminal.
HOSTILE = [
    "<script>alert(1)</script>", '"]; click n1 href "javascript:alert(1)"', "</TD></TABLE>>]; x", "<!-- -->",
    "]]>", "&lt;b&gt;", "&#60;b&#62;", "#quot;", "#35;", "`code` **bold**", "%%{init: {'theme':'dark'}}%%",
    "style a:#35;", "end", "subgraph x", "n0", "---", "{{[(", "|A|", "\\N \\G \\E", "\\", "\\\\", '"', "'",
    "a b", " ", "  x  ", "\u65e5\u672c\u8a9e", "\U0001f600", "a\u0301", "$HOME", "$(id)", ";", "x" * 500,
]  # fmt: skip
UNPRINTABLE = [
    "\x1b[31mred",
    "\x00",
    "\x07",
    "\u202eright",
    "\u200b",
    "a\nb",
    "a\tb",
    "\ufeff",
    "\u2028",
    "\x85",
]


def quoted(text: str) -> str:
    """The text as YAML spells it between double quotes, all of it escaped."""
    return '"' + "".join(f"\\U{ord(character):08x}" for character in text) + '"'


def with_name(name: str) -> str:
    """A configuration in which a hostile text stands wherever text may stand."""
    text = quoted(name)
    return edited(
        ("{id: data, size: grow}", f"{{id: {text}, size: grow, label: {text}}}"),
        ("{deviceId: data, source", f"{{deviceId: {text}, source"),
        ("device: /dev/vda", f"device: {text}"),
        ("options: noatime", f"options: {text}"),
        ("volumeBId: root-b", f"volumeBId: {quoted('no ' + name)}"),
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_out_of_a_picture(name: str) -> None:
    graph = graph_of(with_name(name))
    svg = draw(to_dot(graph), "svg")
    drawn = words(svg)
    shown = name if len(name) <= 60 else name[:57] + "..."
    assert any((shown.strip() or "' '") in line for line in drawn), drawn
    allowed = {"svg", "g", "title", "polygon", "text", "path", "a"}
    elements = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()}
    assert elements <= allowed


# A label has no character that means something to Mermaid: those are entity codes.
LABEL = r'"(?:[A-Za-z0-9 _./,+=:-]|[^\x00-\x7f]|#[0-9]+;|<br/>)+"'
BRACKETS = [("[", "]"), ("[[", "]]"), ("{{", "}}"), ("[/", "/]"), ("([", "])"), ("(", ")")]
BOX = "|".join(re.escape(opening) + LABEL + re.escape(closing) for opening, closing in BRACKETS)
STATEMENTS = [
    r"flowchart LR",
    rf"  subgraph n\d+\[{LABEL}\]",
    r"  end",
    rf"    n\d+\[{LABEL}\]",
    rf"  n\d+(?:{BOX})",
    r"  n\d+ -->(?:\|(?:A|B|data|hash)\|)? n\d+",
    r"  linkStyle \d+(?:,\d+)* stroke:#[0-9a-f]{6}",
    r"  classDef [a-z_]+ [a-z]+:[a-z0-9#-]+(?:,[a-z-]+:[a-z0-9#]+)*",
    r"  class n\d+(?:,n\d+)* [a-z_]+",
]


def assert_is_flowchart(text: str) -> None:
    """Every line is one of the statements that a flowchart of ours has."""
    for line in text.removesuffix("\n").split("\n"):
        assert any(re.fullmatch(statement, line) for statement in STATEMENTS), line
    assert text.count("\n  subgraph ") == text.count("\n  end\n")


@pytest.mark.parametrize("name", [*HOSTILE, *UNPRINTABLE])
def test_no_name_breaks_out_of_a_flowchart(name: str) -> None:
    assert_is_flowchart(to_mermaid(graph_of(with_name(name))))


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("root-a", "root-a"), ("my_data.2", "my_data.2"), ("- item", "#45; item"), ("1. item", "#49;. item"),
        ("---", "#45;--"), ("_very_", "#95;very#95;"), ("http://x", "http:#47;#47;x"), ("a:b", "a:b"),
        ("a:;", "a#58;#59;"), ("  code", "#32; code"), ("\u00fc", "\u00fc"),
    ],
)  # fmt: skip
def test_no_name_is_markdown_in_a_flowchart(name: str, label: str) -> None:
    graph = graph_of(edited(("{id: data, size: grow}", f"{{id: {quoted(name)}, size: grow}}")))
    assert f'n5["{label} grow<br/>linux-generic"]' in to_mermaid(graph)


@every_sample
def test_the_flowchart_of_a_sample_is_one(path: Path) -> None:
    assert_is_flowchart(to_mermaid(graph_of(path.read_bytes())))


@pytest.mark.parametrize("name", UNPRINTABLE)
@pytest.mark.parametrize("write", [to_tree, to_mermaid, to_dot])
def test_no_name_commands_a_terminal(name: str, write: type[str]) -> None:
    for line in write(graph_of(with_name(name))).splitlines():
        assert line.isprintable()


def test_columns_of_wide_characters_stand_in_line() -> None:
    tree = to_tree(graph_of(edited(("{id: data, size: grow}", "{id: \u65e5\u672c, size: grow}"))))
    (line,) = [line for line in tree.splitlines() if "\u65e5\u672c" in line and "grow" in line]
    other = next(line for line in tree.splitlines() if "root-a" in line)
    assert line.index("partition") == other.index("partition") - 2


DRAFTS = [
    (("size: 2G}\n        - {id: root-b", "size: big}\n        - {id: root-b"), "root-a"),
    (("{id: state, size: 128M}", "{id: state}"), "state"),
    (("{id: state, size: 128M}", "{size: 128M}"), "state"),
    (("{id: state, size: 128M}", "[]"), "state"),
    (("source: new, mountPoint: /var/lib/trident", "source: old, mountPoint: /var/lib/trident"), None),
    (("name: ada, sshMode", "nom: ada, sshMode"), None),
]


@pytest.mark.parametrize(("edit", "lost"), DRAFTS)
def test_what_can_be_read_is_drawn(edit: tuple[str, str], lost: str | None) -> None:
    graph = graph_of(edited(edit))
    devices = {"os", "esp", "root-a", "root-b", "state", "data", "root"}
    defined = {node.name for node in graph.nodes if node.kind is not NodeKind.MISSING}
    assert devices - defined == ({lost} if lost else set())


@pytest.mark.parametrize(
    "text", ["", "[", "5", "- a", "storage: 5", "storage: {disks: 5}", "\t", "a: &a [*a]"]
)
def test_what_cannot_be_read_at_all_has_no_nodes(text: str) -> None:
    configuration, is_whole = read_draft(text)
    assert not is_whole
    assert configuration is None or build_graph(configuration).nodes == ()


def test_reading_a_draft_changes_no_other_reading() -> None:
    """The document that is cut is the draft's own."""
    text = edited(("{id: state, size: 128M}", "{id: state}"))
    read_draft(text)
    root = read_document(text).root
    assert isinstance(root, MapNode)
    assert set(root.values) == {"image", "storage", "os", "scripts"}
