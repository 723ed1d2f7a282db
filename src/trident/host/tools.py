"""Every program that Trident starts on the servicing OS, and the Debian package that brings it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from trident.errors import ExecutionEnvironment

# Programs are looked for here and nowhere else, whatever the caller's environment says.
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

PACKAGES: dict[str, str] = {
    "blkid": "util-linux",
    "chroot": "coreutils",
    "debugfs": "e2fsprogs",
    "dot": "graphviz",
    "dpkg-query": "dpkg",
    "e2fsck": "e2fsprogs",
    "findmnt": "util-linux",
    "journalctl": "systemd",
    "lsblk": "util-linux",
    "mcopy": "mtools",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.ntfs": "ntfs-3g",
    "mkfs.vfat": "dosfstools",
    "mkfs.xfs": "xfsprogs",
    "mkswap": "util-linux",
    "mmd": "mtools",
    "mount": "mount",
    "mount.ntfs": "ntfs-3g",
    "netplan": "netplan.io",
    "networkctl": "systemd",
    "resize2fs": "e2fsprogs",
    "rpm": "rpm",
    "sfdisk": "fdisk",
    "sync": "coreutils",
    "systemctl": "systemd",
    "systemd-confext": "systemd",
    "systemd-detect-virt": "systemd",
    "systemd-sysext": "systemd",
    "tune2fs": "e2fsprogs",
    "udevadm": "udev",
    "ukify": "systemd-ukify",
    "umount": "mount",
}


def package_of(tool: str) -> str | None:
    """The Debian package that brings ``tool``, or ``None`` for a program that is not in the table."""
    return PACKAGES.get(tool)


def missing(tools: Iterable[str], search_path: str = SEARCH_PATH) -> list[str]:
    """Those of ``tools`` that are not installed, sorted."""
    return sorted({tool for tool in tools if shutil.which(tool, path=search_path) is None})


def require(tools: Iterable[str], search_path: str = SEARCH_PATH) -> None:
    """Refuse to go on unless every tool is installed.

    Raises:
        ExecutionEnvironment: ``missing-binary``, naming every missing tool and the packages to install.
    """
    absent = missing(tools, search_path)
    if not absent:
        return
    packages = sorted({package for tool in absent if (package := package_of(tool)) is not None})
    quoted = ", ".join(f"'{tool}'" for tool in absent)
    raise ExecutionEnvironment(
        "missing-binary",
        f"Trident needs {quoted}, which {'is' if len(absent) == 1 else 'are'} not installed on this system.",
        hint=f"On Debian: apt-get install {' '.join(packages)}" if packages else None,
        details={"binary": ", ".join(absent), "packages": packages},
    )
