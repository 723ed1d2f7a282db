"""The block device or file that an image goes to: direct I/O, and zeroes without writing them.

Device-neutral on purpose: it knows of no slot, partition or file system.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import stat
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

from trident.errors import Servicing

# Direct I/O wants memory, offset and length aligned; 4096 suits every device and file system.
ALIGNMENT = 4096
# Zeroes are looked for in pieces of this size.
PIECE = 64 * 1024
_ZEROES = bytes(PIECE)
# linux/fs.h
_BLKGETSIZE64 = 0x80081272
_BLKZEROOUT = 0x127F
_BLKSSZGET = 0x1268
_BLKRRPART = 0x125F
# Bounds how long one uninterruptible request can take on a slow device.
_LONGEST_ZEROING = 64 * 1024 * 1024
_NO_ZEROING = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTTY, errno.ENOSYS)


class Target:
    """Where images go: bytes are written, then synced.

    Args:
        path: a block device, or a file, which is created where it is missing.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        self._fresh = False
        self._zero_from = 0
        self._zero_to = 0
        try:
            self._descriptor = self._open()
        except OSError as error:
            raise self._failed(error, "opened") from error
        self.is_device = stat.S_ISBLK(os.fstat(self._descriptor).st_mode)
        self._can_zero = self.is_device

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CLOEXEC | os.O_CREAT
        try:
            mode = Path(self.path).stat().st_mode
        except FileNotFoundError:
            # A device that is not there must not become a file, which would fill the memory.
            if Path(os.path.realpath(self.path)).is_relative_to("/dev"):
                raise
        else:
            if stat.S_ISBLK(mode):
                # O_EXCL on a device: refuse one that is mounted or part of a mapping.
                flags = os.O_WRONLY | os.O_CLOEXEC | os.O_EXCL
            elif not stat.S_ISREG(mode):
                raise OSError(errno.EINVAL, "it is neither a block device nor a regular file")
        self._direct = True
        try:
            return os.open(self.path, flags | os.O_DIRECT, 0o600)
        except OSError as error:
            if error.errno != errno.EINVAL:  # tmpfs, for one
                raise
        self._direct = False
        return os.open(self.path, flags, 0o600)

    @property
    def capacity(self) -> int | None:
        """Bytes that fit, or ``None`` for a file."""
        if not self.is_device:
            return None
        answer = fcntl.ioctl(self._descriptor, _BLKGETSIZE64, bytes(8))
        return int(struct.unpack("Q", answer)[0])

    @property
    def sector_size(self) -> int | None:
        """Bytes of a logical sector, or ``None`` for a file."""
        if not self.is_device:
            return None
        return int(struct.unpack("i", fcntl.ioctl(self._descriptor, _BLKSSZGET, bytes(4)))[0])

    def clear(self) -> None:
        """Cut a file to nothing, after which zeroes need no writing. A block device may hold old bytes.

        Raises:
            Servicing: ``deploy-images`` if that is not possible.
        """
        if self.is_device:
            return
        try:
            os.ftruncate(self._descriptor, 0)
        except OSError as error:
            raise self._failed(error, "written") from error
        self._fresh = True

    def write(self, buffer: mmap.mmap, count: int, offset: int) -> None:
        """Write the first ``count`` bytes of ``buffer`` at ``offset``.

        Every call for an image but its last brings a multiple of :data:`PIECE` bytes.

        Raises:
            Servicing: ``deploy-images`` if the target cannot be written.
        """
        try:
            with memoryview(buffer) as view:
                begin = 0
                for end in range(0, count, PIECE):
                    if (
                        buffer[end : end + 64] != _ZEROES[:64]
                        or buffer[end : min(end + PIECE, count)] != _ZEROES
                    ):
                        continue
                    self._write_all(view[begin:end], offset + begin)
                    self._zero(offset + end, PIECE)
                    begin = end + PIECE
                self._write_all(view[begin:count], offset + begin)
        except OSError as error:
            raise self._failed(error, "written") from error

    def zero(self, offset: int, count: int) -> None:
        """Make ``count`` bytes from ``offset`` read as zeroes; both are multiples of a sector.

        Raises:
            Servicing: ``deploy-images`` if the target cannot be written.
        """
        try:
            self._zero(offset, count)
            self._flush_zeroes()
        except OSError as error:
            raise self._failed(error, "written") from error

    def sync(self) -> None:
        """Make everything that was written durable.

        Raises:
            Servicing: ``deploy-images`` if the target cannot be written.
        """
        try:
            self._flush_zeroes()
            os.fsync(self._descriptor)
        except OSError as error:
            raise self._failed(error, "written") from error

    def reread_partitions(self) -> None:
        """Ask the kernel to read the partition table of a disk again, which a loop device may refuse."""
        if self.is_device:
            with contextlib.suppress(OSError):
                fcntl.ioctl(self._descriptor, _BLKRRPART)

    def finish(self, length: int) -> None:
        """Make a file ``length`` bytes long, and everything durable.

        Raises:
            Servicing: ``deploy-images`` if the target cannot be written.
        """
        try:
            if self._fresh:
                os.ftruncate(self._descriptor, length)
        except OSError as error:
            raise self._failed(error, "written") from error
        self.sync()

    def close(self) -> None:
        """Close it; may be called twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write_all(self, view: memoryview, offset: int) -> None:
        while view:
            count = self._write_some(view, offset)
            view, offset = view[count:], offset + count

    def _write_some(self, view: memoryview, position: int) -> int:
        if not self._direct:
            return os.pwrite(self._descriptor, view, position)
        whole = len(view) - len(view) % ALIGNMENT
        if whole and position % ALIGNMENT == 0:
            try:
                return os.pwrite(self._descriptor, view[:whole], position)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
        # The end of an image, or a file system that promises direct I/O and refuses it.
        self._direct = False
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags & ~os.O_DIRECT)
        return os.pwrite(self._descriptor, view, position)

    def _zero(self, offset: int, count: int) -> None:
        if self._fresh:
            return
        if offset != self._zero_to:
            self._flush_zeroes()
            self._zero_from = offset
        self._zero_to = offset + count
        if self._zero_to - self._zero_from >= _LONGEST_ZEROING:
            self._flush_zeroes()

    def _flush_zeroes(self) -> None:
        begin, end = self._zero_from, self._zero_to
        self._zero_from = self._zero_to
        if begin == end:
            return
        if self._can_zero:
            try:
                fcntl.ioctl(self._descriptor, _BLKZEROOUT, struct.pack("QQ", begin, end - begin))
            except OSError as error:
                if error.errno not in _NO_ZEROING:
                    raise
                self._can_zero = False
            else:
                return
        with mmap.mmap(-1, PIECE) as zeroes, memoryview(zeroes) as view:
            for offset in range(begin, end, PIECE):
                self._write_all(view[: end - offset], offset)

    def _failed(self, error: OSError, done: str) -> Servicing:
        if error.errno == errno.EBUSY:
            hint = "It is mounted or in use; unmount it first."
        elif error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "Make room on it, or choose a larger one."
        else:
            hint = "Check the device; 'dmesg' may say more."
        return Servicing(
            "deploy-images",
            f"'{self.path}' cannot be {done}: {error.strerror}.",
            hint=hint,
            details={"path": self.path},
        )
