"""A whole disk from a COSI: partition table and every partition, as the image's disk was."""

from __future__ import annotations

import contextlib
import mmap
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from trident.errors import InvalidInput, UnsupportedConfiguration
from trident.host.target import PIECE, Target
from trident.image.check import PartitionView, inspect_cosi, read_gpt, shifted
from trident.image.cosi.metadata import Disk
from trident.image.cosi.reader import Cosi
from trident.image.gpt import Gpt
from trident.image.source.local import local_path
from trident.image.stream import Moved, stream_image

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class DiskWritten:
    """What was written: size of the disk, compressed bytes fetched and raw bytes of images, all in bytes."""

    size: int
    fetched: int
    written: int


def write_disk(cosi: Cosi, target: Path | str, moved: Moved | None = None) -> DiskWritten:
    """Lay the image's disk out on ``target``. File systems keep the size that they have in the image.

    The partition table is written last, after everything else is durable, so that a disk never looks
    complete when it is not.

    Args:
        cosi: of revision 1.2 or later.
        target: a whole disk that is not in use, or a file, which is created or cut to nothing.
        moved: called with compressed bytes fetched so far and in all.

    Raises:
        InvalidInput: ``corrupt-os-image`` if the image is not what it says; ``disk-too-small``;
            ``target-is-image`` if the target is the image's own file.
        UnsupportedConfiguration: ``os-image-without-disk`` before COSI 1.2; ``sector-size-mismatch``.
        Servicing: ``deploy-images`` if the target is mounted or cannot be written; ``fetch-os-image``.
    """
    cosi.locate_images()
    gpt, disk = read_gpt(cosi), cosi.metadata.disk
    if gpt is None or disk is None:
        raise UnsupportedConfiguration(
            "os-image-without-disk",
            f"'{cosi.url}' follows COSI {cosi.metadata.version}, which does not describe a whole disk.",
            hint="Build the image as COSI 1.2, or deploy it with 'trident install'.",
        )
    _refuse_own_file(cosi, target)
    with Target(target) as device:
        size = _size_of(device, disk)
        device.clear()
        # The old table goes first: whatever happens next, nothing takes this for a disk with an OS.
        device.zero(0, _MEBIBYTE)
        device.sync()
        fetched, written = _write_partitions(cosi, device, moved)
        device.finish(size)
        _write_table(device, gpt, size)
        device.sync()
        device.reread_partitions()
    return DiskWritten(size, fetched, written)


def _refuse_own_file(cosi: Cosi, target: Path | str) -> None:
    """Refuse to cut the image's file to nothing before it is read."""
    if urlsplit(cosi.url).scheme.lower() not in ("", "file"):
        return
    with contextlib.suppress(OSError):  # The target does not exist yet.
        if Path(local_path(cosi.url)).samefile(target):
            raise InvalidInput(
                "target-is-image",
                f"'{target}' is the image itself; writing it would destroy the image.",
                hint="Name another file, or a disk.",
            )


def _size_of(device: Target, disk: Disk) -> int:
    capacity = device.capacity
    if capacity is None:
        return disk.size
    if capacity < disk.size:
        raise InvalidInput(
            "disk-too-small",
            f"'{device.path}' has {capacity} bytes, but the image's disk has {disk.size}.",
            hint="Choose a larger disk.",
            details={"path": device.path, "size": capacity, "needed": disk.size},
        )
    if device.sector_size != disk.lba_size:
        raise UnsupportedConfiguration(
            "sector-size-mismatch",
            f"'{device.path}' has sectors of {device.sector_size} bytes, the image {disk.lba_size}.",
            hint="Deploy the image with 'trident install', which makes partitions anew.",
        )
    return capacity


def _write_partitions(cosi: Cosi, device: Target, moved: Moved | None) -> tuple[int, int]:
    views = [view for view in inspect_cosi(cosi).partitions if view.image is not None]
    total = sum(view.image.compressed_size for view in views if view.image is not None)
    fetched = written = 0
    for view in views:
        assert view.image is not None
        result = stream_image(cosi, view.image, _Region(device, view.offset), shifted(moved, fetched, total))
        fetched, written = fetched + result.fetched, written + result.written
        _wipe_end(device, view)
    return fetched, written


def _wipe_end(device: Target, view: PartitionView) -> None:
    """Old signatures at the end of a partition (RAID, ZFS) would make its file system ambiguous."""
    assert view.image is not None
    begin = max(view.offset + view.image.uncompressed_size, view.offset + view.size - _MEBIBYTE)
    begin = -(-begin // PIECE) * PIECE
    end = view.offset + view.size
    if begin < end:
        device.zero(begin, end - begin)


def _write_table(device: Target, gpt: Gpt, size: int) -> None:
    primary, backup, backup_at = gpt.resized(size)
    for data, offset in ((backup, backup_at), (primary, 0)):
        with mmap.mmap(-1, len(data)) as buffer:
            buffer[:] = data
            device.write(buffer, len(data), offset)


class _Region:
    """A part of a target, as the place where one image goes."""

    def __init__(self, device: Target, base: int) -> None:
        self._device = device
        self._base = base

    def write(self, buffer: mmap.mmap, count: int, offset: int) -> None:
        self._device.write(buffer, count, self._base + offset)
