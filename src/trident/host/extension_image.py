"""The file of an extension image as the kernel sees it: what lies where in it, and its files, read-only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from trident.host.mount import RUN_DIRECTORY, mounted, unmount_below
from trident.host.process import run

FILESYSTEMS = ("btrfs", "erofs", "ext4", "squashfs", "vfat", "xfs")
"""What systemd mounts from a disk image (its ``$SYSTEMD_DISSECT_FILE_SYSTEMS``)."""

_MOUNT_POINT = RUN_DIRECTORY / "extension"
# A journal is never replayed: the file is not written, and its SHA-384 stays what it is.
_WITHOUT_JOURNAL = {"btrfs": ("norecovery",), "ext4": ("noload",), "xfs": ("norecovery",)}


def content_type(file: Path, offset: int = 0, size: int | None = None) -> str | None:
    """What a part of ``file`` holds, as blkid(8) calls it, such as ``squashfs``; ``None`` if unknown.

    Args:
        file: a regular file.
        offset: where the part begins, in bytes.
        size: its length in bytes; to the end of the file if not given.

    Raises:
        Servicing: ``command-failed`` if the file cannot be read.
    """
    place = ["--offset", str(offset)] + ([] if size is None else ["--size", str(size)])
    found = run(
        ["blkid", "--probe", "--match-tag", "TYPE", "--output", "value", *place, file], accept=(0, 2, 8)
    )
    return found.stdout.strip() or None


@contextlib.contextmanager
def opened(file: Path, fstype: str, offset: int = 0, size: int | None = None) -> Iterator[Path]:
    """Mount a part of ``file`` by a loop device, read-only, at a directory that is Trident's own.

    Args:
        file: a regular file.
        fstype: one of :data:`FILESYSTEMS`.
        offset: where the part begins, in bytes.
        size: its length in bytes; to the end of the file if not given.

    Raises:
        Servicing: ``mount`` if the kernel does not take it, ``unmount`` if something holds it.
    """
    _MOUNT_POINT.mkdir(mode=0o700, parents=True, exist_ok=True)
    unmount_below(_MOUNT_POINT)
    options = ["loop", "ro", "nosuid", "nodev", "noexec", *_WITHOUT_JOURNAL.get(fstype, ())]
    if size is not None:
        options += [f"offset={offset}", f"sizelimit={size}"]
    with mounted(file, _MOUNT_POINT, fstype=fstype, options=options) as directory:
        yield directory
