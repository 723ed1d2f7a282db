"""QEMU and its firmware, from Debian's packages, the same on every host.

The host's own QEMU is not used.  Before 8.1 the translator of QEMU could keep running code that another
processor had just replaced, so that kernels of two-processor machines died at random (one boot in about
ten); Debian 12 ships 7.2.  Debian 13's is also twice as fast.  It is unpacked, not installed, and run by
its own dynamic linker.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lab import debian
from lab.cache import cached, digest

PACKAGES = ("qemu-system-x86", "qemu-utils", "ovmf")


@cache
def root() -> Path:
    """The tree that holds QEMU and OVMF."""
    archive = debian.tree("emulator", PACKAGES, variant="extract")
    return cached("emulator-tree", digest(archive.name), lambda path: _unpack(archive, path))


def _unpack(archive: Path, path: Path) -> None:
    debian.unpack(archive, path)


def command(program: str) -> tuple[str, ...]:
    """The command line that starts a program of the tree; its arguments follow."""
    libraries = root() / "usr/lib/x86_64-linux-gnu"
    start = (str(root() / "usr/lib64/ld-linux-x86-64.so.2"), "--library-path", str(libraries))
    return (*start, str(root() / "usr/bin" / program))


def system() -> tuple[str, ...]:
    """The command line that starts a machine; its hardware follows."""
    return (*command("qemu-system-x86_64"), "-L", str(root() / "usr/share/qemu"))


def firmware_code() -> Path:
    """The firmware's code, read-only to every machine."""
    return root() / "usr/share/OVMF/OVMF_CODE_4M.fd"


def blank_variables() -> Path:
    """The variable store that a new machine starts from."""
    return root() / "usr/share/OVMF/OVMF_VARS_4M.fd"
