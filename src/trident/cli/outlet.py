"""A way out that blocks nobody: a thread of its own writes to a pipe, a terminal or a file.

A terminal whose ssh connection is dead, or a program that stopped reading, blocks whoever writes to it, for
hours. Changing the descriptor to non-blocking would change it for everybody who shares it, so a thread waits.
"""

from __future__ import annotations

import collections
import contextlib
import errno
import fcntl
import io
import os
import select
import threading
import time
from collections.abc import Iterator

from trident.host.threads import start_thread

# Enough for every event of a servicing but its bytes.
_MOST_PENDING = 256 * 1024
_LOWEST_DESCRIPTOR = 10


class Outlet:
    """Writes to a descriptor, in order, from a thread of its own.

    Attributes:
        error: why nothing more can be written, once that is so.
        lost: how many messages were dropped.
    """

    def __init__(self, descriptor: int, *, patience: float = 2.0, capacity: int = _MOST_PENDING) -> None:
        """Begin.

        Args:
            descriptor: open for writing; it is duplicated, and stays as it is.
            patience: seconds to wait for a reader who falls behind; once he has, until he caught up, none.
            capacity: bytes that may wait.

        Raises:
            OSError: the descriptor is not open.
        """
        self._descriptor = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _LOWEST_DESCRIPTOR)
        self.patience = patience
        self._capacity = capacity
        self._waiting: collections.deque[bytes] = collections.deque()
        self._pending = 0
        self._is_behind = False
        self._is_closing = False
        self._changed = threading.Condition()
        self.error: OSError | None = None
        self.lost = 0
        start_thread("outlet", self._work)

    def send(self, message: bytes, *, may_be_dropped: bool = False) -> bool:
        """Hand over a message; whether it was taken.

        Args:
            message: written as a whole, or not at all unless the reader goes away in its midst.
            may_be_dropped: rather than wait for a slow reader, drop it.
        """
        with self._changed:
            room = self._capacity // 4 if may_be_dropped else self._capacity
            if not self._fits(message, room) and not may_be_dropped:
                self._wait(lambda: self._fits(message, room))
            if self.error is not None or not self._fits(message, room):
                self.lost += 1
                return False
            self._waiting.append(message)
            self._pending += len(message)
            self._changed.notify_all()
            return True

    def flush(self) -> bool:
        """Wait until everything is written; whether it is. One who is behind already is not waited for."""
        with self._changed:
            self._wait(lambda: not self._pending)
            return not self._pending

    def settle(self) -> bool:
        """Wait once more until everything is written, also for a reader who was behind; whether it is."""
        with self._changed:
            self._is_behind = False
            return self.flush()

    def close(self) -> None:
        """Wait a last time, and end."""
        self.settle()
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()

    def _fits(self, message: bytes, room: int) -> bool:
        return not self._pending or self._pending + len(message) <= room

    def _wait(self, is_good: collections.abc.Callable[[], bool]) -> None:
        if self._is_behind:
            self._is_behind = bool(self._pending)
            return
        deadline = time.monotonic() + self.patience
        while not (is_good() or self.error is not None):
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                self._is_behind = True
                return
            self._changed.wait(remaining)

    def _work(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._waiting or self._is_closing)
                    if not self._waiting:
                        return
                    message = self._waiting[0]
                _write(self._descriptor, message)
                with self._changed:
                    self._waiting.popleft()
                    self._pending -= len(message)
                    self._changed.notify_all()
        except OSError as error:
            with self._changed:
                self.error = error
                self._waiting.clear()
                self._pending = 0
                self._changed.notify_all()
        finally:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)


def _write(descriptor: int, message: bytes) -> None:
    view = memoryview(message)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:  # The caller has set it so.
            poll = select.poll()
            poll.register(descriptor, select.POLLOUT)
            poll.poll()


class OutletStream(io.TextIOBase):
    """A text stream in front of an outlet, to stand where ``sys.stdout`` or ``sys.stderr`` stood."""

    def __init__(self, outlet: Outlet, number: int, encoding: str, *, complains: bool) -> None:
        """Take the place of a stream.

        Args:
            outlet: where text goes.
            number: the stream's descriptor.
            encoding: the stream's encoding.
            complains: whether :meth:`flush` says that nothing arrives; a progress display gives up then, and
                ends the program.
        """
        self._outlet = outlet
        self._complains = complains
        self._number = number
        self._encoding = encoding
        self._is_terminal = os.isatty(number)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream whose place this takes."""
        return self._encoding

    @property
    def errors(self) -> str:  # type: ignore[override]
        """Any text can be written."""
        return "backslashreplace"

    def writable(self) -> bool:
        """It is."""
        return True

    def isatty(self) -> bool:
        """Whether it leads to a terminal."""
        return self._is_terminal

    def fileno(self) -> int:
        """The descriptor of the standard stream."""
        return self._number

    def write(self, text: str) -> int:
        """Hand text over; nobody waits for it to arrive."""
        if text:
            self._outlet.send(text.encode(self._encoding, self.errors))
        return len(text)

    def flush(self) -> None:
        """Wait for a while until it is written.

        Raises:
            BrokenPipeError: its reader or its terminal went away.
            OSError: the stream takes nothing: its disk is full.
        """
        self._outlet.flush()
        if self._complains and self._outlet.error is not None:
            if self._is_terminal and self._outlet.error.errno == errno.EIO:
                raise BrokenPipeError from self._outlet.error
            raise self._outlet.error


@contextlib.contextmanager
def unblocked_streams() -> Iterator[None]:
    """Put outlets in the place of stdout and stderr for the body."""
    import sys

    before = sys.stdout, sys.stderr
    outlets: list[Outlet] = []
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        try:
            if stream.fileno() != number:
                continue  # Something else stands in its place already.
            stream.flush()
            outlet = Outlet(number)
        except (OSError, ValueError):
            continue
        outlets.append(outlet)
        setattr(sys, name, OutletStream(outlet, number, stream.encoding or "utf-8", complains=number == 1))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for outlet in outlets:
            outlet.close()
