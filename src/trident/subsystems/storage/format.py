"""The step that makes an empty file system."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trident.config.model import FileSystemSource, FileSystemType
from trident.plan.step import Content, Operation, Phase, Step
from trident.state.status import ServicingType
from trident.subsystems.storage.adopt import adopted_ids

if TYPE_CHECKING:
    from trident.config.model import FileSystem
    from trident.plan.session import Session
    from trident.plan.situation import Situation


@dataclass(frozen=True, kw_only=True)
class MakeFileSystem(Step):
    """Make an empty file system on a block device, losing what it holds.

    Attributes:
        device_id: id of the partition.
        fstype: ``ext4``, ``xfs``, ``vfat`` or ``ntfs``.
        mount_point: where the target mounts it, if it does.
    """

    device_id: str
    fstype: str
    mount_point: str | None = None

    @classmethod
    def compile(cls, situation: Situation) -> Iterator[MakeFileSystem]:
        """File systems that this servicing makes anew.

        A clean install makes every ``new`` one and the ESP. An update makes only those on the inactive
        side of an A/B pair: what lies on any other partition is data that both sides share.
        """
        storage = situation.desired.storage
        adopted = adopted_ids(situation)
        for filesystem in storage.filesystems:
            fstype = _made_as(filesystem)
            # An adopted ESP keeps its files; the image's are copied beside them.
            if filesystem.device_id is None or fstype is None or filesystem.device_id in adopted:
                continue
            paired = storage.is_ab(filesystem.device_id)
            if situation.servicing_type is ServicingType.AB_UPDATE and not paired:
                continue
            partition = storage.resolve_volume(filesystem.device_id, situation.target_volume)
            place = f" for {filesystem.mount_point.path}" if filesystem.mount_point else ""
            yield cls(
                id=f"make-filesystem:{partition}",
                title=f"Make an empty {fstype} file system on {partition}{place}",
                operation=Operation.STAGE,
                phase=Phase.FORMAT,
                touches=(partition,),
                device_id=partition,
                fstype=fstype,
                mount_point=filesystem.mount_point.path if filesystem.mount_point else None,
            )

    @property
    def contents(self) -> tuple[Content, ...]:
        """An empty file system."""
        return (Content(self.device_id, f"new {self.fstype}", self.mount_point),)

    def run(self, session: Session) -> None:
        """Format the device."""
        from trident.host.filesystem import make_filesystem

        make_filesystem(Path(session.device(self.device_id)), self.fstype)


def _made_as(filesystem: FileSystem) -> str | None:
    """The type of file system to make, or ``None`` if the content comes from elsewhere."""
    if filesystem.is_esp:
        # The image's ESP is copied file by file into a file system of the host's own.
        return str(FileSystemType.VFAT)
    if filesystem.source is FileSystemSource.NEW:
        return str(filesystem.type or FileSystemType.EXT4)
    return None
