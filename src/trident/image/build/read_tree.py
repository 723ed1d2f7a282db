"""Reading a root tree from a directory or a tar archive into a :class:`Tree`."""

from __future__ import annotations

import contextlib
import errno
import io
import lzma
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import zstandard

from trident.errors import InvalidInput
from trident.image.build.tree import Kind, Node, Tree

_PIECE = 1024 * 1024
_XATTR = "SCHILY.xattr."
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_DEVICES = {tarfile.CHRTYPE: Kind.CHARACTER, tarfile.BLKTYPE: Kind.BLOCK, tarfile.FIFOTYPE: Kind.FIFO}
_SPECIAL = {stat.S_IFCHR: Kind.CHARACTER, stat.S_IFBLK: Kind.BLOCK, stat.S_IFIFO: Kind.FIFO}


def read_tree(source: Path, staging: Path) -> Tree:
    """Read ``source`` into the empty directory ``staging``.

    Args:
        source: a directory, which is only read, or a tar archive: plain, gzip, bzip2, xz or zstd. Owners are
            taken as numbers. Without root, use an archive: a directory shows one's own files as one's own.
        staging: where contents go.

    Raises:
        InvalidInput: ``invalid-root-tree`` if it cannot be read as a tree.
    """
    tree = Tree(staging)
    try:
        if source.is_dir():
            _read_directory(source, tree)
        else:
            with _open_archive(source) as archive:
                _read_archive(archive, tree)
    except (tarfile.TarError, EOFError, ValueError, zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
        raise _unreadable(source, str(error) or "it is no tar archive") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f"{error.filename}: " if error.filename else ""
        raise _unreadable(source, where + (error.strerror or str(error))) from error
    except RecursionError as error:
        raise _unreadable(source, "its directories are nested too deeply") from error
    return tree


def _unreadable(source: Path, reason: str) -> InvalidInput:
    return InvalidInput(
        "invalid-root-tree",
        f"The root tree '{source}' cannot be read: {reason}.",
        hint="Give a directory, or a tar archive (plain, gzip, bzip2, xz or zstd).",
        details={"path": str(source)},
    )


@contextlib.contextmanager
def _open_archive(source: Path) -> Iterator[tarfile.TarFile]:
    with contextlib.ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(source.open("rb"))
        magic = file.read(4)
        file.seek(0)
        if magic == _ZSTD_MAGIC:
            reader = zstandard.ZstdDecompressor(max_window_size=2**31).stream_reader(
                file, read_across_frames=True
            )
            file = stack.enter_context(io.BufferedReader(reader, _PIECE))
            yield stack.enter_context(tarfile.open(fileobj=file, mode="r|"))
        else:
            yield stack.enter_context(tarfile.open(fileobj=file, mode="r|*", bufsize=_PIECE))


def _read_archive(archive: tarfile.TarFile, tree: Tree) -> None:
    for info in archive:
        path = _clean(info.name)
        node = _node_of(info, path)
        if info.isreg():
            content = archive.extractfile(info)
            assert content is not None
            tree.write(path, _pieces(content), node)
        else:
            tree.add(path, node)
        archive.members = []  # type: ignore[attr-defined] # it would keep every header of a large archive


def _clean(name: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ValueError(f"the path '{name}' leads out of the tree")
    return "/".join(parts)


def _node_of(info: tarfile.TarInfo, path: str) -> Node:
    xattrs = tuple(
        sorted(
            (name.removeprefix(_XATTR), value.encode("utf-8", "surrogateescape"))
            for name, value in info.pax_headers.items()
            if name.startswith(_XATTR)
        )
    )
    common = Node(Kind.FILE, info.mode & 0o7777, info.uid, info.gid, max(0, int(info.mtime)), xattrs=xattrs)

    def like(kind: Kind, target: str = "", device: tuple[int, int] = (0, 0), link: str | None = None) -> Node:
        return Node(
            kind, common.mode, common.uid, common.gid, common.mtime, 0, "", target, device, xattrs, link
        )

    if info.isreg():
        return common
    if info.isdir():
        return like(Kind.DIRECTORY)
    if info.issym():
        return like(Kind.SYMLINK, target=info.linkname)
    if info.islnk():
        return like(Kind.FILE, link=_clean(info.linkname))
    if info.type in _DEVICES:
        return like(_DEVICES[info.type], device=(info.devmajor, info.devminor))
    raise ValueError(f"'{path}' is of an unknown kind")


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    while piece := content.read(_PIECE):
        yield piece


def _read_directory(source: Path, tree: Tree) -> None:
    names: dict[tuple[int, int], str] = {}
    _read_entry(source, "", tree, names)
    for directory, below, files in os.walk(source):
        below.sort()
        for name in sorted([*below, *files]):
            full = Path(directory) / name
            _read_entry(full, full.relative_to(source).as_posix(), tree, names)


def _read_entry(full: Path, path: str, tree: Tree, names: dict[tuple[int, int], str]) -> None:
    status = full.lstat()
    kind = stat.S_IFMT(status.st_mode)
    mtime = max(0, int(status.st_mtime))

    def node(kind: Kind, target: str = "", device: tuple[int, int] = (0, 0), link: str | None = None) -> Node:
        mode = stat.S_IMODE(status.st_mode)
        return Node(
            kind, mode, status.st_uid, status.st_gid, mtime, 0, "", target, device, _xattrs(full), link
        )

    if kind == stat.S_IFREG:
        identity = (status.st_dev, status.st_ino)
        if status.st_nlink > 1 and identity in names:
            tree.add(path, node(Kind.FILE, link=names[identity]))
            return
        names[identity] = path
        with full.open("rb") as content:
            tree.write(path, _pieces(content), node(Kind.FILE))
    elif kind == stat.S_IFDIR:
        tree.add(path, node(Kind.DIRECTORY))
    elif kind == stat.S_IFLNK:
        tree.add(path, node(Kind.SYMLINK, target=str(full.readlink())))
    elif kind in _SPECIAL:
        tree.add(path, node(_SPECIAL[kind], device=(os.major(status.st_rdev), os.minor(status.st_rdev))))
    # Sockets belong to running programs, not to a tree.


def _xattrs(full: Path) -> tuple[tuple[str, bytes], ...]:
    try:
        names = sorted(os.listxattr(full, follow_symlinks=False))
        return tuple((name, os.getxattr(full, name, follow_symlinks=False)) for name in names)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return ()
        raise
