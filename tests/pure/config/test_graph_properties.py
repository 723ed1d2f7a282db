"""Whatever refers to whatever: any storage graph can be drawn, whole and always alike."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.pure.config.test_graph import assert_is_flowchart
from trident.config.graph.build import build_graph
from trident.config.graph.dot import to_dot
from trident.config.graph.graph import Graph, NodeKind
from trident.config.graph.mermaid import to_mermaid
from trident.config.graph.tree import to_tree
from trident.config.model import HostConfiguration

# Few ids, so that they meet: devices made of themselves, of each other in a ring, of a disk, of nothing.
IDS = st.sampled_from(["a", "b", "c", "d", "e", "os"])
ARRAYS = st.builds(
    lambda name, devices: {"id": name, "name": name, "level": "raid1", "devices": devices},
    IDS, st.lists(IDS, max_size=4),
)  # fmt: skip
PAIRS = st.builds(lambda name, a, b: {"id": name, "volumeAId": a, "volumeBId": b}, IDS, IDS, IDS)
VOLUMES = st.builds(lambda name, device: {"id": name, "deviceName": name, "deviceId": device}, IDS, IDS)
VERITY = st.builds(
    lambda name, data, hashes: {"id": name, "name": name, "dataDeviceId": data, "hashDeviceId": hashes},
    IDS, IDS, IDS,
)  # fmt: skip
FILE_SYSTEMS = st.fixed_dictionaries(
    {}, optional={"deviceId": IDS, "mountPoint": st.just("/x"), "source": st.sampled_from(["new", "adopted"])}
)
DISKS = st.builds(
    lambda name, new, kept: {
        "id": name, "device": "/dev/x", "partitionTableType": "gpt",
        "partitions": [{"id": one, "size": "1M"} for one in new],
        "adoptedPartitions": [{"id": one, "matchLabel": one} for one in kept],
    },
    IDS, st.lists(IDS, max_size=3), st.lists(IDS, max_size=2),
)  # fmt: skip


def some(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, max_size=3)


@st.composite
def configurations(draw: st.DrawFn) -> HostConfiguration:
    """A configuration whose shape is right and whose references are as they come."""
    storage = {
        "disks": draw(some(DISKS)),
        "raid": {"software": draw(some(ARRAYS))},
        "abUpdate": {"volumePairs": draw(some(PAIRS))},
        "encryption": {"volumes": draw(some(VOLUMES)), "pcrs": [7]},
        "verity": draw(some(VERITY)),
        "filesystems": draw(some(FILE_SYSTEMS)),
        "swap": draw(st.lists(IDS, max_size=2)),
    }
    return HostConfiguration.from_document({"storage": storage})


def rows(graph: Graph) -> list[tuple[str, ...]]:
    """The tree without its headings, each line as name and kind."""
    lines = to_tree(graph).splitlines()
    kind = lines[0].index("KIND")
    return [(line[:kind].strip(" │├└─"), line[kind:].split("  ")[0].split(",")[0]) for line in lines[1:]]


@given(configurations())
def test_every_node_is_in_the_tree_and_every_branch_is_an_edge(configuration: HostConfiguration) -> None:
    graph = build_graph(configuration)
    shown = rows(graph)
    for node in graph.nodes:
        assert (node.name, node.kind.value) in shown
    roots = sum(not line.startswith((" ", "│", "├", "└")) for line in to_tree(graph).splitlines()[1:])
    assert len(shown) == len(graph.edges) + roots


@given(configurations())
def test_every_edge_has_two_ends_and_every_reference_an_edge(configuration: HostConfiguration) -> None:
    graph = build_graph(configuration)
    assert len(graph.node) == len(graph.nodes)
    assert {end for edge in graph.edges for end in (edge.part, edge.whole)} <= set(graph.node)
    ends = {edge.part for edge in graph.edges}
    assert all(node.key in ends for node in graph.nodes if node.kind is NodeKind.MISSING)
    storage = configuration.storage
    encrypted = () if storage.encryption is None else storage.encryption.volumes
    members = sum(len(array.devices) for array in storage.raid.software)
    mounted = sum(filesystem.device_id is not None for filesystem in storage.filesystems)
    wholes = 2 * len(storage.volume_pairs) + 2 * len(storage.verity) + len(encrypted) + members
    references = [edge for edge in graph.edges if not edge.is_of_disk]
    assert len(references) == wholes + mounted + len(storage.swap)


@given(configurations())
def test_every_format_can_say_it_and_says_it_always_alike(configuration: HostConfiguration) -> None:
    graph = build_graph(configuration)
    assert_is_flowchart(to_mermaid(graph))
    assert to_dot(graph).count(" -> ") >= sum(not edge.is_of_disk for edge in graph.edges)
    again = HostConfiguration.from_document(configuration.to_document())
    for write in (to_tree, to_mermaid, to_dot):
        assert write(build_graph(again)) == write(graph)
