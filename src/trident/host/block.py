"""What the kernel knows of block devices: disks, sizes, who uses them, what file system they hold."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trident.errors import Servicing
from trident.host.mountinfo import read_mounts
from trident.host.process import run

# The kernel counts in sysfs in these units, whatever the disk's own sectors are.
_SYSFS_SECTOR = 512


@dataclass(frozen=True)
class Disk:
    """A whole disk.

    Attributes:
        device: canonical node, such as ``/dev/vda``.
        size: bytes.
        sector_size: bytes of a logical sector.
        mounts: what uses the disk or anything on it: mount points, ``swap on …``, ``… in use by …``.
    """

    device: str
    size: int
    sector_size: int
    mounts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Partition:
    """A partition as the kernel knows it now: its node, number, place in bytes, and label."""

    device: str
    number: int
    start: int
    size: int
    label: str = ""


def find_disk(path: str, sysroot: Path = Path("/")) -> Disk | None:
    """The disk behind a device path, or ``None`` if there is none or the path is no whole disk.

    Args:
        path: any name of the disk, such as one below ``/dev/disk/by-path``.
        sysroot: where ``/sys`` and ``/proc`` are looked for.
    """
    node = Path(path).resolve()
    try:
        if not stat.S_ISBLK(node.stat().st_mode):
            return None
    except OSError:
        return None
    entry = sysroot / "sys/class/block" / node.name
    if not (entry / "size").exists() or (entry / "partition").exists():
        return None
    return Disk(
        device=str(node),
        size=int(_read(entry / "size")) * _SYSFS_SECTOR,
        sector_size=int(_read(entry / "queue/logical_block_size")),
        mounts=tuple(users_of(node.name, sysroot)),
    )


def partitions_of(disk: str, sysroot: Path = Path("/")) -> tuple[Partition, ...]:
    """The partitions of a disk in their order on it. Any user may ask; the disk itself is not read.

    Args:
        disk: canonical node, such as ``/dev/vda``.
        sysroot: where ``/sys`` is looked for.
    """
    entry = sysroot / "sys/class/block" / Path(disk).name
    found = [
        Partition(
            device=f"/dev/{name}",
            number=int(_read(entry / name / "partition")),
            start=int(_read(entry / name / "start")) * _SYSFS_SECTOR,
            size=int(_read(entry / name / "size")) * _SYSFS_SECTOR,
            label=_partition_label(entry / name / "uevent"),
        )
        for name in _children(entry)
        if (entry / name / "partition").exists()
    ]
    return tuple(sorted(found, key=lambda partition: partition.start))


def _partition_label(uevent: Path) -> str:
    lines = uevent.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.removeprefix("PARTNAME=") for line in lines if line.startswith("PARTNAME=")), "")


def users_of(name: str, sysroot: Path = Path("/")) -> Iterator[str]:
    """What uses the block device ``name`` (such as ``vda``), its partitions, or what is built on them."""
    entry = sysroot / "sys/class/block" / name
    number = _read(entry / "dev")
    node = f"/dev/{name}"
    for mount in read_mounts(sysroot):
        if number == mount.device_number or node == mount.source:
            yield str(mount.target)
    for line in _swaps(sysroot):
        if line.split()[0] == node:
            yield f"swap on {node}"
    for holder in _children(entry / "holders"):
        yield f"{node} in use by {holder}"
        yield from users_of(holder, sysroot)
    for part in _children(entry):
        if (entry / part / "partition").exists():
            yield from users_of(part, sysroot)


def device_size(path: Path) -> int:
    """Bytes of a block device or a file.

    Raises:
        Servicing: ``get-device-information`` if it cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.lseek(descriptor, 0, os.SEEK_END)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Servicing(
            "get-device-information",
            f"The size of {path} cannot be read: {error.strerror}.",
            details={"device": str(path)},
        ) from error


def filesystem_uuid(path: str | os.PathLike[str]) -> str | None:
    """UUID of the file system on a device as its superblock says now; ``None`` without device or file system.

    A vfat file system has a serial number such as ``1A2B-3C4D`` instead.
    """
    if not Path(path).exists():
        return None
    # Exit code 2: nothing found; 8: several file systems claim the device (blkid(8)).
    found = run(["blkid", "--probe", "--match-tag", "UUID", "--output", "value", path], accept=(0, 2, 8))
    return found.stdout.strip() or None


def _swaps(sysroot: Path) -> list[str]:
    try:
        return (sysroot / "proc/swaps").read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return []


def _children(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir()) if directory.is_dir() else []


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii").strip()
