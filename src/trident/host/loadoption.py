"""``EFI_LOAD_OPTION``, the content of ``Boot####`` variables (UEFI specification 2.10, 3.1.3 and 10.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from uuid import UUID

LOAD_OPTION_ACTIVE = 0x00000001

_MEDIA, _HARD_DRIVE, _FILE_PATH = 0x04, 0x01, 0x04
_END = b"\x7f\xff\x04\x00"
_NODE_HEADER = struct.Struct("<BBH")
_HARD_DRIVE_NODE = struct.Struct("<IQQ16sBB")
_OPTION_HEADER = struct.Struct("<IH")
_GPT, _SIGNATURE_GUID = 0x02, 0x02


@dataclass(frozen=True)
class HardDrive:
    """A GPT partition: its number, its place in logical sectors, its GUID (table 10.49)."""

    number: int
    start_sector: int
    sectors: int
    uuid: str


@dataclass(frozen=True)
class LoadOption:
    """What the firmware shows and starts.

    Attributes:
        label: description in the firmware's menu.
        drive: partition that holds the file, or ``None`` if the path names something else.
        file: path on that partition with backslashes, or ``None``.
        active: whether the firmware tries it by itself.
        data: optional data handed to what is started.
    """

    label: str
    drive: HardDrive | None = None
    file: str | None = None
    active: bool = True
    data: bytes = b""

    def encode(self) -> bytes:
        """The bytes of the variable."""
        path = b""
        if self.drive is not None:
            guid = UUID(self.drive.uuid).bytes_le
            path += _node(
                _HARD_DRIVE,
                _HARD_DRIVE_NODE.pack(
                    self.drive.number,
                    self.drive.start_sector,
                    self.drive.sectors,
                    guid,
                    _GPT,
                    _SIGNATURE_GUID,
                ),
            )
        if self.file is not None:
            path += _node(_FILE_PATH, _ucs2(self.file))
        path += _END
        attributes = LOAD_OPTION_ACTIVE if self.active else 0
        return _OPTION_HEADER.pack(attributes, len(path)) + _ucs2(self.label) + path + self.data

    @classmethod
    def decode(cls, content: bytes) -> LoadOption:
        """Read the bytes of a variable; device path nodes other than the two above are skipped.

        Raises:
            ValueError: it is not a load option.
        """
        try:
            attributes, length = _OPTION_HEADER.unpack_from(content)
            label, start = _read_ucs2(content, _OPTION_HEADER.size)
        except struct.error as error:
            raise ValueError("too short for a load option") from error
        if start + length > len(content):
            raise ValueError("the device path is longer than the load option")
        drive, file = _decode_path(content[start : start + length])
        return cls(label, drive, file, bool(attributes & LOAD_OPTION_ACTIVE), content[start + length :])


def _node(subtype: int, body: bytes) -> bytes:
    return _NODE_HEADER.pack(_MEDIA, subtype, _NODE_HEADER.size + len(body)) + body


def _decode_path(path: bytes) -> tuple[HardDrive | None, str | None]:
    drive: HardDrive | None = None
    file: str | None = None
    offset = 0
    while offset + _NODE_HEADER.size <= len(path):
        kind, subtype, length = _NODE_HEADER.unpack_from(path, offset)
        if length < _NODE_HEADER.size:
            raise ValueError("a device path node has an impossible length")
        body = path[offset + _NODE_HEADER.size : offset + length]
        if (kind, subtype) == (_MEDIA, _HARD_DRIVE) and len(body) >= _HARD_DRIVE_NODE.size:
            number, start, sectors, guid, table, _signature = _HARD_DRIVE_NODE.unpack_from(body)
            if table == _GPT:
                drive = HardDrive(number, start, sectors, str(UUID(bytes_le=guid)))
        elif (kind, subtype) == (_MEDIA, _FILE_PATH):
            file = _read_ucs2(body, 0)[0]
        offset += length
    return drive, file


def _ucs2(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\0\0"


def _read_ucs2(content: bytes, start: int) -> tuple[str, int]:
    """Text up to its terminating zero, and where it ends."""
    for offset in range(start, len(content) - 1, 2):
        if content[offset : offset + 2] == b"\0\0":
            return content[start:offset].decode("utf-16-le", errors="replace"), offset + 2
    raise ValueError("a text has no end")
