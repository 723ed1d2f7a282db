"""Nodes and edges of the storage graph."""

from __future__ import annotations

import enum
from functools import cached_property

import msgspec


class NodeKind(enum.StrEnum):
    """What a node is, as people call it."""

    DISK = "disk"
    PARTITION = "partition"
    ADOPTED_PARTITION = "adopted partition"
    RAID_ARRAY = "RAID array"
    ENCRYPTED_VOLUME = "encrypted volume"
    AB_VOLUME = "A/B volume pair"
    VERITY_DEVICE = "verity device"
    FILE_SYSTEM = "file system"
    SWAP = "swap area"
    MISSING = "no such device"


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A device, a file system, a swap area, or a device that is named and defined nowhere.

    Attributes:
        key: unique in its graph: the field path, such as ``storage.disks[0].partitions[1]``.
        kind: what it is.
        name: its id, or where a file system is mounted.
        size: as the configuration spells sizes, or empty where it has none.
        details: what else there is to say, most important first.
        is_wrong: whether a rule is broken there.
    """

    key: str
    kind: NodeKind
    name: str
    size: str = ""
    details: tuple[str, ...] = ()
    is_wrong: bool = False


class Edge(msgspec.Struct, frozen=True):
    """``whole`` is made of ``part``, both of them keys of nodes.

    Attributes:
        role: what the part is to the whole, where it has several kinds: ``A``, ``B``, ``data``, ``hash``.
        is_of_disk: whether they are a disk and a partition on it.
    """

    part: str
    whole: str
    role: str = ""
    is_of_disk: bool = False


class Graph(msgspec.Struct, frozen=True, dict=True):
    """Everything below ``storage``, in the order of the configuration.

    Where the configuration is wrong, there can be cycles.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @cached_property
    def node(self) -> dict[str, Node]:
        """Nodes by key."""
        return {node.key: node for node in self.nodes}

    @cached_property
    def above(self) -> dict[str, list[Edge]]:
        """For each node what is made of it."""
        found: dict[str, list[Edge]] = {node.key: [] for node in self.nodes}
        for edge in self.edges:
            found[edge.part].append(edge)
        return found

    @cached_property
    def partitions(self) -> dict[str, list[Node]]:
        """For each disk its partitions: those to create, then those to adopt."""
        found: dict[str, list[Node]] = {node.key: [] for node in self.nodes if node.kind is NodeKind.DISK}
        for edge in self.edges:
            if edge.is_of_disk:
                found[edge.part].append(self.node[edge.whole])
        return found
