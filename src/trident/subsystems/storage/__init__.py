"""Storage: partition tables, new file systems, the mounted newroot and its fstab."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from trident.plan.situation import Effect
from trident.plan.subsystem import EffectRule, Subsystem
from trident.state.status import ServicingType
from trident.subsystems.storage.adopt import RepartitionDisk, check_adopted_filesystems, mounts_ntfs
from trident.subsystems.storage.check import check_disks, check_smallest, check_unchanged_layout
from trident.subsystems.storage.format import MakeFileSystem
from trident.subsystems.storage.fstab import WriteFstab
from trident.subsystems.storage.mounts import MountNewroot, ReleaseNewroot, UnmountNewroot
from trident.subsystems.storage.partition import PartitionDisk
from trident.subsystems.storage.swap import MakeSwap

if TYPE_CHECKING:
    from trident.errors import TridentError
    from trident.plan.situation import Situation
    from trident.plan.step import Step


_LAYOUT = Effect(ServicingType.AB_UPDATE, "the storage layout is made by an install")
_MOUNTS = Effect(ServicingType.AB_UPDATE, "the fstab of a new target says what it mounts")


class StorageSubsystem(Subsystem):
    """Partitions and file systems. Which changes an update can make at all, ``check`` says."""

    name = "storage"
    effects: ClassVar[Mapping[str, EffectRule]] = {
        "storage.disks": _LAYOUT,
        "storage.abUpdate": _LAYOUT,
        "storage.filesystems": _MOUNTS,
        "storage.swap": _MOUNTS,
    }

    def check(self, situation: Situation) -> Iterator[TridentError]:
        """Disks missing, in use or too small; what does not fit its partition; a layout that changed."""
        if not situation.deploys:
            return
        yield from check_disks(situation)
        yield from check_smallest(situation)
        yield from check_adopted_filesystems(situation)
        yield from check_unchanged_layout(situation)

    def tools(self, situation: Situation) -> Iterable[str]:
        """Partitioning, formatting and mounting."""
        if not situation.deploys:
            return set()
        found = {"mount", "umount", "sync"}
        steps = tuple(self.steps(situation))
        if any(isinstance(step, PartitionDisk | RepartitionDisk) for step in steps):
            found |= {"sfdisk", "udevadm"}
        if mounts_ntfs(situation):
            found.add("mount.ntfs")
        if any(isinstance(step, MakeSwap) for step in steps):
            found.add("mkswap")
        return found | {f"mkfs.{step.fstype}" for step in steps if isinstance(step, MakeFileSystem)}

    def steps(self, situation: Situation) -> Iterator[Step]:
        """Partition (a clean install only), format, mount, write fstab, unmount."""
        if not situation.deploys:
            return
        yield ReleaseNewroot.compile()
        yield from PartitionDisk.compile(situation)
        yield from RepartitionDisk.compile(situation)
        yield from MakeFileSystem.compile(situation)
        yield from MakeSwap.compile(situation)
        yield MountNewroot.compile(situation)
        yield WriteFstab.compile(situation)
        yield UnmountNewroot.compile()
