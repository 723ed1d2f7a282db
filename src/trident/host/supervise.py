"""Running a user's program: its output line by line as it comes, a time limit, and an end to all it started.

:func:`trident.host.process.run` is for tools that are known to end and to print little. A user's program may
print without end, leave children behind that hold its output open, or hide them in sessions of their own.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import logging
import os
import select
import shlex
import shutil
import signal
import struct
import subprocess
import termios
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trident.host.process import interrupts_held_back, signal_name, start
from trident.host.processes import children, descendants, name_of, parents, runs
from trident.host.tools import SEARCH_PATH

logger = logging.getLogger(__name__)

# Lines at the end of the output that are kept for an error, and how long a line may be before it is cut.
TAIL_LINES = 5
LONGEST_LINE = 4096
# Bytes of output that are handed on; what comes after is only counted, so that no log fills its disk.
MOST_OUTPUT = 16 * 1024 * 1024
_CHUNK = 64 * 1024
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_LONGEST_POLL = 24 * 3600.0
_KILL_ATTEMPTS = 250
_KILL_PAUSE = 0.02


@dataclass(frozen=True)
class Ending:
    """How a program ended.

    Attributes:
        code: its exit code; negative if a signal ended it; ``None`` if its time was over.
        tail: the last lines that it printed.
        left: what it had started and left running, as ``pid (name)``.
    """

    code: int | None
    tail: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        """Whether it ended by itself and with 0."""
        return self.code == 0


def supervise(
    command: Sequence[str],
    *,
    root: Path | None = None,
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
    timeout: float | None = None,
    secret: int = 0,
    leave_children: bool = True,
) -> Ending:
    """Start ``command``, hand on what it prints and wait until it has ended, it and not its children.

    Standard output and standard error are one. There is no standard input and no terminal. Output counts
    until the program itself has ended; what children print after that goes nowhere. When the time is over,
    or Trident is interrupted, the program is killed with everything that it started, also what left its
    process group or session: this process adopts it for as long (``PR_SET_CHILD_SUBREAPER``, prctl(2)).

    Args:
        command: the program and its arguments.
        root: run it inside this directory tree, through ``chroot``.
        environment: variables beside ``PATH`` and ``LC_ALL=C``, which they may replace.
        on_line: called with each line as it comes.
        timeout: seconds after which it is killed; ``None`` waits for ever.
        secret: how many of the last arguments the log must not show.
        leave_children: whether what it started may go on after it; if not, it is killed.

    Raises:
        Servicing: ``command-could-not-execute`` if the kernel does not start it.
        ExecutionEnvironment: ``missing-binary`` if the program is not installed.
    """
    # Looked for here: the variables may have a PATH that is meant for the program alone.
    chroot = shutil.which("chroot", path=SEARCH_PATH) or "chroot"
    arguments = [*([] if root is None else [chroot, os.fspath(root)]), *command]
    shown = arguments[: len(arguments) - secret]
    logger.debug("+ %s%s", shlex.join(shown), f" [and {secret} arguments]" if secret else "")
    variables = {"PATH": SEARCH_PATH, "LC_ALL": "C", **environment}
    output = _Output(on_line)
    with _adopting() as family:
        child: subprocess.Popen[bytes] | None = None
        try:
            with interrupts_held_back():
                child = start(
                    arguments,
                    env=variables,
                    cwd="/",
                    umask=0o022,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    bufsize=0,
                    start_new_session=True,
                )
            in_time = _follow(child, output, timeout)
        except BaseException:
            if child is not None:
                family.end(child)
                _close(child)
            raise
        _close(child)
        if not in_time:
            family.end(child)
            left: tuple[str, ...] = ()
        else:
            left = family.members(child)
            if not leave_children:
                family.end(child)
    output.finish()
    return Ending(child.wait() if in_time else None, tuple(output.tail), left)


def describe(ending: Ending, timeout: float | None) -> str:
    """How it ended, for people, to follow "the script": ``failed with exit code 3``."""
    if ending.code is None:
        return "was killed" if timeout is None else f"did not end within {timeout:g} seconds and was killed"
    if ending.code < 0:
        return f"was killed by signal {signal_name(-ending.code)}"
    return f"failed with exit code {ending.code}"


def _follow(child: subprocess.Popen[bytes], output: _Output, timeout: float | None) -> bool:
    """Read until the program has ended; ``False`` if its time is over before."""
    assert child.stdout is not None
    deadline = None if timeout is None else time.monotonic() + timeout
    pipe = child.stdout.fileno()
    process = os.pidfd_open(child.pid)
    try:
        poller = select.poll()
        poller.register(process, select.POLLIN)
        poller.register(pipe, select.POLLIN)
        while True:
            rest = _LONGEST_POLL if deadline is None else deadline - time.monotonic()
            if rest <= 0:
                return False
            ready = {found for found, _event in poller.poll(int(min(rest, _LONGEST_POLL) * 1000) + 1)}
            if process in ready:
                # What the program printed is in the pipe by now. A child may go on filling it.
                output.feed(os.read(pipe, _waiting(pipe)))
                child.wait()
                return True
            if pipe in ready:
                chunk = os.read(pipe, _CHUNK)
                output.feed(chunk)
                if not chunk:  # It closed its output and goes on.
                    poller.unregister(pipe)
    finally:
        os.close(process)


def _waiting(pipe: int) -> int:
    """Bytes in the pipe that can be read without waiting."""
    return int(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0])


def _close(child: subprocess.Popen[bytes]) -> None:
    if child.stdout is not None:
        child.stdout.close()


class _Output:
    """Output on its way: cut into lines, handed on up to a limit, its last lines kept."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._on_line = on_line
        self._rest = b""
        self._handed_on = 0
        self._left_out = 0

    def feed(self, chunk: bytes) -> None:
        """The next piece; its last line may go on in the one after."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if self._handed_on >= MOST_OUTPUT:
            # So much that lines are only counted; the last ones are enough for the tail.
            self._left_out += max(0, len(lines) - TAIL_LINES)
            lines = lines[-TAIL_LINES:]
        for line in lines:
            self._line(line)
        while len(self._rest) > LONGEST_LINE:
            self._piece(self._rest[:LONGEST_LINE])
            self._rest = self._rest[LONGEST_LINE:]

    def finish(self) -> None:
        """What came last without an end of line, and how much was left out."""
        if self._rest:
            self._line(self._rest)
        self._rest = b""
        if self._left_out:
            self._on_line(f"[{self._left_out} more lines were printed than are kept; these were the last:]")
            for text in self.tail:
                self._on_line(text)

    def _line(self, line: bytes) -> None:
        line = line.removesuffix(b"\r")
        for begin in range(0, max(1, len(line)), LONGEST_LINE):
            self._piece(line[begin : begin + LONGEST_LINE])

    def _piece(self, piece: bytes) -> None:
        text = piece.decode("utf-8", "replace")
        if text.strip():
            self.tail.append(text)
        if self._handed_on >= MOST_OUTPUT:
            self._left_out += 1
        else:
            self._handed_on += len(piece) + 1
            self._on_line(text)


class _Family:
    """The processes that one program started, found by their parents: its own, and those adopted here."""

    def __init__(self) -> None:
        self._others = set(children({os.getpid()}, parents()))

    def end(self, child: subprocess.Popen[bytes]) -> None:
        """Kill all of them, until none is left: one may start another while it is looked for."""
        for _attempt in range(_KILL_ATTEMPTS):
            found = self._living(child)
            if not found:
                return
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_KILL_PAUSE)
        logger.warning("Processes %s do not end, although they were killed.", sorted(found))

    def members(self, child: subprocess.Popen[bytes]) -> tuple[str, ...]:
        """Those that still run, for people."""
        return tuple(f"{pid} ({name_of(pid)})" for pid in sorted(self._living(child)))

    def _living(self, child: subprocess.Popen[bytes]) -> set[int]:
        child.poll()
        tree = parents()
        mine = children({os.getpid()}, tree) - self._others
        for pid in mine - {child.pid}:
            # A process that ended after its parent did is ours to reap.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        return {pid for pid in descendants(mine, tree) if runs(pid)}


@contextlib.contextmanager
def _adopting() -> Iterator[_Family]:
    """Let what the body's program leaves behind become children of this process instead of process 1."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0)
    try:
        yield _Family()
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(0), 0, 0, 0)
