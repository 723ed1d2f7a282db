"""The GUID partition table as bytes: made, checked, and moved to a disk of another size.

Layout and checks follow the UEFI specification 2.10, section 5.3. Nothing here touches a device.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from dataclasses import dataclass
from uuid import UUID

from trident.image.cosi.fields import corrupt

ENTRY_COUNT = 128
ENTRY_SIZE = 128
_SIGNATURE = b"EFI PART"
_REVISION = 0x00010000
_HEADER_SIZE = 92
# signature, revision, header size, CRC, reserved, my LBA, alternate LBA, first and last usable LBA,
# disk GUID, entries LBA, entry count, entry size, entries CRC
_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_ENTRY = struct.Struct("<16s16sQQQ72s")
_LARGEST_ENTRIES = 1024 * 1024
_ONE_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class GptPartition:
    """A used entry. ``number`` counts from 1; LBAs are inclusive; GUIDs in lower case."""

    number: int
    type: str
    guid: str
    first_lba: int
    last_lba: int
    name: str = ""
    attributes: int = 0

    @property
    def blocks(self) -> int:
        """How many logical blocks it has."""
        return self.last_lba - self.first_lba + 1


@dataclass(frozen=True)
class Gpt:
    """A checked primary GPT.

    Attributes:
        region: protective MBR, header and entries as bytes, from the first byte of the disk.
        lba_size: bytes of a logical block.
        disk_guid: lower case.
        partitions: used entries, by number.
    """

    region: bytes
    lba_size: int
    disk_guid: str
    partitions: tuple[GptPartition, ...]

    def partition(self, number: int) -> GptPartition | None:
        """The entry with this number, if it is used."""
        return next((entry for entry in self.partitions if entry.number == number), None)

    def resized(self, disk_size: int) -> tuple[bytes, bytes, int]:
        """The table for a disk of ``disk_size`` bytes, at least the original one.

        Returns:
            the primary region, the backup (entries and header), and the backup's offset in bytes.
        """
        fields = _read_header(self.region, self.lba_size)
        entries = self.region[fields.entries_lba * self.lba_size :][: fields.entries_length]
        entry_blocks = -(-len(entries) // self.lba_size)
        blocks = disk_size // self.lba_size
        last, backup_entries = blocks - 1, blocks - 1 - entry_blocks
        if fields.alternate_lba == last and fields.last_usable < backup_entries:
            usable = fields.last_usable
        else:
            usable = backup_entries - 1
        header_at = self.lba_size
        primary = bytearray(self.region)
        primary[header_at : header_at + _HEADER_SIZE] = _sealed(fields, 1, last, usable, fields.entries_lba)
        primary[: self.lba_size] = _protective_mbr(primary[: self.lba_size], blocks)
        backup = bytearray(entry_blocks * self.lba_size + self.lba_size)
        backup[: len(entries)] = entries
        header = _sealed(fields, last, 1, usable, backup_entries)
        backup[-self.lba_size : -self.lba_size + _HEADER_SIZE] = header
        return bytes(primary), bytes(backup), backup_entries * self.lba_size


@dataclass(frozen=True)
class _Header:
    alternate_lba: int
    first_usable: int
    last_usable: int
    disk_guid: bytes
    entries_lba: int
    entry_count: int
    entry_size: int
    entries_crc: int

    @property
    def entries_length(self) -> int:
        return self.entry_count * self.entry_size


def make_gpt(
    disk_guid: str, disk_size: int, partitions: tuple[GptPartition, ...], lba_size: int = 512
) -> Gpt:
    """A new primary GPT with 128 entries.

    Args:
        disk_guid: GUID of the disk.
        disk_size: bytes, a multiple of ``lba_size``.
        partitions: must lie between :func:`first_usable_byte` and the backup table.
        lba_size: bytes of a logical block.

    Raises:
        InvalidInput: ``corrupt-os-image`` if the partitions do not fit or overlap.
    """
    entries = bytearray(ENTRY_COUNT * ENTRY_SIZE)
    for entry in partitions:
        packed = _ENTRY.pack(
            UUID(entry.type).bytes_le,
            UUID(entry.guid).bytes_le,
            entry.first_lba,
            entry.last_lba,
            entry.attributes,
            entry.name.encode("utf-16-le")[:72],
        )
        entries[(entry.number - 1) * ENTRY_SIZE : entry.number * ENTRY_SIZE] = packed
    entry_blocks = -(-len(entries) // lba_size)
    blocks = disk_size // lba_size
    fields = _Header(
        alternate_lba=blocks - 1,
        first_usable=2 + entry_blocks,
        last_usable=blocks - 2 - entry_blocks,
        disk_guid=UUID(disk_guid).bytes_le,
        entries_lba=2,
        entry_count=ENTRY_COUNT,
        entry_size=ENTRY_SIZE,
        entries_crc=zlib.crc32(entries),
    )
    region = bytearray(2 * lba_size) + entries
    region[:lba_size] = _protective_mbr(bytes(lba_size), blocks)
    region[lba_size : lba_size + _HEADER_SIZE] = _sealed(fields, 1, blocks - 1, fields.last_usable, 2)
    return parse_gpt(bytes(region), lba_size, disk_size)


def parse_gpt(region: bytes, lba_size: int, disk_size: int) -> Gpt:
    """Read and check the bytes of a primary GPT region.

    Args:
        region: from the first byte of the disk to the end of the entries.
        lba_size: bytes of a logical block.
        disk_size: of the disk that the table is from, in bytes.

    Raises:
        InvalidInput: ``corrupt-os-image`` if it is not a valid table.
    """
    header = _read_header(region, lba_size)
    begin = header.entries_lba * lba_size
    entries = region[begin : begin + header.entries_length]
    if header.entries_lba < 2 or len(entries) < header.entries_length:
        raise corrupt("The partition table of the image is cut short.")
    if zlib.crc32(entries) != header.entries_crc:
        raise corrupt("The partition entries of the image have a wrong CRC.")
    partitions = tuple(
        entry
        for index in range(header.entry_count)
        if (entry := _read_entry(entries[index * header.entry_size :], index + 1)) is not None
    )
    _check_places(partitions, header, disk_size // lba_size)
    return Gpt(region, lba_size, str(UUID(bytes_le=header.disk_guid)), partitions)


def _read_header(region: bytes, lba_size: int) -> _Header:
    raw = region[lba_size : 2 * lba_size]
    if len(raw) < _HEADER_SIZE or not raw.startswith(_SIGNATURE):
        raise corrupt("The partition table of the image has no GPT header.")
    _, _, size, crc, _, my_lba, alternate, first, last, guid, lba, count, entry_size, entries_crc = (
        _HEADER.unpack_from(raw)
    )
    if not _HEADER_SIZE <= size <= len(raw) or zlib.crc32(raw[:16] + bytes(4) + raw[20:size]) != crc:
        raise corrupt("The GPT header of the image has a wrong CRC.")
    if my_lba != 1 or entry_size < ENTRY_SIZE or entry_size % 8 or count * entry_size > _LARGEST_ENTRIES:
        raise corrupt("The GPT header of the image is not valid.")
    return _Header(alternate, first, last, guid, lba, count, entry_size, entries_crc)


def _read_entry(raw: bytes, number: int) -> GptPartition | None:
    kind, guid, first, last, attributes, name = _ENTRY.unpack_from(raw)
    if not any(kind):
        return None
    return GptPartition(
        number=number,
        type=str(UUID(bytes_le=kind)),
        guid=str(UUID(bytes_le=guid)),
        first_lba=first,
        last_lba=last,
        name=name.decode("utf-16-le", "replace").split("\0", 1)[0],
        attributes=attributes,
    )


def _check_places(partitions: tuple[GptPartition, ...], header: _Header, blocks: int) -> None:
    for entry in partitions:
        if not header.first_usable <= entry.first_lba <= entry.last_lba <= header.last_usable:
            raise corrupt(f"Partition {entry.number} of the image lies outside of the table's usable blocks.")
        if entry.last_lba >= blocks:
            raise corrupt(f"Partition {entry.number} of the image lies beyond the end of its disk.")
    in_order = sorted(partitions, key=lambda entry: entry.first_lba)
    for before, after in itertools.pairwise(in_order):
        if after.first_lba <= before.last_lba:
            raise corrupt(f"Partitions {before.number} and {after.number} of the image overlap.")


def _sealed(fields: _Header, my_lba: int, alternate: int, last_usable: int, entries_lba: int) -> bytes:
    """A header with its CRC."""

    def packed(crc: int) -> bytes:
        return _HEADER.pack(
            _SIGNATURE,
            _REVISION,
            _HEADER_SIZE,
            crc,
            0,
            my_lba,
            alternate,
            fields.first_usable,
            last_usable,
            fields.disk_guid,
            entries_lba,
            fields.entry_count,
            fields.entry_size,
            fields.entries_crc,
        )

    return packed(zlib.crc32(packed(0)))


def _protective_mbr(old: bytes | bytearray, blocks: int) -> bytes:
    """The MBR with one entry of type 0xEE over the whole disk (UEFI 5.2.3); boot code in it is kept."""
    mbr = bytearray(old)
    size = min(blocks - 1, 0xFFFFFFFF)
    mbr[446:510] = struct.pack("<B3sB3sII", 0, b"\x00\x02\x00", 0xEE, b"\xff\xff\xff", 1, size) + bytes(48)
    mbr[510:512] = b"\x55\xaa"
    return bytes(mbr)


def first_usable_byte() -> int:
    """Where the first partition begins: at one mebibyte, as every partitioner does."""
    return _ONE_MEBIBYTE


def backup_size(lba_size: int = 512) -> int:
    """Bytes that the backup table takes at the end of the disk."""
    return -(-ENTRY_COUNT * ENTRY_SIZE // lba_size) * lba_size + lba_size
