"""The running system: where its root lives, what machine it is, and how to leave it."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

from trident.errors import Servicing, UnsupportedConfiguration
from trident.host.efi import EFIVARS_DIRECTORY
from trident.host.mountinfo import Mount, read_mounts
from trident.host.process import run
from trident.host.threads import start_thread

_log = logging.getLogger(__name__)

_IN_MEMORY = {"rootfs", "tmpfs", "ramfs"}
# Read-only by nature. Those of optical media are nothing else; the others are also what appliances boot from.
_OPTICAL = {"iso9660", "udf"}
_COMPRESSED = {"squashfs", "erofs", "cramfs"}
_LOOP_MAJOR = "7"
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_REBOOT_PATIENCE = 600.0
_SYNC_PATIENCE = 60.0
_REQUEST_PATIENCE = 120.0
_NAP = 0.5


def boot_type(sysroot: Path = Path("/")) -> str:
    """Where the running root file system lives: ``ram-disk``, ``live-media`` or ``persistent-storage``.

    The mounted root decides, not what the kernel's command line claims. In doubt it is persistent.

    Args:
        sysroot: where ``/proc`` is looked for.
    """
    mounts = read_mounts(sysroot)
    return _kind(_root(mounts), mounts)


def root_device(sysroot: Path = Path("/")) -> str | None:
    """Canonical node of the device that holds the running root file system; ``None`` without one.

    The kernel may call it ``/dev/root``, which exists nowhere; its device number does not lie.
    """
    root = _root(read_mounts(sysroot))
    if root is None:
        return None
    entry = sysroot / "sys/dev/block" / root.device_number
    if entry.exists():
        return f"/dev/{entry.resolve().name}"
    return str(Path(root.source).resolve()) if root.source.startswith("/dev/") else None


def architecture() -> str:
    """``x86_64`` or ``arm64``.

    Raises:
        UnsupportedConfiguration: ``unsupported-architecture`` on any other machine.
    """
    machine = platform.machine().lower()
    try:
        return _ARCHITECTURES[machine]
    except KeyError:
        raise UnsupportedConfiguration(
            "unsupported-architecture", f"Trident does not know machines of type '{machine}'."
        ) from None


def uefi_available(directory: Path = EFIVARS_DIRECTORY) -> bool:
    """Whether the firmware's variables are there to be read and written."""
    try:
        return any(directory.iterdir()) and os.access(directory, os.W_OK)
    except OSError:
        return False


def reboot(patience: float = _REBOOT_PATIENCE, on_its_way: Callable[[], None] = lambda: None) -> None:
    """Write everything to disk, reboot, and do not return.

    A file system whose server or disk is gone may never be written. It is not waited for for long: a host
    that goes back to its old system must get there. systemd syncs and unmounts once more on its way down.

    Args:
        patience: seconds that the system has to go down.
        on_its_way: called once the service manager has accepted to reboot.

    Raises:
        Servicing: ``reboot`` if the service manager refuses, ``reboot-timeout`` if the system still runs
            after ``patience`` seconds.
    """
    _sync()
    try:
        run(["systemctl", "reboot"], timeout=_REQUEST_PATIENCE)
    except Servicing as error:
        raise Servicing("reboot", f"The host cannot be rebooted. {error.message}") from error
    on_its_way()
    # In short naps: a signal that comes just before one is acted on after it.
    until = time.monotonic() + patience
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _NAP))
    raise Servicing(
        "reboot-timeout", f"The host is still running {patience:.0f} seconds after it was told to reboot."
    )


def _sync() -> None:
    """Write everything to disk, as far as that is possible in reasonable time."""
    with contextlib.suppress(RuntimeError):  # There is no room for a thread.
        writing = start_thread("sync", os.sync)
        writing.join(_SYNC_PATIENCE)
        if writing.is_alive():
            _log.warning(
                "Some file system is not written to its disk after %.0f seconds. The host reboots now.",
                _SYNC_PATIENCE,
            )


def _root(mounts: tuple[Mount, ...]) -> Mount | None:
    """The mount at ``/`` that is seen: the last one of those stacked there."""
    return next((mount for mount in reversed(mounts) if mount.target == Path("/")), None)


def _kind(root: Mount | None, mounts: tuple[Mount, ...]) -> str:
    if root is not None and root.fstype in _IN_MEMORY:
        return "ram-disk"
    if root is not None and (
        _is_medium(root) or (root.fstype == "overlay" and _is_live_overlay(root, mounts))
    ):
        return "live-media"
    return "persistent-storage"


def _is_medium(mount: Mount) -> bool:
    """Whether a mount is what live systems are read from: an optical medium, or a compressed image file."""
    return mount.fstype in _OPTICAL or (mount.fstype in _COMPRESSED and _is_loop(mount))


def _is_loop(mount: Mount) -> bool:
    return mount.device_number.partition(":")[0] == _LOOP_MAJOR


def _is_live_overlay(root: Mount, mounts: tuple[Mount, ...]) -> bool:
    """Whether an overlay at ``/`` is a live system's: written to memory, read from memory or an image.

    Paths in its options are those of the initial RAM file system. Where all of them lead nowhere now,
    the system counts as live only if its medium is still mounted somewhere.
    """
    options = dict(option.partition("=")[::2] for option in root.super_options)
    upper = _holding(options.get("upperdir", ""), mounts)
    lowers = [mount for path in options.get("lowerdir", "").split(":") if (mount := _holding(path, mounts))]
    if upper is None and not lowers:
        return any(_is_medium(mount) for mount in mounts)
    if upper is not None and upper.fstype not in _IN_MEMORY:
        return False
    return all(lower.fstype in _IN_MEMORY or _is_medium(lower) or _is_loop(lower) for lower in lowers)


def _holding(path: str, mounts: tuple[Mount, ...]) -> Mount | None:
    """The mount other than the root that holds ``path``; ``None`` if it is out of sight."""
    holding = [
        mount for mount in mounts if mount.target != Path("/") and Path(path).is_relative_to(mount.target)
    ]
    return max(holding, key=lambda mount: len(mount.target.parts), default=None)
