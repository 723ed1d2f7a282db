"""The kernel's own list of mounts, ``/proc/self/mountinfo`` (proc_pid_mountinfo(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """One mount: where, of what type, from which device (``major:minor`` and source as mounted)."""

    target: Path
    fstype: str
    source: str
    device_number: str
    root: str
    options: tuple[str, ...]
    super_options: tuple[str, ...]


def read_mounts(sysroot: Path = Path("/")) -> tuple[Mount, ...]:
    """Every mount of this process's namespace, in the kernel's order: what is mounted later comes later."""
    text = (sysroot / "proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    return tuple(_parse(line) for line in text.splitlines() if line)


def mounts_below(directory: Path, sysroot: Path = Path("/")) -> tuple[Mount, ...]:
    """Mounts at ``directory`` and inside it, in the kernel's order."""
    return tuple(mount for mount in read_mounts(sysroot) if mount.target.is_relative_to(directory))


def _parse(line: str) -> Mount:
    # "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"
    fields, _, filesystem = line.partition(" - ")
    _id, _parent, device_number, root, target, options = fields.split(" ")[:6]
    fstype, source, super_options = [*filesystem.split(" "), "", ""][:3]
    return Mount(
        target=Path(_unescape(target)),
        fstype=fstype,
        source=_unescape(source),
        device_number=device_number,
        root=_unescape(root),
        options=tuple(options.split(",")),
        super_options=tuple(super_options.split(",")),
    )


def _unescape(text: str) -> str:
    """Undo the octal escapes of space, tab, newline and backslash."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
