"""The EFI system partition's file system: made without mounting it, the same bytes each time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from trident.errors import InvalidInput
from trident.host.process import run

_MEBIBYTE = 1024 * 1024
# Below 65525 clusters of 512 bytes a file system is not FAT32, which UEFI demands of an ESP.
_SMALLEST = 36 * _MEBIBYTE
_SLACK = 4 * _MEBIBYTE


def make_esp(files: Mapping[str, Path], output: Path, *, serial: str, epoch: int, size: int | None) -> int:
    """Write a FAT32 file system with ``files`` in it.

    Args:
        files: what is copied, by path on the ESP.
        output: the image file, which does not exist yet.
        serial: volume serial as eight hexadecimal digits.
        epoch: time stamp of everything in it.
        size: bytes, or ``None`` for one that fits.

    Returns:
        its size in bytes.

    Raises:
        InvalidInput: ``invalid-image-layout`` if the files do not fit into ``size``.
        Servicing: ``command-failed`` if a tool fails.
    """
    needed = _size_for(sum(-(-file.stat().st_size // 512) * 512 for file in files.values()))
    if size is not None and size < needed:
        raise InvalidInput(
            "invalid-image-layout",
            f"The ESP needs {needed // _MEBIBYTE} MiB, but the layout gives it {size // _MEBIBYTE} MiB.",
            hint="Make 'esp.size' larger or leave it out.",
        )
    size = size or needed
    environment = {"SOURCE_DATE_EPOCH": str(epoch), "TZ": "UTC", "MTOOLSRC": "/dev/null"}
    # No label: mkfs.vfat would note the time at which it wrote it.
    run(
        ["mkfs.vfat", "-F", "32", "-s", "1", "-i", serial, "-C", str(output), str(size // 1024)],
        environment=environment,
    )
    directories = {parent for name in files for parent in PurePosixPath(name).parents if str(parent) != "."}
    for directory in sorted(directories):
        run(["mmd", "-i", str(output), f"::/{directory}"], environment=environment)
    for name in sorted(files):
        run(["mcopy", "-i", str(output), str(files[name]), f"::/{name}"], environment=environment)
    return size


def _size_for(content: int) -> int:
    """FAT32 with clusters of one sector takes 8 bytes of tables for each 512 of content."""
    size = content + content // 64 + _SLACK
    return max(_SMALLEST, -(-size // _MEBIBYTE) * _MEBIBYTE)
