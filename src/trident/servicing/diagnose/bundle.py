"""The archive: a tar compressed with zstd, for root alone, there whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import zstandard

from trident.errors import ExecutionEnvironment
from trident.host.files import sync_directory, temporary_name

TOP = "trident-diagnostics"
"""The directory in the archive in which everything lies (upstream: Generate-Diagnostics-Bundle.md)."""


class Bundle:
    """An archive that is being written."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def add(self, name: str, content: bytes) -> None:
        """Add a file.

        Args:
            name: its path below the top directory.
            content: its bytes.

        Raises:
            OSError: the archive cannot be written.
        """
        entry = tarfile.TarInfo(f"{TOP}/{name}")
        entry.size = len(content)
        entry.mode = 0o600
        entry.mtime = int(time.time())
        self._archive.addfile(entry, io.BytesIO(content))


@contextlib.contextmanager
def new_bundle(path: Path) -> Iterator[Bundle]:
    """A bundle that appears at ``path`` when the body is done; if it fails, nothing does.

    Raises:
        ExecutionEnvironment: ``generate-diagnostics-bundle`` if it cannot be written there.
    """
    try:
        _refuse_special(path)
        path = path.absolute()
        temporary = path.with_name(temporary_name(path.name))
        temporary.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                with _compressed(file) as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
                    yield Bundle(archive)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_directory(path.parent)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ExecutionEnvironment(
            "generate-diagnostics-bundle",
            f"The diagnostics bundle {path} cannot be written: {reason}.",
            hint="Name a file with --output in a directory that exists, is writable and has room.",
            details={"path": str(path)},
        ) from error


def _compressed(file: IO[bytes]) -> Any:
    return zstandard.ZstdCompressor(level=6).stream_writer(file, closefd=False)


def _refuse_special(path: Path) -> None:
    """Take the place of a file only, not of a directory, a pipe or a device."""
    with contextlib.suppress(FileNotFoundError):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(21, "it is a directory")
        if not stat.S_ISREG(mode):
            raise ValueError("something that is no file is in its place")
