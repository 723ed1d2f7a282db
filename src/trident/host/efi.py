"""The firmware's variables, read and written in efivarfs (UEFI specification 2.10, 3.3 and 8.2)."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from trident.errors import Servicing
from trident.host.loadoption import LoadOption

EFIVARS_DIRECTORY = Path("/sys/firmware/efi/efivars")
GLOBAL_GUID = "8be4df61-93ca-11d2-aa0d-00e098032b8c"

# Kept over power cycles, readable before and after the OS is started.
NON_VOLATILE_RUNTIME = 0x7

# linux/fs.h: efivarfs marks variables that it does not know as immutable, against careless deletion.
_FS_IOC_GETFLAGS, _FS_IOC_SETFLAGS, _FS_IMMUTABLE = 0x80086601, 0x40086602, 0x10

_ENTRY_NAME = re.compile(rf"Boot([0-9A-Fa-f]{{4}})-{GLOBAL_GUID}")
_LAST_NUMBER = 0xFFFF

_HINTS = {
    errno.ENOSPC: "The firmware's variable store may be full: remove boot entries that nothing uses. Some "
    "firmware has the room only after a reboot.",
    errno.EROFS: f"Make the variables writable: 'mount -o remount,rw {EFIVARS_DIRECTORY}'.",
}


@dataclass(frozen=True)
class BootEntry:
    """A ``Boot####`` variable."""

    number: int
    option: LoadOption

    @property
    def label(self) -> str:
        """What the firmware's menu calls it."""
        return self.option.label


