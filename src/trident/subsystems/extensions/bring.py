"""Bringing one extension image into a system's store: from where it already is, or from its URL."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from trident.errors import InvalidInput, Servicing, TridentError
from trident.host.files import Tree
from trident.host.sysext import beneath_merged
from trident.image.extension import ExtensionImage, read_extension
from trident.image.extension_release import misfit
from trident.image.fetch import copy, fetch
from trident.image.os_release import OsRelease
from trident.image.source import Patience, open_source, shown_url
from trident.subsystems.extensions.kinds import KINDS, STORE, SUFFIX, Kind
from trident.subsystems.extensions.place import in_place
from trident.subsystems.extensions.store import Store

if TYPE_CHECKING:
    from trident.config.model import Extension, HostConfiguration
    from trident.image.source import Source

Moved = Callable[[int, int], None]

# For numbers that only a plan shows.
_HASTE = Patience(connect=3.0, silence=3.0, retries=0)

# What the sources call their errors, which are about OS images, and what they are called here.
_CODES = {
    "load-cosi": "load-extension-image",
    "fetch-os-image": "fetch-extension-image",
    "os-image-changed": "extension-image-changed",
}


@dataclass(frozen=True)
class Bringing:
    """How images come into the store of one system.

    Attributes:
        root: where that system's tree begins.
        running: where the running system's tree begins; the same in a runtime update.
        architecture: of the system, ``x86_64`` or ``arm64``.
        moved: called with bytes so far and in all, of what is fetched.
    """

    root: Path
    running: Path
    architecture: str
    moved: Moved

    def bring(self, kind: Kind, extension: Extension, *, present: bool) -> ExtensionImage:
        """See that the store has the image, and that it fits the system.

        Args:
            kind: of the extension.
            extension: which one.
            present: the running system was made with the same image, so it may be in place there.

        Raises:
            TridentError: it cannot be had, or it does not fit; the store is as before.
        """
        store = Store(self.root)
        stored = store.whole(kind, extension.sha384)
        if stored is not None:
            return self._judged(kind, extension, stored.file)
        with _incoming(store) as incoming:
            if not self._copied(kind, extension, incoming, present=present):
                self._fetched(kind, extension, incoming)
            image = self._judged(kind, extension, incoming)
            store.keep(kind, extension.sha384, image.name, incoming)
        return image

    def keep_replaced(self, kind: Kind, extension: Extension) -> bool:
        """See that the store has an image that is going to be replaced or removed; whether it has it now.

        Raises:
            Servicing: ``extension-store``, ``no-space-for-extension``.
        """
        store = Store(self.root)
        if store.whole(kind, extension.sha384) is not None:
            return True
        path = in_place(kind, extension, self.root)
        if path is None:
            return False
        with _incoming(store) as incoming:
            if not self._copy(Tree(self.root).real_path(path), incoming, extension.sha384):
                return False
            store.keep(kind, extension.sha384, PurePosixPath(path).name.removesuffix(SUFFIX), incoming)
        return True

    def _copied(self, kind: Kind, extension: Extension, incoming: Path, *, present: bool) -> bool:
        return any(
            self._copy(file, incoming, extension.sha384) for file in self._here(kind, extension, present)
        )

    def _here(self, kind: Kind, extension: Extension, present: bool) -> Iterator[Path]:
        """Files of the running system that should be the image."""
        if self.running != self.root:
            stored = Store(self.running).find(kind, extension.sha384)
            if stored is not None:
                yield stored.file
        path = in_place(kind, extension, self.running) if present else None
        if path is not None:
            yield Tree(self.running).real_path(path)

    def _copy(self, file: Path, incoming: Path, sha384: str) -> bool:
        incoming.unlink(missing_ok=True)
        with writing(incoming):
            need_room(incoming.parent, file.stat().st_size, str(file))
            return copy(file, incoming) == sha384.lower()

    def _fetched(self, kind: Kind, extension: Extension, incoming: Path) -> None:
        shown = shown_url(extension.url)
        incoming.unlink(missing_ok=True)
        with extension_source(extension) as source:
            need_room(incoming.parent, source.size, shown)
            self._need_place(kind, extension, source.size)
            with writing(incoming):
                found = fetch(source, incoming, self.moved)
        if found != extension.sha384.lower():
            raise InvalidInput(
                "extension-image-hash-mismatch",
                f"The {kind.noun} '{shown}' has the SHA-384 {found}, but the Host Configuration says "
                f"{extension.sha384.lower()}.",
                hint="Correct 'sha384' if the image is the right one; else publish the right image.",
                details={"url": shown, "expected": extension.sha384.lower(), "found": found},
            )

    def _judged(self, kind: Kind, extension: Extension, file: Path) -> ExtensionImage:
        shown = shown_url(extension.url)
        image = read_extension(file, kind.image, shown=shown, architecture=self.architecture)
        reason = misfit(
            image.release,
            os_release(self.root).fields,
            prefix=kind.image.prefix,
            architecture=self.architecture,
        )
        if reason is not None:
            raise InvalidInput(
                "incompatible-extension-image",
                f"The {kind.noun} '{shown}' ({image.name}) does not fit the system: {reason}.",
                hint="systemd would not merge it. Build it for this system, or with ID=_any if it fits all.",
                details={"url": shown, "name": image.name},
            )
        destination = PurePosixPath(kind.destination(extension, image.name))
        if destination.name != image.name + SUFFIX:
            raise InvalidInput(
                "extension-image-name-mismatch",
                f"The {kind.noun} '{shown}' is to be put at {destination}, but its extension-release says "
                f"that its name is '{image.name}'.",
                hint=f"Write 'path: {destination.parent / (image.name + SUFFIX)}'.",
                details={"path": str(destination), "name": image.name},
            )
        self._need_place(kind, extension, file.stat().st_size)
        return image

    def _need_place(self, kind: Kind, extension: Extension, size: int) -> None:
        """See that the directory that systemd reads can be written, and has room where no link will do."""
        directory = kind.directory_of(extension)
        with beneath_merged(directory, self.root) as root:
            there = nearest_directory(Tree(root), directory)
            if os.statvfs(there).f_flag & os.ST_RDONLY:
                raise Servicing(
                    "set-up-extension-images",
                    f"The {kind.noun} '{shown_url(extension.url)}' cannot be put into {directory}, which is "
                    "on a file system that is read-only.",
                    hint="Give it a path on a volume that can be written.",
                    details={"path": directory},
                )
            if there.stat().st_dev != nearest_directory(Tree(self.root), STORE).stat().st_dev:
                need_room(there, size, directory)


@contextlib.contextmanager
def _incoming(store: Store) -> Iterator[Path]:
    """Where an image is written until it is verified; one that the store does not keep takes no room."""
    incoming = store.incoming() / "image"
    try:
        yield incoming
    finally:
        with contextlib.suppress(OSError):
            incoming.unlink(missing_ok=True)


@contextlib.contextmanager
def extension_source(extension: Extension, patience: Patience | None = None) -> Iterator[Source]:
    """The open source of an extension image; its errors are told as an extension's.

    Raises:
        TridentError: ``load-extension-image``, ``fetch-extension-image``, ``extension-image-changed``, or
            another of :func:`trident.image.source.open_source`.
    """
    try:
        source = open_source(extension.url, patience)
        try:
            yield source
        finally:
            source.close()
    except TridentError as error:
        if error.code not in _CODES:
            raise
        renamed = type(error)(
            _CODES[error.code],
            error.message.replace("The image", "The extension image", 1),
            hint=error.hint,
            details=error.details,
        )
        raise renamed from error.__cause__


def sizes_to_fetch(configuration: HostConfiguration, running: Path = Path("/")) -> dict[str, int]:
    """Bytes of each extension image that the running system does not have, by SHA-384.

    An image whose server does not say so soon has no entry.
    """
    sizes: dict[str, int] = {}
    for kind in KINDS:
        for extension in kind.listed(configuration):
            if not kind.can_fetch(extension):
                continue
            with contextlib.suppress(TridentError):
                if Store(running).find(kind, extension.sha384) is None:
                    with extension_source(extension, _HASTE) as source:
                        sizes[extension.sha384.lower()] = source.size
    return sizes


@contextlib.contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn what the system says about a file that is being written into one error."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_room(target.parent, None, str(target)) from error
        raise Servicing(
            "extension-store",
            f"An extension image cannot be written to the store {STORE}: {error.strerror}.",
            hint="It must lie on a volume that can be written.",
            details={"path": STORE},
        ) from error


def need_room(directory: Path, size: int, what: str) -> None:
    """Refuse before the first byte where a file of ``size`` bytes does not fit.

    Raises:
        Servicing: ``no-space-for-extension``.
    """
    found = os.statvfs(directory)
    if size > found.f_bavail * found.f_frsize:
        raise no_room(directory, size, what)


def no_room(directory: Path, size: int | None, what: str) -> Servicing:
    """The error that an extension image does not fit."""
    found = os.statvfs(directory)
    free = found.f_bavail * found.f_frsize
    needed = f"{size} bytes for '{what}'" if size is not None else "more room for extension images"
    return Servicing(
        "no-space-for-extension",
        f"The volume of {directory} needs {needed}, and has {free} free.",
        hint="Make room on it, or make it larger.",
        details={"path": str(directory), "needed": size, "free": free},
    )


def nearest_directory(tree: Tree, path: str) -> Path:
    """Where ``path`` really lies, or the innermost directory above it that is there."""
    candidates: Iterable[PurePosixPath] = (PurePosixPath(path), *PurePosixPath(path).parents)
    for candidate in candidates:
        with contextlib.suppress(OSError):
            return tree.real_path(str(candidate))
    return tree.root


def os_release(root: Path) -> OsRelease:
    """The os-release of the system below ``root``; without one, an empty one (os-release(5))."""
    tree = Tree(root)
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        with contextlib.suppress(OSError):
            content = tree.read(path)
            if content is not None:
                return OsRelease(content.decode(errors="replace"))
    return OsRelease()
