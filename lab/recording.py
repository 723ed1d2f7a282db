"""Every write of a machine in one log, and the disk as it was after any of them.

QEMU writes the log itself (``blklogwrites``, in the format of Linux's dm-log-writes): each write, discard
and flush of the disk and of the UEFI variable store, in the order in which the guest made them. So one run
holds every moment at which its power could have been cut: what a disk then holds are the writes up to the
last flush, and of those after it none, some or all.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lab import disk, qemu
from lab.errors import LabError

GROUND = "ground.raw"
LOG = "writes.log"

_SECTOR = 512
# Documentation/admin-guide/device-mapper/log-writes.rst: the first sector, and before each entry's data one.
_SUPER, _MAGIC = struct.Struct("<QQQI"), 0x6A736677736872
_ENTRY = struct.Struct("<QQQQ")
_FLUSH, _DISCARD = 1, 4
_PIECE = 1 << 22


@dataclass(frozen=True)
class Write:
    """One entry of the log.

    Attributes:
        at: where the entry begins in the log, in bytes.
        offset: first byte in the machine's image.
        length: bytes; 0 for a flush.
        discard: the bytes are not needed any more; the log has none for it.
        flush: what was written before is durable from here on.
    """

    at: int
    offset: int
    length: int
    discard: bool = False
    flush: bool = False

    def touches(self, begin: int, end: int) -> bool:
        """Whether it writes between two bytes of the image."""
        return self.offset < end and begin < self.offset + self.length


@dataclass(frozen=True)
class Recording:
    """A machine's image at the beginning, and all its writes from there on.

    Attributes:
        directory: holds ``ground.raw`` (the disk, and behind it the variables) and ``writes.log``.
        disk_size: bytes of the disk.
    """

    directory: Path
    disk_size: int

    @property
    def ground(self) -> Path:
        """Disk and variables as they were at the beginning."""
        return self.directory / GROUND

    @property
    def log(self) -> Path:
        """The writes."""
        return self.directory / LOG

    @cached_property
    def writes(self) -> tuple[Write, ...]:
        """All entries of the log; the machine must be off.

        Raises:
            LabError: the file is no such log.
        """
        return tuple(_entries(self.log))

    def index_at(self, position: int) -> int:
        """How many entries the log had when it was ``position`` bytes long."""
        return sum(1 for write in self.writes if write.at < position)

    def last_flush(self, index: int) -> int:
        """The index behind the last flush before ``index``."""
        return next((at + 1 for at in range(index - 1, -1, -1) if self.writes[at].flush), 0)

    def is_variable(self, write: Write) -> bool:
        """Whether an entry is a write to the variable store. It is flash: durable at once, and in order."""
        return not write.flush and write.offset >= self.disk_size


def prepare(directory: Path, disk_image: Path, variables: Path) -> qemu.Record:
    """Make the ground for a recording of a machine that starts with a disk image and a variable store."""
    directory.mkdir(parents=True, exist_ok=True)
    ground = directory / GROUND
    disk.to_raw(disk_image, ground)
    size = ground.stat().st_size
    with ground.open("ab") as file:
        file.write(variables.read_bytes())
    (directory / LOG).write_bytes(b"")
    return qemu.Record(directory / LOG, size, variables.stat().st_size)


def _entries(log: Path) -> Iterator[Write]:
    size = log.stat().st_size
    with log.open("rb") as file:
        head = file.read(_SUPER.size)
        if len(head) < _SUPER.size or _SUPER.unpack(head)[0] != _MAGIC:
            raise LabError(f"{log} is not a log of writes.")
        at = _SECTOR
        while at + _SECTOR <= size:
            file.seek(at)
            sector, sectors, flags, _ = _ENTRY.unpack(file.read(_ENTRY.size))
            write = Write(
                at, sector * _SECTOR, sectors * _SECTOR, bool(flags & _DISCARD), bool(flags & _FLUSH)
            )
            if not flags and not sectors:
                return  # a hole: the machine's end came before this entry was written
            yield write
            at += _SECTOR + (0 if write.discard else write.length)


class Replay:
    """The disk and the variables of a recording as they were at some moment, going forward.

    Args:
        recording: what to replay.
        directory: takes ``disk.raw`` and ``variables.fd``.
    """

    def __init__(self, recording: Recording, directory: Path) -> None:
        self.recording = recording
        self.disk, self.variables = directory / "disk.raw", directory / "variables.fd"
        self._index = 0
        directory.mkdir(parents=True, exist_ok=True)
        self._begin()

    def _begin(self) -> None:
        whole = self.recording.ground.stat().st_size
        sparse_copy(self.recording.ground, self.disk, 0, self.recording.disk_size)
        with self.recording.ground.open("rb") as file:
            file.seek(self.recording.disk_size)
            self.variables.write_bytes(file.read(whole - self.recording.disk_size))
        self._index = 0

    def go_to(self, index: int) -> None:
        """Apply the writes before ``index``, all of them."""
        if index < self._index:
            self._begin()
        with self._files() as (log, disk_file, variables):
            for write in self.recording.writes[self._index : index]:
                self._apply(write, log, disk_file, variables)
        self._index = index

    @contextlib.contextmanager
    def losing(self, index: int, lost: Collection[int]) -> Iterator[None]:
        """The moment ``index`` without some of the writes before it, for the body.

        Args:
            index: as for :meth:`go_to`.
            lost: indices of writes after the last flush before ``index``.
        """
        self.go_to(self.recording.last_flush(index))
        begun = self._index
        with self._files() as (log, disk_file, variables):
            before = []
            for number in range(begun, index):
                write = self.recording.writes[number]
                if number in lost or write.flush or write.discard:
                    continue
                target, offset = self._place(write, disk_file, variables)
                before.append((target, offset, os.pread(target, write.length, offset)))
                self._apply(write, log, disk_file, variables)
            try:
                yield
            finally:
                for target, offset, content in reversed(before):
                    os.pwrite(target, content, offset)

    def remove(self) -> None:
        """Delete the files."""
        shutil.rmtree(self.disk.parent)

    @contextlib.contextmanager
    def _files(self) -> Iterator[tuple[int, int, int]]:
        with (
            self.recording.log.open("rb") as log,
            self.disk.open("r+b") as disk_file,
            self.variables.open("r+b") as variables,
        ):
            yield log.fileno(), disk_file.fileno(), variables.fileno()

    def _place(self, write: Write, disk_file: int, variables: int) -> tuple[int, int]:
        if self.recording.is_variable(write):
            return variables, write.offset - self.recording.disk_size
        return disk_file, write.offset

    def _apply(self, write: Write, log: int, disk_file: int, variables: int) -> None:
        # A discard promises nothing about what is read afterwards; here the old bytes stay.
        if write.discard or write.flush:
            return
        target, offset = self._place(write, disk_file, variables)
        for begin in range(0, write.length, _PIECE):
            piece = os.pread(log, min(_PIECE, write.length - begin), write.at + _SECTOR + begin)
            os.pwrite(target, piece, offset + begin)


def sparse_copy(source: Path, target: Path, begin: int, end: int) -> None:
    """Copy bytes ``begin`` to ``end`` of a file into a new one; holes stay holes."""
    with source.open("rb") as old, target.open("wb") as new:
        for first, last in data_ranges(old.fileno(), begin, end):
            for at in range(first, last, _PIECE):
                os.pwrite(new.fileno(), os.pread(old.fileno(), min(_PIECE, last - at), at), at - begin)
        new.truncate(end - begin)


def data_ranges(descriptor: int, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The parts of a sparse file between two bytes that are no holes."""
    at = begin
    while at < end:
        try:
            first = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError:
            return  # nothing but a hole up to the end
        if first >= end:
            return
        at = min(os.lseek(descriptor, first, os.SEEK_HOLE), end)
        yield first, at
