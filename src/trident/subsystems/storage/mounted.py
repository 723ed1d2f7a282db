"""Which file systems of the target are mounted, from which partitions."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from trident.config.model import FileSystemSource

if TYPE_CHECKING:
    from trident.config.model import FileSystem
    from trident.plan.situation import Situation


class Mounted(NamedTuple):
    """A file system of the target, its mount point, and the partition behind it; tmpfs has none."""

    filesystem: FileSystem
    path: str
    device_id: str | None


def is_kept(filesystem: FileSystem) -> bool:
    """Whether the target only reads it, and Trident with it: an adopted file system with option ``ro``."""
    mount = filesystem.mount_point
    return filesystem.source is FileSystemSource.ADOPTED and mount is not None and mount.is_read_only


def mounted_filesystems(situation: Situation) -> tuple[Mounted, ...]:
    """Every file system that the target mounts, outer mount points before inner ones."""
    storage = situation.desired.storage
    found = [
        Mounted(
            filesystem,
            filesystem.mount_point.path,
            storage.resolve_volume(filesystem.device_id, situation.target_volume)
            if filesystem.device_id is not None
            else None,
        )
        for filesystem in storage.filesystems
        if filesystem.mount_point is not None
    ]
    return tuple(
        sorted(
            # Upstream spells "not mounted anywhere" as the mount point 'none'.
            (entry for entry in found if entry.path.startswith("/")),
            key=lambda entry: PurePosixPath(entry.path).parts,
        )
    )
