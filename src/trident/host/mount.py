"""Mounting and unmounting. Unmounts are synchronous: done means that nothing holds the device any more."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from trident.errors import Servicing
from trident.host.holders import holders_of
from trident.host.mountinfo import mounts_below
from trident.host.process import run

# Everything that Trident mounts is mounted below this directory, so that what an interrupted run left
# behind can be found and left again.
RUN_DIRECTORY = Path("/run/trident")

_PATIENCE = 5.0
_PAUSE = 0.1


@contextlib.contextmanager
def mounted(
    source: str | os.PathLike[str],
    target: Path,
    *,
    fstype: str | None = None,
    options: Iterable[str] = (),
) -> Iterator[Path]:
    """Mount ``source`` at ``target`` for the body, and unmount it however the body ends.

    Args:
        source: a device node, or a name such as ``tmpfs`` for file systems without one.
        target: an existing directory.
        fstype: file system type; ``None`` lets ``mount`` look for itself.
        options: mount options.

    Raises:
        Servicing: ``mount`` if it cannot be mounted; ``unmount`` as :func:`unmount`.
    """
    _mount(source, target, fstype, tuple(options))
    try:
        yield target
    finally:
        unmount(target)


def unmount(target: Path, *, patience: float = _PATIENCE) -> None:
    """Unmount ``target`` and wait until it is done; never lazily. Nothing mounted there is fine.

    Args:
        target: the mount point.
        patience: seconds to keep trying while something holds it.

    Raises:
        Servicing: ``unmount``, naming the processes and mounts that hold it.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            run(["umount", target])
        except Servicing as error:
            if not _is_mounted(target):
                return
            if time.monotonic() >= deadline:
                raise _busy(target, error) from error
            time.sleep(_PAUSE)
        else:
            return


def unmount_below(directory: Path) -> tuple[Path, ...]:
    """Unmount whatever is mounted at ``directory`` or inside it, innermost first; returns what was left.

    An earlier run that was killed leaves its mounts behind; this is how the next run begins afresh.

    Raises:
        Servicing: as :func:`unmount`.
    """
    targets = tuple(mount.target for mount in reversed(mounts_below(directory)))
    for target in targets:
        unmount(target)
    return targets


def sync_filesystem(path: Path) -> None:
    """Write everything that the file system holding ``path`` has in memory to its device.

    Raises:
        Servicing: ``command-failed`` if the device reports an error.
    """
    run(["sync", "--file-system", path])


def _mount(
    source: str | os.PathLike[str], target: Path, fstype: str | None, options: tuple[str, ...]
) -> None:
    command: list[str | os.PathLike[str]] = ["mount"]
    if fstype is not None:
        command += ["--types", fstype]
    if options:
        command += ["--options", ",".join(options)]
    try:
        run([*command, "--", source, target])
    except Servicing as error:
        raise Servicing(
            "mount",
            f"'{os.fspath(source)}' cannot be mounted at {target}. {error.message}",
            details={"source": os.fspath(source), "target": str(target)},
        ) from error


def _is_mounted(target: Path) -> bool:
    return any(mount.target == target.resolve() for mount in mounts_below(target.resolve()))


def _busy(target: Path, error: Servicing) -> Servicing:
    holders = holders_of(target)
    held = "; ".join(str(holder) for holder in holders)
    return Servicing(
        "unmount",
        f"{target} cannot be unmounted. " + (f"It is held by {held}." if held else error.message),
        hint="End the named processes, then run the command again." if holders else None,
        details={"target": str(target), "holders": [str(holder) for holder in holders]},
    )
