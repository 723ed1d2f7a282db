"""Putting extension images where systemd looks for them, and taking them away: again gives the same end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from trident.errors import Servicing
from trident.host.files import Tree
from trident.host.sysext import beneath_merged
from trident.subsystems.extensions.kinds import SUFFIX, Kind
from trident.subsystems.extensions.store import Store, has_hash

if TYPE_CHECKING:
    from trident.config.model import Extension

_MODE = 0o600


def place(kind: Kind, extension: Extension, root: Path) -> str:
    """Put an image from the store of the system below ``root`` in its place; returns the path there.

    Raises:
        Servicing: ``create-extension-image-directories``, ``set-up-extension-images``.
    """
    there = in_place(kind, extension, root)
    if there is not None:
        return there
    stored = Store(root).whole(kind, extension.sha384)
    if stored is None:
        raise Servicing(
            "set-up-extension-images",
            f"The image of the {kind.noun} for {kind.place(extension)} is not in the store, or damaged.",
            hint="Run the update again, with stage; it fetches the image.",
            details={"sha384": extension.sha384},
        )
    destination = kind.destination(extension, stored.name)
    directory = str(PurePosixPath(destination).parent)
    with beneath_merged(directory, root) as top:
        tree = Tree(top)
        try:
            tree.make_directories(directory)
        except OSError as error:
            raise Servicing(
                "create-extension-image-directories",
                f"The directory {directory} for extensions cannot be made: {error.strerror}.",
                details={"path": directory},
            ) from error
        try:
            if not tree.link(stored.path, destination):
                with stored.file.open("rb") as file:
                    tree.write(destination, file, mode=_MODE)
        except OSError as error:
            raise Servicing(
                "set-up-extension-images",
                f"The {kind.noun} cannot be put at {destination}: {error.strerror}.",
                details={"path": destination},
            ) from error
    return destination


def remove(kind: Kind, extension: Extension, kept: Iterable[Extension], root: Path) -> str | None:
    """Take an extension away, unless one of ``kept`` lies there; returns the path that is free now.

    Raises:
        Servicing: ``set-up-extension-images``.
    """
    path = whereabouts(kind, extension, root)
    if path is None or path in {whereabouts(kind, other, root) for other in kept}:
        return None
    with beneath_merged(str(PurePosixPath(path).parent), root) as top:
        try:
            Tree(top).remove(path)
        except OSError as error:
            raise Servicing(
                "set-up-extension-images",
                f"The {kind.noun} {path} cannot be removed: {error.strerror}.",
                details={"path": path},
            ) from error
    return path


def whereabouts(kind: Kind, extension: Extension, root: Path) -> str | None:
    """Where an extension lies or is to lie; ``None`` if nothing tells its name."""
    if extension.path is not None:
        return kind.place(extension)
    stored = Store(root).find(kind, extension.sha384)
    if stored is not None:
        return kind.destination(extension, stored.name)
    return in_place(kind, extension, root)


def in_place(kind: Kind, extension: Extension, root: Path) -> str | None:
    """The path at which the very image lies, whole; ``None`` if it does not."""
    tree = Tree(root)
    if extension.path is not None:
        names = [kind.place(extension)]
    else:
        stored = Store(root).find(kind, extension.sha384)
        if stored is not None:
            names = [kind.destination(extension, stored.name)]
        else:
            names = [f"{kind.directory}/{name}" for name in _images(tree, kind.directory)]
    for name in names:
        with contextlib.suppress(OSError):
            if has_hash(tree.real_path(name), extension.sha384):
                return name
    return None


def _images(tree: Tree, directory: str) -> list[str]:
    try:
        return sorted(entry.name for entry in tree.real_path(directory).iterdir() if entry.suffix == SUFFIX)
    except OSError:
        return []
