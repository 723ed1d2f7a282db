"""Storage: partition tables, new file systems, the mounted newroot and its fstab."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from trident.plan.situation import Change
from trident.state.status import ServicingType
from trident.subsystems.storage.check import (
    check_disks,
    check_fit,
    check_smallest,
    check_unchanged_layout,
)
from trident.subsystems.storage.format import MakeFileSystem
from trident.subsystems.storage.fstab import WriteFstab
from trident.subsystems.storage.mounts import MountNewroot, ReleaseNewroot, UnmountNewroot
from trident.subsystems.storage.partition import PartitionDisk
from trident.subsystems.storage.swap import MakeSwap

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.errors import TridentError
    from trident.plan.situation import Situation
    from trident.plan.step import Step

_DEPLOYING = {ServicingType.CLEAN_INSTALL, ServicingType.AB_UPDATE}


class StorageSubsystem:
    """Partitions and file systems."""

    name = "storage"

    def changes(self, old: HostConfiguration, new: HostConfiguration) -> Iterator[Change]:
        """Any change of storage needs a new target; which changes are possible at all, ``check`` says."""
        fields = {
            "storage.disks": old.storage.disks != new.storage.disks,
            "storage.abUpdate": old.storage.ab_update != new.storage.ab_update,
            "storage.filesystems": old.storage.filesystems != new.storage.filesystems,
            "storage.swap": old.storage.swap != new.storage.swap,
        }
        for field, differs in fields.items():
            if differs:
                yield Change(field, ServicingType.AB_UPDATE, "the target's fstab says what is mounted")

    def check(self, situation: Situation) -> Iterator[TridentError]:
        """Disks missing, in use or too small; what does not fit its partition; a layout that changed."""
        if situation.servicing_type not in _DEPLOYING:
            return
        yield from check_disks(situation)
        yield from check_fit(situation)
        yield from check_smallest(situation)
        yield from check_unchanged_layout(situation)

    def tools(self, situation: Situation) -> Iterable[str]:
        """Partitioning, formatting and mounting."""
        if situation.servicing_type not in _DEPLOYING:
            return set()
        found = {"mount", "umount", "sync"}
        steps = tuple(self.steps(situation))
        if any(isinstance(step, PartitionDisk) for step in steps):
            found |= {"sfdisk", "udevadm"}
        if any(isinstance(step, MakeSwap) for step in steps):
            found.add("mkswap")
        return found | {f"mkfs.{step.fstype}" for step in steps if isinstance(step, MakeFileSystem)}

    def steps(self, situation: Situation) -> Iterator[Step]:
        """Partition (a clean install only), format, mount, write fstab, unmount."""
        if situation.servicing_type not in _DEPLOYING:
            return
        yield ReleaseNewroot.compile()
        yield from PartitionDisk.compile(situation)
        yield from MakeFileSystem.compile(situation)
        yield from MakeSwap.compile(situation)
        yield MountNewroot.compile(situation)
        yield WriteFstab.compile(situation)
        yield UnmountNewroot.compile()
