"""The three standard streams as the command may find them: closed, full, left by their reader, not UTF-8."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO

from trident.errors import ExecutionEnvironment


def prepare_streams() -> frozenset[int]:
    """See that all three streams are open and take any text; returns those that were closed.

    A descriptor that was closed is opened on ``/dev/null``: otherwise the next file that is opened, a disk
    perhaps, would be what everybody takes for stdout.
    """
    closed: set[int] = set()
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            closed.add(number)
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free one: ``number``
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115  (a descriptor, not a path)
    sys.stdout = _taking_any_text(sys.stdout or open(1, "w", closefd=False))  # noqa: SIM115
    sys.stderr = _taking_any_text(sys.stderr or open(2, "w", closefd=False))  # noqa: SIM115
    return frozenset(closed)


def say(text: str | bytes) -> None:
    """Write to stdout. A reader that went away is no error: what was asked for is done all the same.

    Args:
        text: text in the terminal's encoding, or bytes as they are.

    Raises:
        ExecutionEnvironment: ``write-output`` if stdout takes nothing.
    """
    try:
        if isinstance(text, bytes):
            sys.stdout.buffer.write(text)
        else:
            sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
    except OSError as error:
        _discard(sys.stdout)
        raise ExecutionEnvironment(
            "write-output", f"The output cannot be written: {error.strerror}."
        ) from error


def tell(text: str) -> None:
    """Write to stderr; nobody listening there must not change how a command ends."""
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def _taking_any_text(stream: TextIO) -> TextIO:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    return stream


def _discard(stream: TextIO) -> None:
    """Let what is still in the stream go nowhere: Python writes it again when it ends, and complains."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
