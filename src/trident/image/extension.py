"""Reading an extension image: a bare file system, or a discoverable disk image with a partition table."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from trident.errors import InvalidInput, Servicing
from trident.host.extension_image import FILESYSTEMS, content_type, opened
from trident.host.files import Tree
from trident.host.partition_types import partition_type_of
from trident.image.extension_release import ExtensionKind
from trident.image.gpt import GptPartition, parse_gpt
from trident.image.os_release import OsRelease

_PREFIX = "extension-release."
# What systemd takes for an image's name, and what can stand in a file name beside ".raw".
_NAME = re.compile(r"[^/\x00-\x20\x7f.][^/\x00-\x20\x7f]{0,199}")
_SECTOR_SIZES = (512, 4096)
# Both tables fit: 128 entries need 16 KiB, and 1 MiB is the most that is read.
_TABLE = 1024 * 1024 + 2 * 4096
_LARGEST_RELEASE = 64 * 1024
# Both kinds: systemd takes no image for an extension that has it.
_FORBIDDEN = "/usr/lib/os-release"


@dataclass(frozen=True)
class ExtensionImage:
    """What an extension image says of itself: its name, its ``SYSEXT_ID`` or ``CONFEXT_ID``, all fields."""

    name: str
    id: str
    release: Mapping[str, str]


def read_extension(file: Path, kind: ExtensionKind, *, shown: str, architecture: str) -> ExtensionImage:
    """Open an image and read its one extension-release file.

    Args:
        file: the whole image.
        kind: what it has to be.
        shown: how messages call it.
        architecture: of the system that it is for, ``x86_64`` or ``arm64``: decides which partition counts.

    Raises:
        InvalidInput: ``invalid-extension-image`` if it is no extension image of this kind.
        Servicing: ``unmount`` if something else holds what was mounted.
    """
    image = _Reading(file, kind, shown)
    with image.mounted(architecture) as (directory, hierarchy):
        return image.read(Tree(directory), hierarchy)


@dataclass(frozen=True)
class _Reading:
    file: Path
    kind: ExtensionKind
    shown: str

    def wrong(self, reason: str, *, hint: str | None = None) -> InvalidInput:
        return InvalidInput(
            "invalid-extension-image",
            f"The {self.kind.noun} '{self.shown}' cannot be used: {reason}.",
            hint=hint
            or "Build it as a discoverable disk image, for example with 'mkosi --format=sysext', "
            "or as one squashfs, erofs or ext4 file system.",
            details={"url": self.shown},
        )

    @contextlib.contextmanager
    def mounted(self, architecture: str) -> Iterator[tuple[Path, str]]:
        """The image's files, and which directory of the host they begin at: ``/`` or ``/usr``."""
        offset, size, hierarchy = self._file_system(architecture)
        fstype = content_type(self.file, offset, size)
        if fstype == "crypto_LUKS":
            raise self.wrong("it is encrypted")
        if fstype not in FILESYSTEMS:
            raise self.wrong(f"it holds {f'a {fstype}' if fstype else 'no file system that is known'}")
        with contextlib.ExitStack() as stack:
            try:
                directory = stack.enter_context(opened(self.file, fstype, offset, size))
            except Servicing as error:
                if error.code != "mount":
                    raise
                raise self.wrong(
                    f"its {fstype} file system cannot be mounted; it is cut short, damaged, or of a type "
                    "that this kernel does not have"
                ) from error
            yield directory, hierarchy

    def _file_system(self, architecture: str) -> tuple[int, int | None, str]:
        """Where its file system lies, in bytes, and which directory of the host that is."""
        size = self.file.stat().st_size
        with self.file.open("rb") as file:
            head = file.read(_TABLE)
        sector = next((size for size in _SECTOR_SIZES if head[size : size + 8] == b"EFI PART"), None)
        if sector is None:
            return 0, None, "/"
        try:
            table = parse_gpt(head, sector, size)
        except InvalidInput as error:
            raise self.wrong(error.message.rstrip(".")) from error
        partition, hierarchy = self._partition(table.partitions, architecture)
        return partition.first_lba * sector, partition.blocks * sector, hierarchy

    def _partition(self, partitions: tuple[GptPartition, ...], architecture: str) -> tuple[GptPartition, str]:
        """What systemd would mount: the root partition of this architecture, its /usr, or the only one."""
        typed = [(partition_type_of(entry.type), entry) for entry in partitions]
        for name, hierarchy in (("root", "/"), ("usr", "/usr")):
            for kind, entry in typed:
                if kind == (name, architecture):
                    return entry, hierarchy
        generic = [entry for kind, entry in typed if kind == ("linux-generic", None)]
        if len(generic) == 1:
            return generic[0], "/"
        held = sorted({f"{kind[0]} ({kind[1]})" if kind[1] else kind[0] for kind, _ in typed if kind})
        raise self.wrong(
            f"its partition table has no root or usr partition for {architecture}, "
            + (f"only {', '.join(held)}" if held else "and nothing else that is known")
        )

    def read(self, tree: Tree, hierarchy: str) -> ExtensionImage:
        if tree.exists(_inside(_FORBIDDEN, hierarchy)):
            raise self.wrong(
                f"it holds {_FORBIDDEN}, which would hide that of the host; systemd does not merge it",
                hint="Build it without that file.",
            )
        directory = self.kind.release_directory
        names = _names(tree, _inside(directory, hierarchy))
        if len(names) != 1:
            found = ", ".join(f"{name!r}" for name in names[:5]) if names else "none"
            raise self.wrong(f"it must hold exactly one {directory}/{_PREFIX}NAME, and holds {found}")
        name = names[0].removeprefix(_PREFIX)
        if name == names[0] or _NAME.fullmatch(name) is None or not name.isprintable():
            raise self.wrong(f"the file {names[0]!r} in its {directory} is not called {_PREFIX}NAME")
        release = self._release(tree, f"{_inside(directory, hierarchy)}/{names[0]}")
        key = f"{self.kind.prefix}_ID"
        if not release.get(key):
            raise self.wrong(
                f"its {_PREFIX}{name} has no {key}, which tells the extension from others",
                hint=f"Add a line '{key}=NAME' to it.",
            )
        return ExtensionImage(name, release[key], release)

    def _release(self, tree: Tree, path: str) -> Mapping[str, str]:
        try:
            real = tree.real_path(path)
            if not real.is_file() or real.stat().st_size > _LARGEST_RELEASE:
                raise self.wrong(f"{path} is not a small file")
            text = (tree.read(path) or b"").decode()
        except OSError as error:
            raise self.wrong(f"{path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise self.wrong(f"{path} is not UTF-8") from error
        return OsRelease(text).fields


def _inside(path: str, hierarchy: str) -> str:
    """A path of the host inside a file system that is mounted there at ``hierarchy``."""
    if hierarchy == "/":
        return path
    return path.removeprefix(hierarchy) if path.startswith(hierarchy + "/") else "/nowhere"


def _names(tree: Tree, directory: str) -> list[str]:
    try:
        return sorted(entry.name for entry in tree.real_path(directory).iterdir())
    except OSError:
        return []
