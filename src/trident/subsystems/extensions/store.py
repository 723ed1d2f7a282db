"""The store: every extension image that a system needs or may need again, by its SHA-384.

``/var/lib/trident-extensions/sysexts/SHA384/NAME.raw``, likewise ``confexts``; NAME is the one in the
image's extension-release. It lies on the volume of the system that it belongs to, beside the directories
that systemd reads, so A and B each have their own. Only root may enter it. What is being fetched lies in
``incoming`` until it is verified. ``enabled`` names the services that a runtime update had to enable.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trident.errors import Servicing
from trident.host.files import Tree, sync_directory
from trident.image.fetch import sha384_of
from trident.subsystems.extensions.kinds import KINDS, STORE, SUFFIX, Kind

_INCOMING = f"{STORE}/incoming"
_ENABLED = f"{STORE}/enabled"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stored:
    """An image in the store: the NAME of the extension, its path inside the system, and on this machine."""

    name: str
    path: str
    file: Path


class Store:
    """The store of the system whose tree begins at ``root``."""

    def __init__(self, root: Path) -> None:
        self.tree = Tree(root)

    def find(self, kind: Kind, sha384: str) -> Stored | None:
        """The image with this hash, by its name in the store; the bytes are not looked at.

        Raises:
            Servicing: ``extension-store`` if the store cannot be read.
        """
        directory = f"{STORE}/{kind.field}/{sha384.lower()}"
        with _failing("read"):
            try:
                entries = tuple(self.tree.real_path(directory).iterdir())
            except FileNotFoundError:
                return None
            # A link or a directory was not put there by Trident.
            names = [entry.name for entry in entries if entry.suffix == SUFFIX and _is_file(entry)]
            if len(names) != 1:
                return None
            path = f"{directory}/{names[0]}"
            return Stored(names[0].removesuffix(SUFFIX), path, self.tree.real_path(path))

    def whole(self, kind: Kind, sha384: str) -> Stored | None:
        """The image with this hash, if it is there and its bytes are right.

        Raises:
            Servicing: ``extension-store`` if the store cannot be read.
        """
        stored = self.find(kind, sha384)
        if stored is not None and has_hash(stored.file, sha384):
            return stored
        return None

    def incoming(self) -> Path:
        """An empty directory for what is not verified yet. What a killed run left there is removed.

        Raises:
            Servicing: ``extension-store`` if it cannot be made.
        """
        with _failing("written"):
            self.tree.set_directory(STORE, mode=0o700, owner=(0, 0))
            self.tree.make_directories(_INCOMING, mode=0o700)
            directory = self.tree.real_path(_INCOMING)
            _empty(directory)
            return directory

    def keep(self, kind: Kind, sha384: str, name: str, file: Path) -> Stored:
        """Take the verified ``file``, which lies in ``incoming``, into the store, durably.

        Raises:
            Servicing: ``extension-store`` if that is not possible.
        """
        directory = f"{STORE}/{kind.field}/{sha384.lower()}"
        with _failing("written"):
            self.tree.make_directories(directory, mode=0o700)
            real = self.tree.real_path(directory)
            _empty(real)  # A damaged one, or one under another name.
            file.rename(real / f"{name}{SUFFIX}")
            sync_directory(real)
        found = self.find(kind, sha384)
        assert found is not None
        return found

    def enabled(self) -> frozenset[str]:
        """The services that Trident has enabled on the running system.

        Raises:
            Servicing: ``extension-store`` if the store cannot be read.
        """
        with _failing("read"):
            return frozenset((self.tree.read(_ENABLED) or b"").decode(errors="replace").split())

    def set_enabled(self, services: Iterable[str]) -> None:
        """Remember which services Trident has enabled.

        Raises:
            Servicing: ``extension-store`` if that is not possible.
        """
        names = sorted(services)
        with _failing("written"):
            if not names:
                self.tree.remove(_ENABLED)
                return
            self.tree.set_directory(STORE, mode=0o700, owner=(0, 0))
            self.tree.write(_ENABLED, "\n".join(names) + "\n", mode=0o600)

    def prune(self, needed: Iterable[tuple[str, str]]) -> None:
        """Remove every image but those that are needed, and whatever is being fetched.

        Args:
            needed: field and SHA-384 of each.

        Raises:
            Servicing: ``extension-store`` if one cannot be removed.
        """
        keep = {(field, sha384.lower()) for field, sha384 in needed}
        with _failing("cleaned up"):
            try:
                top = self.tree.real_path(STORE)
            except FileNotFoundError:
                return
            if (top / "incoming").is_dir():
                _empty(top / "incoming")
            for kind in KINDS:
                directory = top / kind.field
                for entry in directory.iterdir() if directory.is_dir() else ():
                    if (kind.field, entry.name) not in keep:
                        _log.info("removing the extension image %s, which nothing needs any more", entry)
                        _remove(entry)


def has_hash(file: Path, sha384: str) -> bool:
    """Whether a file is there, readable, and has this SHA-384."""
    try:
        return sha384_of(file) == sha384.lower()
    except OSError:
        return False


@contextlib.contextmanager
def _failing(done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Servicing(
            "extension-store",
            f"The store of extension images, {STORE}, cannot be {done}: {error.strerror}.",
            hint="It must lie on a volume that can be written and has room.",
            details={"path": STORE},
        ) from error


def _is_file(entry: Path) -> bool:
    return entry.is_file() and not entry.is_symlink()


def _empty(directory: Path) -> None:
    for entry in directory.iterdir():
        _remove(entry)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()
