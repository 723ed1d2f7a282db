"""A cache of built things, keyed by the content of what went into them.

An entry is ``build/cache/<kind>-<digest>``, a file or a directory. It is built beside its final name and
renamed into place, under a lock per entry, so that a reader sees all of it or nothing and two builders do
not do the same work twice.  Of each kind the entries used last are kept; older ones go.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.paths import CACHE

Part = str | bytes | Path

KEPT = 3
KEPT_SECONDS = 3600


def digest(*parts: Part) -> str:
    """The digest of ``parts``: strings and bytes by value, files by content, directories by tree.

    A directory counts as the relative path, executable bit and content of every regular file in it.
    """
    state = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            _add_path(state, part)
        else:
            _add(state, part.encode() if isinstance(part, str) else part)
    return state.hexdigest()


def _add(state: hashlib._Hash, data: bytes) -> None:
    # The length goes first, so that ("ab", "c") and ("a", "bc") differ.
    state.update(len(data).to_bytes(8, "little"))
    state.update(data)


def _add_path(state: hashlib._Hash, path: Path) -> None:
    if path.is_dir():
        for child in sorted(path.rglob("*")):
            if child.is_file() and "__pycache__" not in child.parts:
                _add(state, str(child.relative_to(path)).encode())
                _add(state, b"x" if os.access(child, os.X_OK) else b"-")
                _add(state, file_digest(child).encode())
    else:
        _add(state, file_digest(path).encode())


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def entry(kind: str, key: str) -> Path:
    """Where the entry of ``kind`` and ``key`` lies, or would lie."""
    return CACHE / f"{kind}-{key[:24]}"


def cached(kind: str, key: str, build: Callable[[Path], None]) -> Path:
    """The entry of ``kind`` and ``key``; ``build(path)`` makes it if it is not there yet.

    Args:
        kind: a short name that tells a person what it is.
        key: from :func:`digest`.
        build: writes a file or a directory at the path it is given; if it raises, no entry is left.
    """
    final = entry(kind, key)
    if not final.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with _locked(final):
            if not final.exists():
                _build(final, build)
        _prune(kind)
    os.utime(final)  # used now
    return final


def _build(final: Path, build: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=".building-") as scratch:
        made = Path(scratch) / "entry"
        build(made)
        made.rename(final)


def _prune(kind: str) -> None:
    """Forget entries of a kind that newer ones replaced; never one that a running machine may still read."""
    entries = [path for path in CACHE.glob(f"{kind}-*") if len(path.name) == len(kind) + 25]
    entries.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for old in entries[KEPT:]:
        if time.time() - old.stat().st_mtime > KEPT_SECONDS:
            forget(old)


def forget(path: Path) -> None:
    """Remove an entry."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(final: Path) -> Iterator[None]:
    lock = final.with_name(f".{final.name}.lock")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
