"""The step that writes the target's /etc/fstab (fstab(5))."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trident.errors import Servicing
from trident.plan.step import Operation, Phase, Step
from trident.subsystems.storage.mounted import is_kept, mounted_filesystems

if TYPE_CHECKING:
    from trident.plan.session import Session
    from trident.plan.situation import Situation

FSTAB_PATH = "/etc/fstab"
_BY_PARTUUID = "/dev/disk/by-partuuid/"
_HEADER = "# Written by Trident from its Host Configuration; changes are lost with the next update.\n"


@dataclass(frozen=True)
class FstabEntry:
    """A line of fstab whose device is still an id: the node is known only when the plan runs.

    Attributes:
        device_id: id of the partition; ``None`` for a tmpfs.
        path: mount point; ``none`` for a swap area.
        fstype: file system type, or ``swap``.
        options: mount options.
        kept: it is adopted and mounted read-only; a check at boot would write to it, clean as it may be.
    """

    device_id: str | None
    path: str
    fstype: str
    options: str = "defaults"
    kept: bool = False

    @property
    def check_order(self) -> int:
        """Sixth field: the root file system is checked first, others after it, vfat without a journal too."""
        if self.device_id is None or self.fstype == "swap" or self.kept:
            return 0
        return 1 if self.path == "/" else 2


@dataclass(frozen=True, kw_only=True)
class WriteFstab(Step):
    """Write the target's fstab.

    Attributes:
        entries: outer mount points before inner ones, then swap areas.
    """

    entries: tuple[FstabEntry, ...]

    @classmethod
    def compile(cls, situation: Situation) -> WriteFstab:
        """The step: one line for each file system that is mounted, and for each swap area."""
        mounts = tuple(
            FstabEntry(
                device_id=entry.device_id,
                path=entry.path,
                fstype="vfat" if entry.filesystem.is_esp else str(entry.filesystem.type or "auto"),
                options=entry.filesystem.mount_point.options if entry.filesystem.mount_point else "defaults",
                kept=is_kept(entry.filesystem),
            )
            for entry in mounted_filesystems(situation)
        )
        storage = situation.desired.storage
        swaps = tuple(FstabEntry(swap.device_id, "none", "swap") for swap in storage.swap)
        swapping = f" and {len(swaps)} swap area{'s' if len(swaps) > 1 else ''}" if swaps else ""
        return cls(
            id="write-fstab",
            title=f"Write {FSTAB_PATH} with {len(mounts)} mounts{swapping}",
            operation=Operation.STAGE,
            phase=Phase.PROVISION,
            touches=(FSTAB_PATH,),
            entries=(*mounts, *swaps),
        )

    def run(self, session: Session) -> None:
        """Write the file into the mounted newroot."""
        from trident.host.files import Tree

        ids = {entry.device_id for entry in self.entries if entry.device_id is not None}
        devices = {device_id: session.device(device_id) for device_id in ids}
        try:
            Tree(session.mounted_newroot()).write(FSTAB_PATH, render(self.entries, devices))
        except OSError as error:
            raise Servicing(
                "generate-fstab",
                f"{FSTAB_PATH} of the target cannot be written: {error.strerror}.",
                details={"fstab_path": FSTAB_PATH},
            ) from error


def render(entries: tuple[FstabEntry, ...], devices: Mapping[str, str]) -> str:
    """The text of fstab. Partitions are named by ``PARTUUID``, which no image can duplicate."""
    lines = [
        f"{'tmpfs' if entry.device_id is None else _source(devices[entry.device_id])} "
        f"{_escape(entry.path)} {entry.fstype} {_escape(entry.options or 'defaults')} 0 {entry.check_order}\n"
        for entry in entries
    ]
    return _HEADER + "".join(lines)


def _source(device: str) -> str:
    return f"PARTUUID={device.removeprefix(_BY_PARTUUID)}" if device.startswith(_BY_PARTUUID) else device


def _escape(text: str) -> str:
    """Spaces, tabs, newlines and backslashes as octal escapes, as getmntent(3) reads them."""
    return "".join(f"\\{ord(character):03o}" if character in " \t\n\\" else character for character in text)
