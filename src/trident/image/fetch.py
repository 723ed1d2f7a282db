"""Bringing a whole file here: from a source or from another place on the host, hashed on the way."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from trident.host.files import open_regular
from trident.image.source import ByteStream, Source

_PIECE = 1024 * 1024
Moved = Callable[[int, int], None]


def fetch(source: Source, target: Path, moved: Moved) -> str:
    """Write everything that ``source`` has to the new file ``target``, durably; returns its SHA-384.

    Memory does not grow with the file.

    Args:
        source: an open source.
        target: it must not exist; mode 0600.
        moved: called with bytes so far and in all.

    Raises:
        TridentError: the source cannot be read.
        OSError: the target cannot be written.
    """
    return _copy(source.stream(0, source.size), source.size, target, moved)


def copy(origin: Path, target: Path) -> str:
    """Copy a file of the host to the new file ``target``, durably; returns its SHA-384.

    Raises:
        OSError: one of the two cannot be used.
    """
    with open_regular(origin) as file:
        return _copy(file, os.fstat(file.fileno()).st_size, target, lambda _done, _total: None)


def sha384_of(path: Path) -> str:
    """SHA-384 of a file.

    Raises:
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha384").hexdigest()


def _copy(stream: ByteStream, size: int, target: Path, moved: Moved) -> str:
    digest, done = hashlib.sha384(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as file, memoryview(bytearray(_PIECE)) as piece:
        while count := stream.readinto(piece):
            digest.update(piece[:count])
            rest = piece[:count]
            while rest:
                rest = rest[file.write(rest) or 0 :]
            done += count
            moved(done, size)
        os.fsync(file.fileno())
    return digest.hexdigest()
