"""The samples of docs/samples, and machines to plan them for."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from tests.pure.repository.project import ROOT
from trident.config.document import read_document
from trident.config.model import FileSystem, FileSystemSource, HostConfiguration
from trident.config.values import plain
from trident.host.partitioning import TableEntry
from trident.image.cosi.metadata import (
    ESP_PARTITION_TYPE,
    Bootloader,
    CosiMetadata,
    ImageFile,
    ImageFilesystem,
    Verity,
)
from trident.plan.preview import Preview
from trident.plan.situation import DiskFacts, PartitionFacts, Situation
from trident.servicing.assume import assumed_facts
from trident.servicing.compile import compile_plan, refusals
from trident.servicing.image_match import odd_mismatches
from trident.servicing.picture import disk_pictures
from trident.servicing.select import select_update
from trident.state.status import AbVolume, HostStatus, ServicingState, ServicingType

MIB = 1024**2
SAMPLES = sorted((ROOT / "docs/samples").glob("*.yaml"))
PARTITION_TYPE = "0fc63daf-8483-4772-8e79-3d69d8477de4"
NEXT_IMAGE = {"url": "http://192.0.2.1:8000/host-v2.cosi", "sha384": "b" * 96}


def document(path: Path) -> dict[str, Any]:
    """A sample as plain data."""
    root = read_document(path.read_bytes()).root
    assert root is not None
    content: dict[str, Any] = plain(root)
    return content


def read(path: Path) -> HostConfiguration:
    """A sample."""
    return HostConfiguration.from_document(document(path))


def image_for(config: HostConfiguration, generation: int = 1) -> CosiMetadata:
    """Metadata of an image that a configuration could be installed from."""
    filesystems = tuple(
        _filesystem(config, filesystem, number, generation)
        for number, filesystem in enumerate(config.storage.filesystems)
        if filesystem.source is FileSystemSource.IMAGE and filesystem.mount_point is not None
    )
    return CosiMetadata(filesystems=filesystems, bootloader=Bootloader("systemd-boot"))


def _filesystem(
    config: HostConfiguration, filesystem: FileSystem, number: int, generation: int
) -> ImageFilesystem:
    path = filesystem.mount_point.path if filesystem.mount_point else ""
    esp = filesystem.is_esp
    size = 120 * MIB if esp else (700 + number) * MIB
    hashes = ImageFile(f"images/{number}.hash.zst", 6 * MIB, 8 * MIB)
    return ImageFilesystem(
        ImageFile(f"images/{number}.zst", size // 4, size),
        path,
        "vfat" if esp else "ext4",
        f"00000000-0000-4000-{generation:04x}-{number:012x}",
        ESP_PARTITION_TYPE if esp else PARTITION_TYPE,
        Verity(hashes, "c" * 64) if config.storage.verity_device(filesystem.device_id) else None,
    )


def install(config: HostConfiguration) -> Preview:
    """The install of a machine that is as large as the configuration wants it, with what it is to adopt."""
    status = HostStatus()
    image = image_for(config)
    facts, _ = assumed_facts(config, status, image)
    disks = {
        disk.device: _in_use(facts.disks[disk.device])
        if disk.adopted_partitions
        else facts.disks[disk.device]
        for disk in config.storage.disks
    }
    facts = dataclasses.replace(facts, disks=disks)
    return _preview(Situation(ServicingType.CLEAN_INSTALL, config, status, facts, image), ())


def _in_use(facts: DiskFacts) -> DiskFacts:
    """The disk with another partition behind those that are to be adopted, where the new ones go."""
    assert facts.table is not None
    start = max(entry.start_sector + entry.sectors for entry in facts.table.entries)
    number, sectors = len(facts.table.entries) + 1, 2 * 1024 * MIB // 512
    old = TableEntry(
        number, start, sectors, PARTITION_TYPE, "de94bba4-06d1-4d40-a16a-bfd50179d6ac", "Recovery"
    )
    table = dataclasses.replace(facts.table, entries=(*facts.table.entries, old))
    there = PartitionFacts(f"{facts.device}-part{number}", number, start * 512, sectors * 512, old.label)
    return dataclasses.replace(facts, table=table, partitions=(*(facts.partitions or ()), there))


def update(old: HostConfiguration, new: HostConfiguration) -> Preview:
    """The update of a host that was installed from ``old`` and runs volume A."""
    status = provisioned(old)
    servicing_type, changes = select_update(old, new)
    image = image_for(new, generation=2) if servicing_type is ServicingType.AB_UPDATE else None
    facts, _ = assumed_facts(new, status, image)
    return _preview(Situation(servicing_type, new, status, facts, image), changes)


def provisioned(config: HostConfiguration, active: AbVolume = AbVolume.A) -> HostStatus:
    """The status of a host that runs ``config``."""
    disks = config.storage.disks
    ids = [partition.id for disk in disks for partition in disk.partitions]
    ids += [partition.id for disk in disks for partition in disk.adopted_partitions]
    paths = {name: f"/dev/disk/by-partuuid/{name}" for name in ids}
    return HostStatus(
        spec=config.to_document(),
        servicing_state=ServicingState.PROVISIONED,
        ab_active_volume=active,
        partition_paths=paths,
    )


def _preview(situation: Situation, changes: Any) -> Preview:
    plan = compile_plan(situation, changes)
    found = tuple(error for error in refusals(situation, plan) if error.code != "not-supported-yet")
    return Preview(plan, disk_pictures(situation, plan), found, odd_mismatches(situation))
