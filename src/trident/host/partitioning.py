"""Partition tables, written and read with ``sfdisk``."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trident.errors import Servicing
from trident.host.block import device_size
from trident.host.layout import Kept, PartitionRequest, PlacedPartition, plan_partitions
from trident.host.process import run, run_json
from trident.host.tools import missing

BY_PARTUUID = Path("/dev/disk/by-partuuid")

_NODE_PATIENCE = 30.0
_PAUSE = 0.1


@dataclass(frozen=True)
class TableEntry:
    """A partition as the table on the disk has it; places in sectors of the table.

    Attributes:
        attributes: as sfdisk spells them, such as ``RequiredPartition GUID:63``.
    """

    number: int
    start_sector: int
    sectors: int
    type_guid: str
    uuid: str
    label: str
    attributes: str = ""


@dataclass(frozen=True)
class PartitionTable:
    """A GPT: GUID of the disk, sector size in bytes, entries by rising number, sectors for partitions."""

    disk_uuid: str
    sector_size: int
    entries: tuple[TableEntry, ...]
    first_sector: int = 0
    last_sector: int = 0

    def kept(self, entries: Iterable[TableEntry]) -> Kept:
        """What stays of the table, for a layout, when these entries do."""
        sector = self.sector_size
        return Kept(
            {entry.number: (entry.start_sector * sector, entry.sectors * sector) for entry in entries},
            self.first_sector * sector,
            (self.last_sector + 1) * sector,
        )

    def numbered(self, number: int) -> TableEntry | None:
        """The entry with this number."""
        return next((entry for entry in self.entries if entry.number == number), None)


@dataclass(frozen=True)
class Partitioned:
    """A disk that was partitioned: its GUID, and the partition GUID by the id that was asked for."""

    disk_uuid: str
    partition_uuids: dict[str, str]


def partition_disk(device: Path, requests: Sequence[PartitionRequest]) -> Partitioned:
    """Replace the partition table of a disk (or a disk image file) and wipe old signatures.

    The table is read back and compared; other programs that probe disks are held off meanwhile.

    Args:
        device: the disk.
        requests: the partitions, in order; those without a UUID get a random one.

    Raises:
        UnsupportedConfiguration: ``disk-too-small``.
        Servicing: ``create-partitions`` if the disk is in use, cannot be written, or reads back
            differently.
    """
    sector_size = _sector_size(device)
    placed = plan_partitions(device_size(device), sector_size, requests, disk=str(device))
    uuids = {partition.id: (partition.uuid or str(uuid.uuid4())).lower() for partition in placed}
    disk_uuid = str(uuid.uuid4())
    command = ["sfdisk", "--wipe", "always", "--wipe-partitions", "always", "--lock=yes", "--quiet", "--"]
    try:
        run([*command, device], input=render_script(placed, uuids, disk_uuid, sector_size))
    except Servicing as error:
        raise Servicing(
            "create-partitions",
            f"The partitions of {device} cannot be created. {error.message}",
            details={"device": str(device)},
        ) from error
    _verify(read_table(device), placed, uuids, device)
    return Partitioned(disk_uuid, uuids)


def render_script(
    placed: Iterable[PlacedPartition], uuids: dict[str, str], disk_uuid: str, sector_size: int
) -> str:
    """The script that makes ``sfdisk`` write these partitions (sfdisk(8), input formats)."""
    header = f"label: gpt\nlabel-id: {disk_uuid}\nunit: sectors\n\n"
    return header + _render_partitions(placed, uuids, sector_size)


def repartition_disk(
    device: Path, keep: Sequence[TableEntry], requests: Sequence[PartitionRequest]
) -> Partitioned:
    """Delete the partitions of a disk but for some, and create others in the space that is free then.

    Entries that are kept are never written: the others are deleted from the table and new ones appended to
    it. Signatures are wiped from the new partitions only. A power cut in between leaves a table with the
    kept partitions, on which the same call completes the work.

    Args:
        device: the disk, or a disk image file.
        keep: entries of the table, as :func:`read_table` gave them.
        requests: the partitions to create, in order; those without a UUID get a random one.

    Raises:
        UnsupportedConfiguration: ``disk-too-small`` if the free space does not do.
        Servicing: ``read-partition-table``; ``create-partitions`` if the table is not the one that was
            read before, the disk is in use, cannot be written, or reads back differently.
    """
    table = read_table(device)
    if not set(keep) <= set(table.entries):
        raise Servicing(
            "create-partitions",
            f"The partitions of {device} that are to be kept have changed since the plan was made.",
            hint="Look at the disk, then run the command again.",
            details={"device": str(device)},
        )
    placed = plan_partitions(
        device_size(device), table.sector_size, requests, disk=str(device), kept=table.kept(keep)
    )
    uuids = {partition.id: (partition.uuid or str(uuid.uuid4())).lower() for partition in placed}
    deleted = [str(entry.number) for entry in table.entries if entry not in keep]
    try:
        if deleted:
            run(["sfdisk", "--delete", "--lock=yes", "--quiet", "--", device, *deleted])
        if placed:
            wipe = ("--wipe", "never", "--wipe-partitions", "always")
            script = _render_partitions(placed, uuids, table.sector_size)
            run(["sfdisk", "--append", *wipe, "--lock=yes", "--quiet", "--", device], input=script)
    except Servicing as error:
        raise Servicing(
            "create-partitions",
            f"The partitions of {device} cannot be changed. {error.message}",
            details={"device": str(device)},
        ) from error
    after = read_table(device)
    if after.disk_uuid != table.disk_uuid:
        raise _read_back_differently(device)
    _verify(after, placed, uuids, device, keep)
    return Partitioned(table.disk_uuid, uuids)


def _render_partitions(placed: Iterable[PlacedPartition], uuids: dict[str, str], sector_size: int) -> str:
    """A line for each partition; what is appended gets the lowest numbers that are free."""
    return "".join(
        f"start={partition.start // sector_size}, size={partition.size // sector_size}, "
        f'type={partition.type_guid}, uuid={uuids[partition.id]}, name="{partition.label}"\n'
        for partition in placed
    )


def read_table(device: Path) -> PartitionTable:
    """The partition table of a disk.

    Raises:
        Servicing: ``read-partition-table`` if the disk has no GPT.
    """
    # By another name of the disk, sfdisk would call its partitions "…-part1".
    device = device.resolve()
    try:
        table: dict[str, Any] = run_json(["sfdisk", "--json", "--", device])["partitiontable"]
        if table["label"] != "gpt":
            raise Servicing("read-partition-table", f"{device} has a '{table['label']}' table.")
        entries = [_entry(partition, str(device)) for partition in table.get("partitions", [])]
        disk_uuid, sector_size = str(table["id"]).lower(), int(table.get("sectorsize", 512))
        first, last = int(table.get("firstlba", 0)), int(table.get("lastlba", 0))
    except (Servicing, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Servicing(
            "read-partition-table",
            f"{device} has no readable GPT partition table.",
            details={"device": str(device)},
        ) from error
    return PartitionTable(
        disk_uuid=disk_uuid,
        sector_size=sector_size,
        entries=tuple(sorted(entries, key=lambda entry: entry.number)),
        first_sector=first,
        last_sector=last,
    )


def contents_of(device: Path, table: PartitionTable) -> dict[str, str]:
    """Types of the file systems on a disk's partitions, by partition UUID; others hold none.

    Read at their place on the disk: a partition's node may not be there yet.

    Raises:
        ExecutionEnvironment: ``missing-binary``.
    """
    found: dict[str, str] = {}
    for entry in table.entries:
        place = ["--offset", str(entry.start_sector * table.sector_size)]
        place += ["--size", str(entry.sectors * table.sector_size)]
        wanted = ["--usages", "filesystem", "--match-tag", "TYPE", "--output", "value"]
        # Exit code 2: nothing found; 8: several file systems claim the place (blkid(8)).
        probed = run(["blkid", "--probe", *place, *wanted, device], accept=(0, 2, 8)).stdout.strip()
        if probed:
            found[entry.uuid] = probed
    return found


def locate_partition(node: Path, sysroot: Path = Path("/")) -> TableEntry:
    """The table entry of a partition, found through its device node.

    Raises:
        Servicing: ``get-partition-number`` if the node is no partition of a disk with a GPT.
    """
    entry = sysroot / "sys/class/block" / node.resolve().name
    try:
        number = int((entry / "partition").read_text(encoding="ascii"))
        disk = Path("/dev") / entry.resolve().parent.name
    except (OSError, ValueError) as error:
        raise Servicing(
            "get-partition-number", f"{node} is not a partition of a disk.", details={"device": str(node)}
        ) from error
    found = read_table(disk).numbered(number)
    if found is None:
        raise Servicing(
            "get-partition-number",
            f"{node} is partition {number} of {disk} to the kernel, but not in its partition table.",
            hint="Reboot, so that the kernel reads the table again.",
            details={"device": str(node)},
        )
    return found


def wait_for_nodes(
    uuids: Iterable[str], *, directory: Path = BY_PARTUUID, patience: float = _NODE_PATIENCE
) -> dict[str, Path]:
    """Wait until udev has made the nodes of partitions; returns their paths by partition UUID.

    Raises:
        Servicing: ``create-partitions``, naming the nodes that are missing after ``patience`` seconds.
    """
    nodes = {uuid: directory / uuid.lower() for uuid in uuids}
    if not missing(["udevadm"]):
        run(["udevadm", "settle", f"--timeout={patience:.0f}"], accept=(0, 1))
    deadline = time.monotonic() + patience
    while absent := [str(node) for node in nodes.values() if not node.exists()]:
        if time.monotonic() >= deadline:
            raise Servicing(
                "create-partitions",
                f"The partitions were created, but {', '.join(absent)} did not appear.",
                hint="See that systemd-udevd is running.",
                details={"missing": absent},
            )
        time.sleep(_PAUSE)
    return nodes


def _verify(
    table: PartitionTable,
    placed: Sequence[PlacedPartition],
    uuids: dict[str, str],
    device: Path,
    kept: Sequence[TableEntry] = (),
) -> None:
    wanted = [*kept]
    wanted += [
        TableEntry(
            partition.number,
            partition.start // table.sector_size,
            partition.size // table.sector_size,
            partition.type_guid.lower(),
            uuids[partition.id],
            partition.label,
        )
        for partition in placed
    ]
    if list(table.entries) != sorted(wanted, key=lambda entry: entry.number):
        raise _read_back_differently(device)


def _read_back_differently(device: Path) -> Servicing:
    return Servicing(
        "create-partitions",
        f"The partition table of {device} reads back differently from what was written.",
        details={"device": str(device)},
    )


def _entry(partition: dict[str, Any], device: str) -> TableEntry:
    # "/dev/vda1", "/dev/nvme0n1p1", "disk.raw1": what follows the disk's name is the number.
    number = str(partition["node"]).removeprefix(device).removeprefix("p")
    return TableEntry(
        number=int(number),
        start_sector=int(partition["start"]),
        sectors=int(partition["size"]),
        type_guid=str(partition["type"]).lower(),
        uuid=str(partition["uuid"]).lower(),
        label=str(partition.get("name", "")),
        attributes=str(partition.get("attrs", "")),
    )


def _sector_size(device: Path) -> int:
    """Bytes of a logical sector; 512 for a file."""
    path = Path("/sys/class/block") / device.resolve().name / "queue/logical_block_size"
    return int(path.read_text(encoding="ascii")) if device.is_block_device() and path.exists() else 512
