"""What programs inside a target tree expect to find: /dev, /proc, /sys, and empty /run and /tmp."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from trident.errors import Servicing
from trident.host.files import Tree
from trident.host.mount import bound, mounted

# A fresh sysfs has no efivarfs in it, and a fresh /run no sockets: what runs inside the target cannot
# change the firmware's variables or talk to the servicing OS's service manager by accident.
_FRESH = (("proc", "proc"), ("sys", "sysfs"), ("run", "tmpfs"), ("tmp", "tmpfs"))
_TMPFS_MODES = {"run": "mode=0755", "tmp": "mode=1777"}


@contextlib.contextmanager
def furnished(root: Path) -> Iterator[Path]:
    """Mount what programs need inside ``root`` for the body; run them with ``process.run(…, root=root)``.

    Raises:
        Servicing: ``chroot-mount-special-dir`` if one of the directories cannot be used, ``unmount`` if a
            program that was started inside keeps one of them busy.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(bound(Path("/dev"), _directory(root, "dev")))
        if Path("/dev/pts").is_dir():
            stack.enter_context(bound(Path("/dev/pts"), _directory(root, "dev/pts")))
        for name, fstype in _FRESH:
            options = (_TMPFS_MODES[name],) if name in _TMPFS_MODES else ("nosuid", "nodev", "noexec")
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
