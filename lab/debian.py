"""Debian trees by mmdebstrap, each made once and kept as a tar in the cache."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lab.cache import cached, digest
from lab.tool import run_tool

SUITE = "trixie"
ARCHITECTURE = "amd64"

# Left out of every tree: nothing in the lab reads them, and each megabyte is copied and booted many times.
_EXCLUDED = (
    "/usr/share/man/*",
    "/usr/share/locale/*",
    "/usr/share/doc/*",
    "/usr/share/info/*",
    "/usr/share/bash-completion/*",
    "/usr/share/zsh/*",
    "/usr/share/lintian/*",
    "/usr/share/pixmaps/*",
    "/usr/lib/udev/hwdb.d/*",
)


def tree(name: str, packages: Sequence[str], *, variant: str = "minbase") -> Path:
    """A tar of a Debian tree with ``packages``, from the cache.

    The mirror is mmdebstrap's default, or ``TRIDENT_DEBIAN_MIRROR`` if that is set; proxies come from the
    environment and from the host's apt configuration.

    Args:
        name: a short name for the cache entry.
        packages: names, without versions.
        variant: as mmdebstrap understands it; ``extract`` unpacks without installing.
    """
    mirror = os.environ.get("TRIDENT_DEBIAN_MIRROR")
    arguments = [
        f"--variant={variant}",
        "--format=tar",
        f"--architectures={ARCHITECTURE}",
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _EXCLUDED),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        f"--include={','.join(packages)}",
        SUITE,
    ]

    def build(path: Path) -> None:
        run_tool("mmdebstrap", *arguments, path, *([mirror] if mirror else []), seconds=1500)

    return cached(name, digest(*arguments), build)


def unpack(archive: Path, directory: Path) -> Path:
    """Unpack a tree's tar into a new directory. Needs root, for owners and device nodes."""
    directory.mkdir(parents=True)
    run_tool("tar", "--extract", "--numeric-owner", "--file", archive, "--directory", directory)
    return directory


def pack(directory: Path, archive: Path) -> None:
    """Pack a tree: sorted, and without anything but names, owners, modes, times and content."""
    run_tool(
        "tar", "--create", "--numeric-owner", "--sort=name", "--xattrs", "--file", archive,
        "--directory", directory, ".",
    )  # fmt: skip


def in_tree(directory: Path, *command: str, output: Path | None = None) -> str:
    """Run a command with ``directory`` as its root; with ``output``, what it prints goes to that file."""
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C",
        "DEBIAN_FRONTEND": "noninteractive",
        "SYSTEMD_OFFLINE": "1",
        "HOME": "/root",
    }
    return run_tool("chroot", directory, *command, environment=environment, output=output, seconds=600)
