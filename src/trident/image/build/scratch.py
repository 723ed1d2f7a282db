"""The directory that a build works in, and those that builds which were killed have left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = ".image-build-"


@contextlib.contextmanager
def scratch_directory(parent: Path) -> Iterator[Path]:
    """A directory of one's own in ``parent`` for the body.

    A build that was killed cannot remove its directory, and leaves the size of its image there. Each is
    locked by the build that works in it, so the next build knows which of them are nobody's.

    Raises:
        OSError: it cannot be made.
    """
    for left in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError), _locked(left):
            shutil.rmtree(left, ignore_errors=True)
    while True:
        directory = Path(tempfile.mkdtemp(dir=parent, prefix=_PREFIX))
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(_locked(directory))
            except OSError:
                continue  # Another build took it for one that was left, between its making and its lock.
            try:
                yield directory
            finally:
                shutil.rmtree(directory, ignore_errors=True)
            return


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold a directory for the body.

    Raises:
        OSError: somebody else holds it, or it is gone.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(descriptor), directory.stat()):
            raise FileNotFoundError(directory)
        yield
    finally:
        os.close(descriptor)
