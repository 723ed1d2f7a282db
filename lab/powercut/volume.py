"""The volumes of a disk that lost power: their bytes, and the files on them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from lab.recording import sparse_copy
from lab.tool import run_tool

_ZEROS = bytes(1 << 22)


def digest_of_bytes(disk: Path, begin: int, end: int) -> str:
    """SHA-256 of bytes ``begin`` to ``end`` of a disk."""
    state = hashlib.sha256()
    with disk.open("rb") as file:
        file.seek(begin)
        for at in range(begin, end, len(_ZEROS)):
            piece = file.read(min(len(_ZEROS), end - at))
            if piece != _ZEROS:  # that is most of it, and takes half the time
                state.update(at.to_bytes(8, "little") + piece)
    return state.hexdigest()


def digest_of_files(disk: Path, begin: int, end: int, besides: Collection[str]) -> str:
    """SHA-256 of all files of the file system at bytes ``begin`` to ``end``: names, owners, modes, contents.

    Args:
        disk: the raw disk.
        begin: first byte of the file system.
        end: the byte behind its last.
        besides: paths that do not count, with all that is below them, from the file system's root.
    """
    state = hashlib.sha256()
    with mounted_copy(disk, begin, end) as root:
        for directory, names, files in os.walk(root):
            here = Path(directory)
            names[:] = sorted(name for name in names if str((here / name).relative_to(root)) not in besides)
            for name in sorted([*names, *files]):
                if str((here / name).relative_to(root)) not in besides:
                    _add(state, here / name, root)
    return state.hexdigest()


def _add(state: hashlib._Hash, path: Path, root: Path) -> None:
    facts = path.lstat()
    content = b""
    if stat.S_ISLNK(facts.st_mode):
        content = os.fsencode(path.readlink())
    elif stat.S_ISREG(facts.st_mode):
        content = hashlib.sha256(path.read_bytes()).digest()
    entry = (os.fsencode(path.relative_to(root)), facts.st_mode, facts.st_uid, facts.st_gid, content)
    state.update(repr(entry).encode())


@contextlib.contextmanager
def mounted_copy(disk: Path, begin: int, end: int) -> Iterator[Path]:
    """A copy of a file system of a disk, mounted: so its own journal is replayed, as at a boot."""
    image, root = disk.with_name("volume.img"), disk.with_name("volume")
    sparse_copy(disk, image, begin, end)
    root.mkdir(exist_ok=True)
    run_tool("mount", "-o", "loop", image, root)
    try:
        yield root
    finally:
        run_tool("umount", root)
