"""What a COSI holds, and whether all of it is what its metadata says."""

from __future__ import annotations

import itertools
import mmap
from dataclasses import dataclass

from trident.image.cosi.fields import corrupt, shown
from trident.image.cosi.metadata import CosiMetadata, Disk, GptRegion, ImageFile
from trident.image.cosi.reader import Cosi
from trident.image.gpt import Gpt, GptPartition, parse_gpt
from trident.image.stream import Moved, Written, check_image, stream_image

# The table of a disk with 128 entries has 17 KiB; the specification of GPT sets no bound.
_LARGEST_GPT = 2 * 1024 * 1024


@dataclass(frozen=True)
class PartitionView:
    """A partition of the image's disk and the image that fills it.

    Attributes:
        entry: its line in the partition table.
        offset: bytes from the beginning of the disk.
        size: bytes.
        image: its content; ``None`` if the COSI does not carry it.
        mount_point: where the OS mounts it, if it is a file system.
    """

    entry: GptPartition
    offset: int
    size: int
    image: ImageFile | None
    mount_point: str | None

    @property
    def shrunk(self) -> bool:
        """Whether its file system is smaller than it and should be grown once written."""
        return self.image is not None and self.image.uncompressed_size < self.size


@dataclass(frozen=True)
class Inspection:
    """What a COSI says of itself, without reading its images.

    Attributes:
        url: where it is.
        size: of the file, in bytes.
        metadata_sha384: what a Host Configuration gives as ``image.sha384``.
        metadata: all of it.
        partitions: in disk order; empty before COSI 1.2.
    """

    url: str
    size: int
    metadata_sha384: str
    metadata: CosiMetadata
    partitions: tuple[PartitionView, ...]


@dataclass(frozen=True)
class Verification:
    """What was verified: each image's path and what came of it, compressed and raw bytes in all."""

    images: tuple[tuple[str, Written], ...]
    fetched: int
    written: int


def inspect_cosi(cosi: Cosi) -> Inspection:
    """Describe an open COSI.

    Raises:
        TridentError: its partition table cannot be read.
    """
    gpt = read_gpt(cosi)
    views = () if gpt is None else tuple(_views(cosi.metadata, gpt))
    return Inspection(cosi.url, cosi.size, cosi.metadata_sha384, cosi.metadata, views)


def read_gpt(cosi: Cosi) -> Gpt | None:
    """The partition table of the image's disk, verified; ``None`` before COSI 1.2.

    Raises:
        InvalidInput: ``corrupt-os-image`` if it is not what the metadata says, or not valid.
        Servicing: ``fetch-os-image`` if it cannot be fetched.
    """
    disk = cosi.metadata.disk
    if disk is None or disk.primary_gpt is None:
        return None
    image = disk.primary_gpt
    if image.uncompressed_size > _LARGEST_GPT:
        raise corrupt(f"The partition table {shown(image.path)} is larger than {_LARGEST_GPT} bytes.")
    memory = _Memory()
    stream_image(cosi, image, memory)
    gpt = parse_gpt(bytes(memory.data), disk.lba_size, disk.size)
    _check_regions(disk, gpt)
    return gpt


def verify_cosi(cosi: Cosi, moved: Moved | None = None) -> Verification:
    """Read all of a COSI: every image hashed and decompressed, the partition table checked.

    Args:
        cosi: an open COSI, whose metadata has been checked already.
        moved: called with compressed bytes read so far and in all.

    Raises:
        InvalidInput: ``corrupt-os-image`` for the first thing that is not what it should be.
        Servicing: ``fetch-os-image`` if it cannot be fetched.
    """
    images = list(cosi.metadata.image_files())
    offsets = [cosi.offset_of(image) for image in images]
    if any(before > after for before, after in itertools.pairwise(offsets)):
        raise corrupt(f"The images of '{cosi.url}' do not stand in the order of the disk.")
    read_gpt(cosi)
    total, done = sum(image.compressed_size for image in images), 0
    results: list[tuple[str, Written]] = []
    for image in images:
        result = check_image(cosi, image, moved=shifted(moved, done, total))
        done += result.fetched
        results.append((image.path, result))
    return Verification(tuple(results), done, sum(result.written for _, result in results))


def shifted(moved: Moved | None, before: int, total: int) -> Moved | None:
    """Progress of one of several images, as progress of all of them."""
    return None if moved is None else lambda done, _: moved(before + done, total)


class _Memory:
    """A sink for something small."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, buffer: mmap.mmap, count: int, offset: int) -> None:
        self.data[offset:] = buffer[:count]


def _views(metadata: CosiMetadata, gpt: Gpt) -> list[PartitionView]:
    assert metadata.disk is not None
    regions = {region.number: region for region in metadata.disk.partitions}
    mounted = {fs.image.path: fs.mount_point for fs in metadata.filesystems}
    views = []
    for entry in sorted(gpt.partitions, key=lambda entry: entry.first_lba):
        region = regions.get(entry.number)
        image = None if region is None else region.image
        mount_point = None if image is None else mounted.get(image.path)
        begin, size = entry.first_lba * gpt.lba_size, entry.blocks * gpt.lba_size
        views.append(PartitionView(entry, begin, size, image, mount_point))
    return views


def _check_regions(disk: Disk, gpt: Gpt) -> None:
    """Every partition image has a partition that it fits into, in the order of the disk."""
    begins = [_begin_of(region, gpt) for region in disk.partitions]
    if any(before > after for before, after in itertools.pairwise(begins)):
        raise corrupt("The partitions in 'disk.gptRegions' do not stand in the order of the disk.")


def _begin_of(region: GptRegion, gpt: Gpt) -> int:
    assert region.number is not None
    entry = gpt.partition(region.number)
    if entry is None:
        raise corrupt(
            f"The partition table has no partition {region.number}, but the metadata has an image for it."
        )
    size = entry.blocks * gpt.lba_size
    if region.image.uncompressed_size > size:
        raise corrupt(
            f"The image {shown(region.image.path)} has {region.image.uncompressed_size} bytes, more than its "
            f"partition {region.number} with {size}."
        )
    return entry.first_lba
