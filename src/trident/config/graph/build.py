"""From a configuration to its storage graph."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

import msgspec

from trident.config.graph.graph import Edge, Graph, Node, NodeKind
from trident.config.model import (
    AbVolumePair,
    AdoptedPartition,
    Disk,
    EncryptedVolume,
    FileSystem,
    FileSystemSource,
    HostConfiguration,
    Model,
    Partition,
    SoftwareRaidArray,
    VerityCorruptionOption,
    VerityDevice,
)
from trident.config.nodes import shortened, spelled
from trident.config.problems import Problem, Severity, escaped
from trident.config.quantities import spell_partition_size
from trident.config.rules.subject import Subject

_ROLES = {"volumeAId": "A", "volumeBId": "B", "dataDeviceId": "data", "hashDeviceId": "hash"}
_DISK_DEPTH = 3  # ("storage", "disks", 0)
_PARTITION_DEPTH = 5


def build_graph(configuration: HostConfiguration, problems: Iterable[Problem] = ()) -> Graph:
    """The storage graph of a configuration, whether the rules accept it or not.

    A reference to a device that is defined nowhere leads to a node of the kind ``MISSING``. Of several
    devices with one id, references lead to the first.

    Args:
        configuration: a valid one, or what can be read of it.
        problems: what is wrong with the configuration; the nodes where it stands are marked.
    """
    subject = Subject(configuration)
    nodes = {node.key: node for node in _marked(list(_nodes(subject)), problems)}
    edges = list(_edges_of_disks(subject))
    for referrer in subject.referrers:
        for reference in referrer.references:
            device = subject.devices.get(reference.target)
            part = spelled(device.path) if device is not None else f"missing {reference.target}"
            if device is None and part not in nodes:
                name = shown(reference.target)
                nodes[part] = Node(key=part, kind=NodeKind.MISSING, name=name, is_wrong=True)
            edges.append(Edge(part, spelled(referrer.path), _ROLES.get(str(reference.path[-1]), "")))
    return Graph(tuple(nodes.values()), tuple(edges))


def shown(text: str) -> str:
    """Text from a configuration on one line of moderate length, without what a terminal would obey."""
    return escaped(shortened(text)) if text.strip() else f"'{escaped(shortened(text))}'"


def _nodes(subject: Subject) -> Iterator[Node]:
    for device in subject.definitions:
        kind, details = _of_device(device.item)
        yield Node(
            key=spelled(device.path),
            kind=kind,
            name=shown(device.id),
            size=spell_partition_size(device.item.size) if isinstance(device.item, Partition) else "",
            details=tuple(shown(detail) for detail in details if detail is not None),
        )
    for index, filesystem in enumerate(subject.storage.filesystems):
        mount = filesystem.mount_point
        yield Node(
            key=spelled(("storage", "filesystems", index)),
            kind=NodeKind.FILE_SYSTEM,
            name="not mounted" if mount is None else shown(mount.path),
            details=tuple(_of_filesystem(filesystem)),
        )
    for index, _ in enumerate(subject.storage.swap):
        yield Node(key=spelled(("storage", "swap", index)), kind=NodeKind.SWAP, name="swap")


def _of_device(item: Model) -> tuple[NodeKind, tuple[str | None, ...]]:
    """The kind of a device, and what to say about it."""
    said: tuple[NodeKind, tuple[str | None, ...]]
    match item:
        case Disk():
            said = NodeKind.DISK, (item.device,)
        case Partition():
            said = NodeKind.PARTITION, (str(item.type), _named("label", item.label))
        case AdoptedPartition():
            criteria = (_named("label", item.match_label), _named("UUID", item.match_uuid))
            said = NodeKind.ADOPTED_PARTITION, criteria
        case SoftwareRaidArray():
            said = NodeKind.RAID_ARRAY, (item.level.value, f"/dev/md/{item.name}")
        case EncryptedVolume():
            said = NodeKind.ENCRYPTED_VOLUME, (f"/dev/mapper/{item.device_name}",)
        case VerityDevice():
            is_usual = item.corruption_option is VerityCorruptionOption.IO_ERROR
            option = None if is_usual else item.corruption_option.value
            said = NodeKind.VERITY_DEVICE, (f"/dev/mapper/{item.name}", _named("on corruption:", option))
        case AbVolumePair():
            said = NodeKind.AB_VOLUME, ()
        case _:
            raise AssertionError(f"{type(item).__name__} is no block device")
    return said


def _named(word: str, value: str | None) -> str | None:
    return None if value is None else f"{word} {value}"


def _of_filesystem(filesystem: FileSystem) -> Iterator[str]:
    source = "from the image" if filesystem.source is FileSystemSource.IMAGE else filesystem.source.value
    yield source if filesystem.type is None else f"{filesystem.type.value}, {source}"
    if filesystem.is_esp:
        yield "ESP"
    if filesystem.mount_point is not None and filesystem.mount_point.options != "defaults":
        yield shown(filesystem.mount_point.options)


def _edges_of_disks(subject: Subject) -> Iterator[Edge]:
    for device in subject.definitions:
        if len(device.path) == _PARTITION_DEPTH and device.path[1] == "disks":
            yield Edge(spelled(device.path[:_DISK_DEPTH]), spelled(device.path), is_of_disk=True)


def _marked(nodes: list[Node], problems: Iterable[Problem]) -> Iterator[Node]:
    keys = {node.key for node in nodes}
    wrong = {_owner(problem.path, keys) for problem in problems if problem.severity is Severity.ERROR}
    for node in nodes:
        yield msgspec.structs.replace(node, is_wrong=True) if node.key in wrong else node


def _owner(path: str, keys: Container[str]) -> str:
    """The innermost of the nodes that a field path leads through, or nothing."""
    while path and path not in keys:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return path
