"""``--progress-fd``: the events of a servicing as JSON Lines on a descriptor (docs/progress.md)."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict

import trident
from trident.cli.outlet import Outlet
from trident.errors import InvalidInput
from trident.progress import BytesMoved, Event, Notice, Progress, ServicingBegun, ServicingEnded

SCHEMA_VERSION = 1
_LOWEST_DESCRIPTOR = 10


def claim(descriptor: int, closed: Collection[int] = ()) -> int:
    """A duplicate of the caller's descriptor that no program inherits; its mode stays as it is.

    To be called before anything else is opened: a number that the caller did not open must not come to mean a
    file of Trident's own.

    Args:
        descriptor: what the caller named.
        closed: standard streams that the caller left closed.

    Raises:
        InvalidInput: ``progress-fd`` if it is not open for writing.
    """
    try:
        mode = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        if descriptor in closed or mode & os.O_ACCMODE == os.O_RDONLY or mode & os.O_PATH:
            raise ValueError("not open for writing")
        ours = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _LOWEST_DESCRIPTOR)
    except (OSError, ValueError, OverflowError):
        raise InvalidInput(
            "progress-fd",
            f"--progress-fd {descriptor} is not a descriptor open for writing.",
            hint="Open it for the command, for example: trident update --progress-fd 3 3>events.jsonl",
        ) from None
    if descriptor > 2:
        os.set_inheritable(descriptor, False)
    return ours


@contextlib.contextmanager
def json_lines(descriptor: int, warn: Callable[[Notice], object]) -> Iterator[Progress]:
    """A sink that writes each event as a line; a reader that stops or goes away stops nobody else.

    Args:
        descriptor: the caller's.
        warn: is told once if events have to be left out, and once if nobody reads them any more.

    Raises:
        InvalidInput: ``progress-fd`` if it is not open for writing.
    """
    ours = claim(descriptor)
    outlet = Outlet(ours)
    os.close(ours)
    warned: set[str] = set()

    def complain(text: str) -> None:
        if text not in warned:
            warned.add(text)
            warn(Notice("warning", text))

    def write(event: Event) -> None:
        if isinstance(event, ServicingEnded):
            outlet.settle()  # The end is worth another wait.
        _tell_losses(outlet)
        is_minor = isinstance(event, BytesMoved)
        is_taken = outlet.send(_line(as_document(event)), may_be_dropped=is_minor)
        # The event is out before the work goes on, so that a reader who keeps up is never behind.
        is_written = is_minor or outlet.flush()
        if outlet.error is not None:
            complain(f"Nobody reads --progress-fd any more: {outlet.error.strerror}.")
        elif not is_minor and not (is_taken and is_written):
            complain("The reader of --progress-fd does not keep up: events may be left out.")

    try:
        yield write
    finally:
        if outlet.lost and outlet.settle():
            _tell_losses(outlet)
        outlet.close()


def _tell_losses(outlet: Outlet) -> None:
    """Say how many events were left out, once there is room to say it."""
    if outlet.error is None and outlet.lost:
        lost = {"event": "EventsLost", "time": time.time(), "events": outlet.lost}
        if outlet.send(_line(lost), may_be_dropped=True):
            outlet.lost = 0
        else:
            outlet.lost -= 1  # The line that says so is no event.


def as_document(event: Event) -> dict[str, object]:
    """An event as plain data, as docs/progress.schema.json describes it."""
    document: dict[str, object] = {"event": type(event).__name__, "time": time.time()}
    if isinstance(event, ServicingBegun):
        document |= {"schemaVersion": SCHEMA_VERSION, "tridentVersion": trident.__version__}
    fields = asdict(event)
    if "needs_reboot" in fields:
        fields["needsReboot"] = fields.pop("needs_reboot")
    return document | fields


def _line(document: dict[str, object]) -> bytes:
    return json.dumps(document).encode() + b"\n"
