"""Making, checking and growing file systems."""

from __future__ import annotations

from pathlib import Path

from trident.errors import Internal, Servicing
from trident.host.block import device_size
from trident.host.process import run

# FAT32 has at least 65525 clusters, and a cluster at least one sector (Microsoft FAT specification);
# with the tables and reserved sectors, this many sectors are always enough.
_FAT32_SECTORS = 67_000

# e2fsck(8): 1 is "errors corrected".
_CHECK_ACCEPTS = (0, 1)

SMALLEST = {"xfs": 300 * 1024 * 1024}
"""Bytes below which a file system of this type is not made: mkfs.xfs(8) refuses since xfsprogs 5.19."""


def make_filesystem(device: Path, fstype: str, *, label: str | None = None, uuid: str | None = None) -> None:
    """Make an empty file system, whatever the device held before.

    Args:
        device: block device or file.
        fstype: ``ext4``, ``xfs``, ``vfat`` or ``ntfs``.
        label: volume label.
        uuid: file system UUID, for ext4 and xfs only; random if not given.

    Raises:
        Servicing: ``create-filesystems`` if the device is in use, too small, or cannot be written.
    """
    if fstype == "ext4":
        command = ["mkfs.ext4", "-q", "-F"]
        command += ["-L", label] if label is not None else []
        command += ["-U", uuid] if uuid is not None else []
    elif fstype == "xfs":
        command = ["mkfs.xfs", "-q", "-f"]
        command += ["-L", label] if label is not None else []
        command += ["-m", f"uuid={uuid}"] if uuid is not None else []
    elif fstype == "ntfs":
        # "--force" for devices that are no partition of a disk, such as arrays and encrypted volumes.
        command = ["mkfs.ntfs", "--quick", "--quiet", "--force"]
        command += ["--label", label] if label is not None else []
    elif fstype == "vfat":
        # UEFI asks for FAT32 on the ESP of a fixed disk; a smaller device cannot have it.
        command = ["mkfs.vfat"]
        command += ["-F", "32"] if device_size(device) >= _FAT32_SECTORS * 512 else []
        command += ["-n", label] if label is not None else []
    else:
        raise Internal("create-filesystems", f"No way is known to make a file system of type '{fstype}'.")
    try:
        run([*command, device])
    except Servicing as error:
        raise Servicing(
            "create-filesystems",
            f"No {fstype} file system can be made on {device}. {error.message}",
            details={"device": str(device), "type": fstype},
        ) from error


def make_swap(device: Path) -> None:
    """Make a swap area with a random UUID, whatever the device held before.

    Raises:
        Servicing: ``create-swap`` if the device is in use, too small, or cannot be written.
    """
    try:
        run(["mkswap", "--force", "--", device])
    except Servicing as error:
        raise Servicing(
            "create-swap",
            f"No swap area can be made on {device}. {error.message}",
            details={"device": str(device)},
        ) from error


def grow(device: Path, fstype: str) -> None:
    """Make an unmounted file system fill its device. Types that cannot grow are left as they are.

    Raises:
        Servicing: ``resize-filesystem`` if the file system is damaged or does not fit.
    """
    if fstype not in {"ext2", "ext3", "ext4"}:
        return
    try:
        if run(["resize2fs", device], accept=(0, 1)).code != 0:
            # It asks for a check where the file system was mounted since its last one.
            check(device, fstype)
            run(["resize2fs", device])
    except Servicing as error:
        raise Servicing(
            "resize-filesystem",
            f"The file system on {device} cannot be grown to its partition. {error.message}",
            details={"device": str(device)},
        ) from error


def check(device: Path, fstype: str) -> None:
    """Check an unmounted ext file system and repair what is safe to repair; other types are not checked.

    Raises:
        Servicing: ``command-failed`` if it needs a person.
    """
    if fstype in {"ext2", "ext3", "ext4"}:
        run(["e2fsck", "-f", "-p", device], accept=_CHECK_ACCEPTS)
