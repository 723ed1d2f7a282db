"""systemd-sysext(8) and systemd-confext(8): merging extension images, and what is merged."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trident.errors import Servicing
from trident.host.mount import RUN_DIRECTORY, mounted, unmount_below
from trident.host.mountinfo import Mount, read_mounts
from trident.host.process import run, run_json

# A refresh mounts some overlays; a program that takes longer than this hangs.
_PATIENCE = 300.0
# The names under which systemd mounts its overlays.
_OVERLAYS = {"sysext", "confext"}
_BENEATH = RUN_DIRECTORY / "beneath"


def refresh(program: str, root: Path = Path("/")) -> str:
    """Merge the extensions that are in place, and no others.

    Args:
        program: ``systemd-sysext`` or ``systemd-confext``.
        root: the system's tree.

    Returns:
        what the program said; it may end with 0 although it could not merge anything.

    Raises:
        Servicing: ``command-failed`` with the program's own words, ``command-timed-out``.
        ExecutionEnvironment: ``missing-binary``.
    """
    return run([program, *_at(root), "refresh"], timeout=_PATIENCE).stderr.strip()


def merged(program: str, root: Path = Path("/")) -> frozenset[str]:
    """The names of the extensions that are merged now.

    Args:
        program: ``systemd-sysext`` or ``systemd-confext``.
        root: the system's tree.

    Raises:
        Servicing: ``command-failed`` if the program fails or prints something else.
        ExecutionEnvironment: ``missing-binary``.
    """
    return names_merged(run_json([program, *_at(root), "status", "--json=short"], timeout=_PATIENCE))


def names_merged(document: Any) -> frozenset[str]:
    """The names in what ``status --json=short`` prints: a list of hierarchies, each with its extensions.

    A hierarchy without any says "none" instead of a list.

    Raises:
        Servicing: ``command-failed`` if it is something else.
    """
    names: set[str] = set()
    try:
        for hierarchy in document:
            extensions = hierarchy["extensions"]
            if not isinstance(extensions, str):
                names.update(str(name) for name in extensions or ())
    except (TypeError, KeyError) as error:
        raise Servicing(
            "command-failed", "systemd's list of merged extensions cannot be understood."
        ) from error
    return frozenset(names)


@contextlib.contextmanager
def beneath_merged(directory: str, root: Path = Path("/")) -> Iterator[Path]:
    """A tree in which ``directory`` can be written although extensions are merged over it.

    What systemd merges into ``/usr``, ``/opt`` or ``/etc`` is a read-only overlay; the host's own directory
    lies beneath it. Where none covers ``directory``, the tree is ``root`` itself.

    Args:
        directory: absolute path in the system.
        root: the system's tree.

    Raises:
        Servicing: ``set-up-extension-images`` if the host's own directory is out of reach.
    """
    mounts = read_mounts()
    covered = _holding(root / directory.lstrip("/"), mounts)
    if covered is None or not _is_merged(covered):
        yield root
        return
    under = [mount for mount in mounts if mount.target == covered.target and not _is_merged(mount)]
    if under:
        raise Servicing(
            "set-up-extension-images",
            f"{directory} cannot be written: extensions are merged over {covered.target}, which is a file "
            "system of its own.",
            hint="Give the extensions paths below /var/lib.",
            details={"path": directory},
        )
    _BENEATH.mkdir(mode=0o700, parents=True, exist_ok=True)
    unmount_below(_BENEATH)
    with mounted(root, _BENEATH, options=("bind", "private")):
        yield _BENEATH


def _at(root: Path) -> list[str]:
    return [] if root == Path("/") else [f"--root={root}"]


def _is_merged(mount: Mount) -> bool:
    return mount.fstype == "overlay" and mount.source in _OVERLAYS


def _holding(path: Path, mounts: tuple[Mount, ...]) -> Mount | None:
    """The mount that a path is on: the innermost, and of several at one place the last."""
    found: Mount | None = None
    for mount in mounts:
        inside = path.is_relative_to(mount.target)
        if inside and (found is None or mount.target.is_relative_to(found.target)):
            found = mount
    return found