class EfiVariables:
    """Variables of the firmware, and on top of them its boot entries and their order.

    Every write is one ``write(2)``, which the firmware takes or refuses as a whole. What is already as
    it should be is not written again, so every method may be repeated.

    Args:
        directory: where efivarfs is mounted.
    """

    def __init__(self, directory: Path = EFIVARS_DIRECTORY) -> None:
        self.directory = directory

    def read(self, name: str, guid: str = GLOBAL_GUID) -> bytes | None:
        """The content of a variable without its attributes, or ``None`` if there is none.

        Raises:
            Servicing: ``read-efi-variable``.
        """
        try:
            content = (self.directory / f"{name}-{guid}").read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Servicing(
                "read-efi-variable",
                f"The EFI variable {name} cannot be read: {error.strerror}.",
                details={"name": name},
            ) from error
        return content[4:] if len(content) > 4 else None

    def secure_boot(self) -> bool:
        """Whether the firmware starts only what is signed (UEFI specification 2.10, 3.3: ``SecureBoot``).

        Raises:
            Servicing: ``read-efi-variable``.
        """
        return self.read("SecureBoot") == b"\x01"

    def write(self, name: str, content: bytes, guid: str = GLOBAL_GUID) -> None:
        """Set a variable that stays over power cycles.

        Raises:
            Servicing: ``set-efi-variable``, for want of space in the firmware or permission.
        """
        if self.read(name, guid) == content:
            return
        path = self.directory / f"{name}-{guid}"
        try:
            _write_at_once(path, struct.pack("<I", NON_VOLATILE_RUNTIME) + content)
        except OSError as error:
            raise Servicing(
                "set-efi-variable",
                f"The EFI variable {name} cannot be set: {error.strerror}.",
                hint=_HINTS.get(error.errno or 0),
                details={"name": name},
            ) from error

    def delete(self, name: str, guid: str = GLOBAL_GUID) -> None:
        """Remove a variable; none there is fine.

        Raises:
            Servicing: ``set-efi-variable``.
        """
        path = self.directory / f"{name}-{guid}"
        if not path.exists():  # where variables are read-only, even removing none is refused
            return
        try:
            with contextlib.suppress(FileNotFoundError):
                try:
                    path.unlink()
                except PermissionError:
                    _make_mutable(path)
                    path.unlink()
        except OSError as error:
            raise Servicing(
                "set-efi-variable",
                f"The EFI variable {name} cannot be removed: {error.strerror}.",
                hint=_HINTS.get(error.errno or 0),
                details={"name": name},
            ) from error

    def boot_order(self) -> tuple[int, ...]:
        """Numbers of boot entries in the order in which the firmware tries them."""
        content = self.read("BootOrder") or b""
        return struct.unpack(f"<{len(content) // 2}H", content[: len(content) // 2 * 2])

    def boot_current(self) -> int | None:
        """Number of the entry that this boot was started from, if the firmware says."""
        return _number(self.read("BootCurrent"))

    def boot_next(self) -> int | None:
        """Number of the entry that the next boot starts, once; ``None`` if the order decides."""
        return _number(self.read("BootNext"))

    def set_boot_next(self, number: int) -> None:
        """Start an entry at the next boot, once.

        Raises:
            Servicing: ``set-efi-variable``, also if the firmware did not keep it.
        """
        self._write_kept("BootNext", struct.pack("<H", number))

    def clear_boot_next(self) -> None:
        """Let the order decide at the next boot."""
        self.delete("BootNext")

    def entries(self) -> tuple[BootEntry, ...]:
        """All boot entries that can be read, by rising number. The firmware adds and removes some itself.

        Raises:
            Servicing: ``list-and-parse-boot-entries`` if efivarfs cannot be read.
        """
        found = []
        for number in self._numbers():
            content = self.read(f"Boot{number:04X}")
            with contextlib.suppress(ValueError):
                found.append(BootEntry(number, LoadOption.decode(content or b"")))
        return tuple(found)

    def numbers_of(self, label: str) -> tuple[int, ...]:
        """Numbers of the entries with this label."""
        return tuple(entry.number for entry in self.entries() if entry.label == label)

    def number_of(self, label: str) -> int:
        """Number of the entry with this label.

        Raises:
            Servicing: ``boot-entry-check`` if there is none.
        """
        for number in self.numbers_of(label):
            return number
        raise Servicing(
            "boot-entry-check",
            f"The firmware has no boot entry '{label}'.",
            hint="Finalize the servicing again; some firmware drops entries that it cannot reach.",
            details={"boot_entry": label},
        )

    def put_entry(self, option: LoadOption) -> int:
        """Create the entry with this option's label, or replace it; returns its number.

        Further entries with the same label are removed. The order is not changed.

        Raises:
            Servicing: ``set-efi-variable``.
        """
        same, *duplicates = self.numbers_of(option.label) or (self._free_number(),)
        self.write(f"Boot{same:04X}", option.encode())
        for number in duplicates:
            self._remove(number)
        return same

    def remove_entries(self, label: str) -> None:
        """Remove every entry with this label, from the order too; none there is fine."""
        for number in self.numbers_of(label):
            self._remove(number)

    def move_first(self, number: int) -> None:
        """Put an entry first in the order."""
        self._write_order((number, *(other for other in self.boot_order() if other != number)))

    def move_last(self, number: int) -> None:
        """Put an entry last in the order."""
        self._write_order((*(other for other in self.boot_order() if other != number), number))

    def take_out(self, number: int) -> None:
        """Take an entry out of the order; the entry itself stays."""
        if number in self.boot_order():
            self._write_order(tuple(other for other in self.boot_order() if other != number))

    def _remove(self, number: int) -> None:
        # Order first: an order that names no entry is harmless, an entry nobody names is clutter.
        self.take_out(number)
        self.delete(f"Boot{number:04X}")

    def _write_order(self, numbers: tuple[int, ...]) -> None:
        if numbers:
            self._write_kept("BootOrder", struct.pack(f"<{len(numbers)}H", *numbers))
        else:
            self.delete("BootOrder")  # A variable cannot be empty.

    def _write_kept(self, name: str, content: bytes) -> None:
        """Write what decides the next boot, and read it back: some firmware takes it and keeps its own."""
        self.write(name, content)
        if self.read(name) != content:
            raise Servicing(
                "set-efi-variable",
                f"The firmware took the EFI variable {name}, but did not keep it.",
                hint="See whether the firmware's setup locks the boot order.",
                details={"name": name},
            )

    def _numbers(self) -> list[int]:
        try:
            names = [path.name for path in self.directory.iterdir()]
        except OSError as error:
            raise Servicing(
                "list-and-parse-boot-entries",
                f"The firmware's variables in {self.directory} cannot be read: {error.strerror}.",
            ) from error
        return sorted(int(match[1], 16) for name in names if (match := _ENTRY_NAME.fullmatch(name)))

    def _free_number(self) -> int:
        """The lowest number that neither an entry nor the order uses."""
        taken = {*self._numbers(), *self.boot_order()}
        return next(number for number in range(_LAST_NUMBER) if number not in taken)


def _number(content: bytes | None) -> int | None:
    return struct.unpack("<H", content[:2])[0] if content is not None and len(content) >= 2 else None


def _write_at_once(path: Path, content: bytes) -> None:
    """One ``write(2)``: efivarfs passes each on to the firmware as a whole new value."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o644)
    except PermissionError:
        _make_mutable(path)
        descriptor = os.open(path, flags, 0o644)
    try:
        try:
            written = os.write(descriptor, content)
        except OSError:
            # Opening made the file. One without content is no variable, but it is listed as if it were.
            if os.fstat(descriptor).st_size == 0:
                _discard(path)
            raise
        if written != len(content):
            raise OSError(errno.EIO, "the firmware took only a part of it")
        if os.fstat(descriptor).st_size > len(content):  # Not on efivarfs, where the write replaces all.
            os.ftruncate(descriptor, len(content))
    finally:
        os.close(descriptor)


def _discard(path: Path) -> None:
    """Remove a file that never became a variable, as far as possible: what is told is why it did not."""
    with contextlib.suppress(OSError):
        _make_mutable(path)
    with contextlib.suppress(OSError):
        path.unlink()


def _make_mutable(path: Path) -> None:
    """Take the immutable flag off, as ``chattr -i`` does."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        flags = struct.unpack("i", fcntl.ioctl(descriptor, _FS_IOC_GETFLAGS, b"\0" * 4))[0]
        fcntl.ioctl(descriptor, _FS_IOC_SETFLAGS, struct.pack("i", flags & ~_FS_IMMUTABLE))
    finally:
        os.close(descriptor)
