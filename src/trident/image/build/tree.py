"""A root tree in a staging directory: contents as plain files, everything else in a manifest.

Owners, modes, device nodes, time stamps and extended attributes are kept as data and never set on the
staged files, so that reading a tree needs no privileges and changes nothing of what it is read from.
"""

from __future__ import annotations

import enum
import fnmatch
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from trident.errors import InvalidInput

_MOST_LINKS = 40


class Kind(enum.Enum):
    """What stands at a path."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    CHARACTER = "c"
    BLOCK = "b"
    FIFO = "p"


@dataclass(frozen=True, slots=True)
class Node:
    """One path of a tree.

    Attributes:
        kind: what it is.
        mode: permission bits, 12 of them.
        uid: owner.
        gid: group.
        mtime: seconds since 1970.
        size: bytes of a file.
        digest: SHA-256 of a file's content.
        target: of a symbolic link.
        device: major and minor number of a device node.
        xattrs: names and values, sorted.
        link: path of the file that this is another name of.
    """

    kind: Kind
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    size: int = 0
    digest: str = ""
    target: str = ""
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[str, bytes], ...] = ()
    link: str | None = None


class Tree:
    """A tree and where its contents are staged.

    Attributes:
        staging: directory that holds directories, files, symbolic links and hard links of the tree.
        nodes: by path relative to the root, which itself is ``""``.
    """

    def __init__(self, staging: Path) -> None:
        self.staging = staging
        self.nodes: dict[str, Node] = {"": Node(Kind.DIRECTORY)}

    def staged(self, path: str) -> Path:
        """Where the content of ``path`` is."""
        return self.staging / path

    def resolve(self, path: str) -> str | None:
        """The path behind symbolic links, looked up inside the tree; ``None`` if there is nothing."""
        pending = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        here: list[str] = []
        followed = 0
        while pending:
            part = pending.pop()
            if part == "..":
                here = here[:-1]
                continue
            node = self.nodes.get("/".join([*here, part]))
            if node is None:
                return None
            if node.kind is not Kind.SYMLINK:
                here.append(part)
                continue
            followed += 1
            if followed > _MOST_LINKS:
                return None
            if node.target.startswith("/"):
                here = []
            pending += [step for step in reversed(node.target.split("/")) if step not in ("", ".")]
        return "/".join(here)

    def file(self, path: str) -> Path | None:
        """The staged content of the file that ``path`` leads to, or ``None`` if there is no such file."""
        real = self.resolve(path)
        if real is None or self.nodes[real].kind is not Kind.FILE:
            return None
        return self.staged(real)

    def glob(self, pattern: str) -> list[str]:
        """Paths in the order of their names that match a shell pattern, whose ``*`` match no ``/``."""
        depth = pattern.count("/")
        same_depth = (path for path in self.nodes if path.count("/") == depth)
        return sorted(path for path in same_depth if fnmatch.fnmatchcase(path, pattern))

    def add(self, path: str, node: Node) -> None:
        """Put ``node`` at ``path`` and stage what can be staged; a file's content is written by the caller.

        Raises:
            InvalidInput: ``invalid-root-tree`` if the path leads out of the tree or through a link.
        """
        self._make_parents(path)
        before = self.nodes.get(path)
        if before is not None and before.kind is Kind.DIRECTORY:
            if node.kind is not Kind.DIRECTORY:
                raise _unusable(f"'{path}' is both a directory and something else")
            self.nodes[path] = node
            return
        if before is not None:
            self.staged(path).unlink(missing_ok=True)
        self.nodes[path] = node
        if node.kind is Kind.DIRECTORY:
            self.staged(path).mkdir()
        elif node.kind is Kind.SYMLINK:
            self.staged(path).symlink_to(node.target)
        elif node.link is not None:
            self._link(path, node.link)

    def _make_parents(self, path: str) -> None:
        above = PurePosixPath(path).parent.as_posix()
        above = "" if above == "." else above
        parent = self.nodes.get(above)
        if parent is None:
            self.add(above, Node(Kind.DIRECTORY))
        elif parent.kind is not Kind.DIRECTORY:
            # A link here could lead the staging out of its directory.
            raise _unusable(f"'{path}' lies beneath '{above}', which is no directory")

    def _link(self, path: str, to: str) -> None:
        original = self.nodes.get(to)
        if original is None or original.kind not in (Kind.FILE, Kind.SYMLINK):
            raise _unusable(f"'{path}' is a hard link to '{to}', which is no file")
        os.link(self.staged(to), self.staged(path), follow_symlinks=False)
        self.nodes[path] = replace(original, link=original.link or to)

    def write(self, path: str, pieces: Iterator[bytes], node: Node) -> None:
        """Put a file at ``path`` with the content that ``pieces`` bring."""
        self.add(path, node)
        digest, size = hashlib.sha256(), 0
        with self.staged(path).open("xb") as file:
            for piece in pieces:
                digest.update(piece)
                size += file.write(piece)
        self.nodes[path] = replace(node, size=size, digest=digest.hexdigest())

    def replace_content(self, path: str, content: bytes, mtime: int) -> None:
        """Give the file that ``path`` leads to another content; what it was read from keeps its own."""
        real = self.resolve(path)
        if real is None or self.nodes[real].kind is not Kind.FILE:
            raise _unusable(f"it has no file '{path}'")
        node = replace(self.nodes[real], link=None, mtime=mtime)
        self.write(real, iter([content]), node)

    def remove(self, unwanted: Callable[[str], bool]) -> None:
        """Take every path out that ``unwanted`` names."""
        for path in sorted(self.nodes, reverse=True):  # what lies beneath comes first
            if not path or not unwanted(path):
                continue
            node = self.nodes.pop(path)
            if node.kind is Kind.DIRECTORY:
                self.staged(path).rmdir()
            else:
                self.staged(path).unlink(missing_ok=True)

    def newest(self) -> int:
        """The latest time stamp of a file, in seconds."""
        return max((node.mtime for node in self.nodes.values() if node.kind is Kind.FILE), default=0)

    def clamp(self, latest: int) -> None:
        """Let no time stamp be later than ``latest``."""
        for path, node in self.nodes.items():
            if not 0 <= node.mtime <= latest:
                self.nodes[path] = replace(node, mtime=latest if node.mtime > 0 else 0)

    def digest(self) -> str:
        """SHA-256 over everything that the tree holds."""
        digest = hashlib.sha256()
        for path in sorted(self.nodes):
            node = self.nodes[path]
            fields = (node.kind.value, node.mode, node.uid, node.gid, node.mtime, node.size, node.digest)
            digest.update(repr((path, *fields, node.target, node.device, node.xattrs, node.link)).encode())
        return digest.hexdigest()


def _unusable(reason: str) -> InvalidInput:
    return InvalidInput(
        "invalid-root-tree",
        f"The root tree cannot be used: {reason}.",
        hint="Make the tree again, for example with mmdebstrap.",
    )
