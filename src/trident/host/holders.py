"""Who keeps a mount point busy: processes with files, directories or mappings there, and mounts inside it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trident.host.mountinfo import mounts_below


@dataclass(frozen=True)
class Holder:
    """A process (``pid``) or, without one, another mount, and the path by which it holds on."""

    path: str
    pid: int | None = None
    command: str = ""

    def __str__(self) -> str:
        return (
            f"the mount {self.path}"
            if self.pid is None
            else f"process {self.pid} ({self.command}) with {self.path}"
        )


def holders_of(target: Path, sysroot: Path = Path("/")) -> tuple[Holder, ...]:
    """What holds the mount point ``target``, one entry a process or mount."""
    nested = [Holder(str(mount.target)) for mount in mounts_below(target, sysroot) if mount.target != target]
    processes = [holder for entry in _processes(sysroot) if (holder := _holder(entry, target)) is not None]
    return (*nested, *processes)


def _processes(sysroot: Path) -> Iterator[Path]:
    for entry in sorted((sysroot / "proc").iterdir()):
        if entry.name.isdigit():
            yield entry


def _holder(process: Path, target: Path) -> Holder | None:
    prefix = f"{target}/"
    with contextlib.suppress(OSError):  # A process may end while it is looked at.
        for path in _paths(process):
            if path == str(target) or path.startswith(prefix):
                command = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                return Holder(path, int(process.name), command)
    return None


def _paths(process: Path) -> Iterator[str]:
    """Paths that a process holds: directories, open files, mapped files."""
    links = [process / "cwd", process / "root", process / "exe"]
    with contextlib.suppress(OSError):
        links += sorted((process / "fd").iterdir())
    for link in links:
        with contextlib.suppress(OSError):
            yield str(link.readlink())
    with contextlib.suppress(OSError):
        for line in (process / "maps").read_text(encoding="utf-8", errors="replace").splitlines():
            # "7f0c…-7f0d… r--p 00000000 fe:00 1234   /usr/lib/libc.so.6": the path is the sixth field.
            fields = line.split(maxsplit=5)
            if len(fields) == 6:
                yield fields[5]
