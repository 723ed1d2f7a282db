"""One servicing at a time: a lock that dies with its holder and says who that is."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from trident.errors import Initialization

LOCK_PATH = Path("/run/trident/lock")
_NAP = 0.2
_log = logging.getLogger(__name__)


@contextlib.contextmanager
def servicing_lock(
    verb: str, path: Path = LOCK_PATH, patience: Callable[[], float] = lambda: 0.0
) -> Iterator[None]:
    """Hold the servicing lock for the body.

    The lock is an ``flock``: the kernel drops it when the holder ends, however it ends, so a stale
    file never blocks anybody. The file's content only names the holder to a second caller.

    Args:
        verb: what the holder is doing, e.g. ``update``.
        path: the lock file; its directory is created, root-only.
        patience: seconds to wait for another process that holds it; asked only where one does.

    Raises:
        Initialization: ``servicing-in-progress`` if another process holds it, ``open-lock`` if the
            file cannot be opened.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Initialization(
            "open-lock", f"The servicing lock {path} cannot be opened: {error.strerror}."
        ) from error
    try:
        _take(descriptor, patience)
        holder = {"pid": os.getpid(), "verb": verb, "since": int(time.time())}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _take(descriptor: int, patience: Callable[[], float]) -> None:
    """Take the lock, waiting for its holder as long as ``patience`` says.

    In naps: a lock that is waited for in the kernel has no time limit.
    """
    until: float | None = None
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held = _held(os.pread(descriptor, 4096, 0))
        else:
            return
        if until is None:
            seconds = patience()
            until = time.monotonic() + seconds
            if seconds > 0:
                _log.warning("%s Waiting up to %.0f seconds for it to end.", held.message, seconds)
        if time.monotonic() >= until:
            raise held
        time.sleep(_NAP)


def _held(content: bytes) -> Initialization:
    try:
        holder = json.loads(content)
        minutes = max(0, int(time.time()) - int(holder["since"])) // 60
        who = f"'trident {holder['verb']}' (process {holder['pid']}, started {minutes} min ago)"
        details = {"pid": holder["pid"], "verb": holder["verb"]}
    except (ValueError, KeyError, TypeError):
        who, details = "another Trident process", {}
    return Initialization(
        "servicing-in-progress",
        f"The host is being serviced by {who}.",
        hint="Wait for it to end, then run the command again.",
        details=details,
    )
