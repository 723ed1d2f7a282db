"""Reasons to refuse: disks, sizes, and layouts that an update cannot change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from trident.config.model import FileSystemSource
from trident.errors import InvalidInput, TridentError, UnsupportedConfiguration
from trident.host.filesystem import SMALLEST
from trident.host.layout import MOST_PARTITIONS, PlacedPartition, plan_partitions
from trident.state.status import ServicingState, ServicingType
from trident.subsystems.storage.adopt import check_adoption, match
from trident.subsystems.storage.format import MakeFileSystem
from trident.subsystems.storage.partition import requests

if TYPE_CHECKING:
    from trident.config.model import Disk, FileSystem, HostConfiguration, Storage
    from trident.plan.situation import DiskFacts, Situation

# Mounts here are Trident's own, left by a run that was killed; the first step leaves them.
_OWN_MOUNTS = "/run/trident/"


def check_disks(situation: Situation) -> Iterator[TridentError]:
    """Disks that are missing, named twice, in use, or too small."""
    seen: dict[str, str] = {}
    for disk in situation.desired.storage.disks:
        facts = situation.facts.disks.get(disk.device)
        if facts is None:
            yield InvalidInput(
                "invalid-host-configuration-dynamic",
                f"Disk '{disk.id}' is to be {disk.device}, but this machine has no such disk.",
                hint="List the machine's disks with 'lsblk -d' or 'ls /dev/disk/by-path'.",
                details={"inner": {"invalid-disk-path": {"disk_id": disk.id, "disk_path": disk.device}}},
            )
            continue
        if facts.device in seen:
            same = {"disk1": seen[facts.device], "disk2": disk.id, "device": facts.device}
            yield InvalidInput(
                "invalid-host-configuration-dynamic",
                f"Disks '{seen[facts.device]}' and '{disk.id}' are both {facts.device}.",
                details={"inner": {"disk-definitions-refer-to-same-device": same}},
            )
        seen[facts.device] = disk.id
        if situation.servicing_type is ServicingType.CLEAN_INSTALL:
            yield from _check_installable(disk, facts, situation.facts.architecture)


def _check_installable(disk: Disk, facts: DiskFacts, architecture: str) -> Iterator[TridentError]:
    mounts = [mount for mount in facts.mounts if not mount.startswith(_OWN_MOUNTS)]
    if mounts:
        yield UnsupportedConfiguration(
            "disk-in-use",
            f"Disk '{disk.id}' ({disk.device}) is in use: {', '.join(mounts)}. Installing would erase it.",
            hint="Unmount it first, or name another disk.",
            details={"disk": disk.id, "device": disk.device, "mounts": mounts},
        )
    count = len(disk.partitions) + len(disk.adopted_partitions)
    if count > MOST_PARTITIONS:
        # sfdisk leaves out what has no room, and calls that a success.
        yield UnsupportedConfiguration(
            "too-many-partitions",
            f"Disk '{disk.id}' is to have {count} partitions, and its table has room for {MOST_PARTITIONS}.",
            hint="Put fewer partitions on it.",
            details={"disk": disk.id, "partitions": count},
        )
        return
    unfit = list(check_adoption(disk, facts))
    yield from unfit
    if unfit:
        return
    try:
        place(disk, facts, architecture)
    except TridentError as error:
        yield error


def check_smallest(situation: Situation) -> Iterator[TridentError]:
    """Partitions on which the file system that is to be made would not be: better told before they are."""
    sizes = partition_sizes(situation)
    for step in MakeFileSystem.compile(situation):
        size, needed = sizes.get(step.device_id), SMALLEST.get(step.fstype, 0)
        if size is not None and size < needed:
            yield InvalidInput(
                "filesystem-size-exceeds-block-device",
                f"A file system of type {step.fstype} needs {needed} bytes, "
                f"but '{step.device_id}' has {size} bytes.",
                hint=f"Give '{step.device_id}' at least {needed} bytes, or choose type ext4.",
                details={"device_id": step.device_id, "device_size": size, "fs_size": needed},
            )


def partition_sizes(situation: Situation) -> Mapping[str, int]:
    """Bytes of each partition by id; partitions of a disk that is missing or too small are left out."""
    sizes: dict[str, int] = {}
    for disk in situation.desired.storage.disks:
        facts = situation.facts.disks.get(disk.device)
        if facts is None:
            continue
        try:
            placed = place(disk, facts, situation.facts.architecture)
        except TridentError:
            continue  # ``check_disks`` tells of it.
        sizes |= {partition.id: partition.size for partition in placed}
        for adopted in disk.adopted_partitions:
            if facts.table is not None:
                sizes[adopted.id] = match(adopted, facts.table).sectors * facts.table.sector_size
    return sizes


def check_unchanged_layout(situation: Situation) -> Iterator[TridentError]:
    """What an update cannot do: partitions and A/B pairs, and what was made outside of these, stay."""
    if situation.servicing_type is not ServicingType.AB_UPDATE:
        return
    old = _installed(situation)
    if old is None:
        return
    new = situation.desired.storage
    changed = [
        name
        for name, before, after in (
            ("storage.disks", old.storage.disks, new.disks),
            ("storage.raid", old.storage.raid, new.raid),
            ("storage.encryption", old.storage.encryption, new.encryption),
            ("storage.abUpdate", old.storage.ab_update, new.ab_update),
        )
        if before != after
    ]
    changed += [f"the new file system on '{device}'" for device in _added_shared(old.storage, new)]
    present = {swap.device_id for swap in old.storage.swap}
    changed += [f"the swap area on '{swap.device_id}'" for swap in new.swap if swap.device_id not in present]
    if changed:
        yield InvalidInput(
            "invalid-host-configuration-dynamic",
            f"An update cannot change the storage layout of an installed host, but {', '.join(changed)} "
            f"{'differs' if len(changed) == 1 else 'differ'} from what was installed.",
            hint="Keep the storage section as it was, or install the host anew. 'trident get configuration' "
            "shows the current one.",
            details={"inner": "storage-configuration-changed", "changed": changed},
        )


def _added_shared(old: Storage, new: Storage) -> Iterator[str]:
    """Devices outside of any A/B pair on which the new configuration wants a file system made."""
    kept = {_identity(filesystem) for filesystem in old.filesystems}
    for filesystem in new.filesystems:
        if filesystem.source is not FileSystemSource.NEW or filesystem.device_id is None:
            continue
        if not new.is_ab(filesystem.device_id) and _identity(filesystem) not in kept:
            yield filesystem.device_id


def _identity(filesystem: FileSystem) -> tuple[Any, ...]:
    return filesystem.device_id, filesystem.source, filesystem.type


def _installed(situation: Situation) -> HostConfiguration | None:
    """The configuration that the running system was made from."""
    from trident.config.model import HostConfiguration

    status = situation.status
    staged = status.servicing_state not in {ServicingState.PROVISIONED, ServicingState.NOT_PROVISIONED}
    spec = status.spec_old if staged and status.spec_old else status.spec
    return HostConfiguration.from_document(spec) if spec else None


def place(disk: Disk, facts: DiskFacts, architecture: str) -> tuple[PlacedPartition, ...]:
    """Where the new partitions of a disk go.

    Raises:
        TridentError: they do not fit, or what is to be kept cannot be found.
    """
    name = f"disk '{disk.id}' ({disk.device})"
    kept = None
    if disk.adopted_partitions:
        if facts.table is None:
            raise UnsupportedConfiguration("adopted-disk-without-gpt", f"{name} has no GPT.")
        kept = facts.table.kept(match(adopted, facts.table) for adopted in disk.adopted_partitions)
    return plan_partitions(facts.size, facts.sector_size, requests(disk, architecture), disk=name, kept=kept)
