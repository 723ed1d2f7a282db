"""What programs inside a target tree expect to find: /dev, /proc, /sys, and empty /run and /tmp."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from trident.errors import Servicing
from trident.host.files import Tree
from trident.host.mount import mounted

# Fresh mounts instead of bind mounts: a fresh sysfs has no efivarfs in it and a fresh /run no sockets, so
# what runs inside the target cannot change the firmware's variables or talk to the servicing OS's
# service manager by accident. And what is mounted on a bind mount of a shared /dev would appear in the
# servicing OS's own /dev, be used there, and keep the target busy.
_MOUNTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("dev", "devtmpfs", ("nosuid",)),
    ("dev/pts", "devpts", ("gid=5", "mode=620", "ptmxmode=666")),
    ("proc", "proc", ("nosuid", "nodev", "noexec")),
    ("sys", "sysfs", ("nosuid", "nodev", "noexec")),
    ("run", "tmpfs", ("mode=0755",)),
    ("tmp", "tmpfs", ("mode=1777",)),
)


@contextlib.contextmanager
def furnished(root: Path) -> Iterator[Path]:
    """Mount what programs need inside ``root`` for the body; run them with ``process.run(…, root=root)``.

    Raises:
        Servicing: ``chroot-mount-special-dir`` if one of the directories cannot be used, ``unmount`` if a
            program that was started inside keeps one of them busy.
    """
    with contextlib.ExitStack() as stack:
        for name, fstype, options in _MOUNTS:
            stack.enter_context(mounted(fstype, _directory(root, name), fstype=fstype, options=options))
        yield root


def _directory(root: Path, name: str) -> Path:
    """The directory ``/name`` of the tree, made if missing, without leaving the tree."""
    tree = Tree(root)
    try:
        tree.make_directories(f"/{name}")
        return tree.real_path(f"/{name}")
    except OSError as error:
        raise Servicing(
            "chroot-mount-special-dir",
            f"/{name} of the target cannot be used as a mount point: {error.strerror}.",
            details={"dir": f"/{name}"},
        ) from error
