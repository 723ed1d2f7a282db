"""Writing files so that they survive a power cut whole, and inside a tree so that no link leads out."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from trident.host.openat2 import open_in_root

if TYPE_CHECKING:
    from io import BufferedReader

_COPY_BYTES = 1024 * 1024
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
# Other file system, file systems without links, too many names.
_CANNOT_LINK = (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOENT)


class Tree:
    """A directory tree whose top is treated as ``/``, such as the mounted newroot.

    Paths are absolute inside the tree. Symbolic links on the way are followed inside the tree only;
    writing replaces a link at the end of the path instead of following it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> bytes | None:
        """The content of a file, or ``None`` if there is none.

        Raises:
            OSError: it exists but cannot be read.
        """
        try:
            descriptor = self._open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            return file.read()

    def exists(self, path: str) -> bool:
        """Whether something, after following links, is at ``path``."""
        try:
            os.close(self._open(path, os.O_PATH))
        except OSError:
            return False
        return True

    def write(
        self,
        path: str,
        content: bytes | str | IO[bytes],
        *,
        mode: int = 0o644,
        owner: tuple[int, int] = (0, 0),
    ) -> None:
        """Put a file at ``path``, atomically and durably, making missing directories (0755, root).

        Args:
            path: where, inside the tree.
            content: bytes, text (UTF-8), or an open file to copy.
            mode: permission bits.
            owner: user and group id.

        Raises:
            OSError: it cannot be written.
        """
        parent, name = self._split(path)
        self.make_directories(parent)
        directory = self._open(parent, _DIRECTORY)
        try:
            _replace(directory, name, content, mode, owner)
        finally:
            os.close(directory)

    def link(self, existing: str, path: str) -> bool:
        """Give the file at ``existing`` a second name at ``path``, atomically and durably.

        What is at ``path`` is replaced; its directory must exist.

        Returns:
            whether it was done; ``False`` where a file cannot have both names, as on two file systems.

        Raises:
            OSError: the directory cannot be written.
        """
        (from_parent, from_name), (parent, name) = self._split(existing), self._split(path)
        temporary = temporary_name(name)
        directory = self._open(parent, _DIRECTORY)
        try:
            origin = self._open(from_parent, _DIRECTORY)
        except FileNotFoundError:
            os.close(directory)
            return False
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=directory)
            try:
                os.link(from_name, temporary, src_dir_fd=origin, dst_dir_fd=directory, follow_symlinks=False)
            except OSError as error:
                if error.errno in _CANNOT_LINK:
                    return False
                raise
            try:
                os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
            finally:
                # rename(2) leaves both names where they are one file already.
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=directory)
            os.fsync(directory)
        finally:
            os.close(origin)
            os.close(directory)
        return True

    def remove(self, path: str) -> None:
        """Remove a file or link, durably; none there is fine.

        Raises:
            OSError: it exists but cannot be removed.
        """
        parent, name = self._split(path)
        try:
            directory = self._open(parent, _DIRECTORY)
        except FileNotFoundError:
            return
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=directory)
                os.fsync(directory)
        finally:
            os.close(directory)

    def make_directories(self, path: str, *, mode: int = 0o755, owner: tuple[int, int] = (0, 0)) -> None:
        """Make the directory ``path`` and those above it; existing ones are left as they are.

        Raises:
            OSError: something that is no directory is in the way.
        """
        made = PurePosixPath("/")
        for part in _normal(path).parts[1:]:
            parent, made = made, made / part
            try:
                os.close(self._open(str(made), _DIRECTORY))
            except FileNotFoundError:
                directory = self._open(str(parent), _DIRECTORY)
                try:
                    os.mkdir(part, mode, dir_fd=directory)
                    os.chmod(part, mode, dir_fd=directory)
                    os.chown(part, *owner, dir_fd=directory, follow_symlinks=False)
                    os.fsync(directory)
                finally:
                    os.close(directory)

    def set_directory(self, path: str, *, mode: int, owner: tuple[int, int]) -> None:
        """Make the directory ``path`` if missing and give it this mode and owner either way.

        Raises:
            OSError: something that is no directory is in the way.
        """
        self.make_directories(path, mode=mode, owner=owner)
        directory = self._open(path, _DIRECTORY)
        try:
            os.fchown(directory, *owner)
            os.fchmod(directory, mode)
        finally:
            os.close(directory)

    def real_path(self, path: str) -> Path:
        """Where ``path`` really lies on this machine once links are followed inside the tree.

        Raises:
            OSError: nothing is there.
        """
        descriptor = self._open(path, os.O_PATH)
        try:
            return Path(f"/proc/self/fd/{descriptor}").readlink()
        finally:
            os.close(descriptor)

    def _open(self, path: str, flags: int) -> int:
        root = os.open(self.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return open_in_root(root, str(_normal(path)), flags)
        finally:
            os.close(root)

    @staticmethod
    def _split(path: str) -> tuple[str, str]:
        normal = _normal(path)
        return str(normal.parent), normal.name


def write_file(path: Path, content: bytes | str | IO[bytes], *, mode: int | None = 0o644) -> None:
    """Put a file at ``path`` of the running system, atomically and durably; its directory must exist.

    Args:
        path: where.
        content: bytes, text (UTF-8), or an open file to copy.
        mode: permission bits, or ``None`` on file systems that have none, such as vfat.

    Raises:
        OSError: it cannot be written.
    """
    directory = os.open(path.parent, _DIRECTORY | os.O_CLOEXEC)
    try:
        _replace(directory, path.name, content, mode, None)
    finally:
        os.close(directory)


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading; a pipe or a device, which may never end or never begin, is refused.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


def temporary_name(name: str) -> str:
    """What a file is called while it is written: always the same, so that a power cut leaves one at most."""
    return f".{name[:200]}.new"


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable.

    Raises:
        OSError: the device reports an error.
    """
    descriptor = os.open(path, _DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(
    directory: int,
    name: str,
    content: bytes | str | IO[bytes],
    mode: int | None,
    owner: tuple[int, int] | None,
) -> None:
    """Temporary file, fsync, rename over ``name``, fsync of the directory."""
    temporary = temporary_name(name)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=directory)
    descriptor = os.open(
        temporary,
        os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
        0o600,
        dir_fd=directory,
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in _chunks(content):
                file.write(chunk)
            file.flush()
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            if mode is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            os.fsync(file.fileno())
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise
    os.fsync(directory)


def _chunks(content: bytes | str | IO[bytes]) -> Iterator[bytes]:
    if isinstance(content, str):
        yield content.encode()
    elif isinstance(content, bytes):
        yield content
    else:
        while chunk := content.read(_COPY_BYTES):
            yield chunk


def _normal(path: str) -> PurePosixPath:
    """``path`` as an absolute one. ``..`` is kept: the kernel resolves it inside the root."""
    return PurePosixPath("/") / path
