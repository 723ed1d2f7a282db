"""Planning for a machine that is not this one: what only that machine knows is assumed, and named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import NAMESPACE_OID, uuid5

from trident.config.quantities import Grow
from trident.errors import InvalidInput
from trident.host.layout import plan_partitions
from trident.host.partition_types import partition_type_guid
from trident.host.partitioning import PartitionTable, TableEntry
from trident.plan.situation import BootType, DiskFacts, Facts, PartitionFacts
from trident.state.status import HostStatus, ServicingState
from trident.subsystems.storage.adopt import matched, wanted_type
from trident.subsystems.storage.partition import requests

if TYPE_CHECKING:
    from trident.config.model import Disk, HostConfiguration, Storage
    from trident.image.cosi.metadata import CosiMetadata

_MIB, _GIB = 1024**2, 1024**3
# Where the size of a disk is not known, partitions that grow get this much in the picture.
_ROOM_TO_GROW = 4 * _GIB
# And so does each partition that is adopted.
_ADOPTED = 4 * _GIB
_SECTOR = 512

BLANK = HostStatus()


def assumed_facts(
    configuration: HostConfiguration, status: HostStatus, image: CosiMetadata | None
) -> tuple[Facts, tuple[str, ...]]:
    """What a machine is taken for of which only the status is known, and each assumption as a sentence."""
    blank = status.servicing_state is ServicingState.NOT_PROVISIONED
    architecture = image.arch if image else "x86_64"
    disks = {
        disk.device: _disk(disk, configuration.storage, architecture, blank=blank)
        for disk in configuration.storage.disks
    }
    facts = Facts(
        boot_type=BootType.RAM_DISK if blank else BootType.PERSISTENT_STORAGE,
        architecture=architecture,
        uefi=True,
        disks=disks,
        volume_nodes={} if blank else _nodes(configuration, disks),
    )
    said = [f"The machine is of type {architecture} and was started by UEFI firmware without Secure Boot."]
    said += [sentence for disk in configuration.storage.disks for sentence in _said(disk)]
    said.append(
        "It runs a servicing OS from RAM or live media."
        if blank
        else "It runs the volume that its status calls active, and the image has other UUIDs."
    )
    if not blank:
        said.append("No servicing of it was cut off while it changed the running system.")
    return facts, tuple(said)


def _said(disk: Disk) -> Iterator[str]:
    room = f"Disk '{disk.id}' is there as {disk.device}, is not in use, and has at least "
    if not disk.adopted_partitions:
        yield f"{room}{_needed(disk) // _MIB} MiB."
        return
    yield f"{room}{_needed(disk) // _MIB} MiB free in one piece."
    names = ", ".join(partition.id for partition in disk.adopted_partitions)
    yield (
        f"Of the partitions on disk '{disk.id}', those to adopt are there ({names}) with the file systems "
        f"that are expected. Their sizes are not known; they are drawn with {_ADOPTED // _GIB} GiB each."
    )


def _needed(disk: Disk) -> int:
    """Bytes that the new partitions of a disk take, and its table."""
    needed = 2 * _MIB
    for partition in disk.partitions:
        size = _ROOM_TO_GROW if isinstance(partition.size, Grow) else partition.size
        needed += -(-size // _MIB) * _MIB
    return needed


def _disk(disk: Disk, storage: Storage, architecture: str, *, blank: bool) -> DiskFacts:
    """A disk that is large enough: with what it is to adopt, after an install also with its partitions."""
    size = _needed(disk) + len(disk.adopted_partitions) * _ADOPTED
    table = _table(disk, storage, size, architecture) if disk.adopted_partitions else None
    entries = table.entries if table is not None else ()
    present = [
        PartitionFacts(
            _node(disk, entry.number),
            entry.number,
            entry.start_sector * _SECTOR,
            entry.sectors * _SECTOR,
            entry.label,
        )
        for entry in entries
    ]
    if not blank:
        placed = plan_partitions(
            size, _SECTOR, requests(disk, architecture), kept=table.kept(entries) if table else None
        )
        present += [
            PartitionFacts(_node(disk, part.number), part.number, part.start, part.size, part.label)
            for part in placed
        ]
    facts = DiskFacts(disk.device, size, partitions=tuple(present), table=table)
    return replace(facts, contents=_contents(disk, storage, facts))


def _table(disk: Disk, storage: Storage, size: int, architecture: str) -> PartitionTable:
    """A GPT with the partitions to adopt one after the other, and nothing else."""
    esps = {filesystem.device_id for filesystem in storage.filesystems if filesystem.is_esp}
    length = _ADOPTED // _SECTOR
    entries = tuple(
        TableEntry(
            number,
            _MIB // _SECTOR + (number - 1) * length,
            length,
            partition_type_guid("esp" if one.id in esps else "linux-generic", architecture),
            one.match_uuid.lower() if one.match_uuid else str(uuid5(NAMESPACE_OID, one.id)),
            one.match_label or "",
        )
        for number, one in enumerate(disk.adopted_partitions, start=1)
    )
    # The last 33 sectors hold the copy of the table.
    return PartitionTable(str(uuid5(NAMESPACE_OID, disk.id)), _SECTOR, entries, 34, size // _SECTOR - 34)


def _contents(disk: Disk, storage: Storage, facts: DiskFacts) -> dict[str, str]:
    """The type of each adopted file system by the UUID of its partition: what is expected, else ext4."""
    filesystems = {filesystem.device_id: filesystem for filesystem in storage.filesystems}
    return {
        entry.uuid: wanted_type(filesystems[adopted.id]) or "ext4"
        for adopted, entry in matched(disk, facts)
        if adopted.id in filesystems
    }


def _nodes(configuration: HostConfiguration, disks: Mapping[str, DiskFacts]) -> dict[str, str]:
    """Which partition of those that are there is meant by which id."""
    nodes: dict[str, str] = {}
    for disk in configuration.storage.disks:
        facts = disks[disk.device]
        nodes |= {adopted.id: _node(disk, entry.number) for adopted, entry in matched(disk, facts)}
        # The new ones follow those that are adopted.
        new = (facts.partitions or ())[-len(disk.partitions) :] if disk.partitions else ()
        nodes |= {one.id: there.device for one, there in zip(disk.partitions, new, strict=True)}
    return nodes


def _node(disk: Disk, number: int) -> str:
    return f"{disk.device}-part{number}"


def read_status(path: str) -> HostStatus:
    """A Host Status that ``trident get`` printed on the machine to plan for, as YAML or JSON.

    Raises:
        InvalidInput: ``load-host-status-file`` if the file cannot be read, ``parse-host-status-file`` if it
            is no Host Status, or one that does not say which volume runs.
    """
    from trident.config.document import read_document
    from trident.config.load import read_source
    from trident.config.values import plain

    name, text = read_source(path, what="Host Status")
    document = read_document(text)
    content = plain(document.root) if document.root is not None and not document.is_broken else None
    try:
        if document.is_broken and document.findings:
            raise ValueError(f"in line {document.findings[0].line + 1}: {document.findings[0].message}")
        if not isinstance(content, dict) or content.get("servicingState") is None:
            raise ValueError("it has no 'servicingState'.")
        status = HostStatus.from_document(content)
        _require_complete(status)
    except ValueError as error:
        raise InvalidInput(
            "parse-host-status-file",
            f"{name} is not a Host Status: {error}{'' if str(error).endswith('.') else '.'}",
            hint="Save one with 'trident get --outfile FILE' on the machine that the plan is for.",
        ) from None
    return status


def _require_complete(status: HostStatus) -> None:
    """Without these the plan would have to guess what runs, and might name the running volume as target."""
    if status.servicing_state is ServicingState.NOT_PROVISIONED or status.is_management_os:
        return
    pending = status.servicing_state in (ServicingState.AB_UPDATE_STAGED, ServicingState.AB_UPDATE_FINALIZED)
    field, running = ("specOld", status.spec_old) if pending else ("spec", status.spec)
    if not running:
        raise ValueError(f"no '{field}' says which Host Configuration the host runs")
    storage = running.get("storage")
    if status.ab_active_volume is None and isinstance(storage, Mapping) and storage.get("abUpdate"):
        raise ValueError(f"its '{field}' has A/B volume pairs, but no 'abActiveVolume' says which half runs")
