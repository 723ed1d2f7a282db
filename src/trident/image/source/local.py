"""A local file as a source."""

from __future__ import annotations

import os
import stat
from urllib.parse import unquote, urlsplit

from trident.errors import InvalidInput, Servicing


def local_path(url: str) -> str:
    """The path that a ``file://`` URL or a plain path names.

    Raises:
        InvalidInput: ``invalid-image-url`` if the URL names another host or no path.
    """
    if not url.lower().startswith("file:"):
        path = url
    else:
        parts = urlsplit(url)
        if parts.netloc not in ("", "localhost"):
            raise InvalidInput(
                "invalid-image-url",
                f"'{url}' names the host '{parts.netloc}', but a file URL names a local file.",
                hint="Write three slashes: file:///path/to/image.",
            )
        path = unquote(parts.path)
    if not path or "\0" in path:
        raise InvalidInput("invalid-image-url", f"{url!r} names no file.", hint="Give the path of the image.")
    return path


class LocalSource:
    """A regular file."""

    def __init__(self, url: str) -> None:
        self.url = url
        path = local_path(url)
        try:
            # Without O_NONBLOCK, opening a FIFO would wait for a writer.
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise InvalidInput(
                "load-cosi",
                f"The image '{url}' cannot be opened: {error.strerror}.",
                hint="Check the path of the image.",
                details={"url": url},
            ) from error
        status = os.fstat(self._descriptor)
        self.size = status.st_size
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise InvalidInput(
                "load-cosi", f"The image '{url}' is not a regular file.", hint="Check the path of the image."
            )

    def read(self, offset: int, length: int) -> bytes:
        """See :class:`trident.image.source.base.Source`."""
        data = bytearray(length)
        view, stream = memoryview(data), self.stream(offset, length)
        while view:
            view = view[stream.readinto(view) :]
        return bytes(data)

    def stream(self, offset: int, length: int) -> LocalStream:
        """See :class:`trident.image.source.base.Source`."""
        return LocalStream(self._descriptor, self.url, offset, length)

    def abort(self) -> None:
        """Reads of a file end by themselves."""

    def close(self) -> None:
        """Close the file."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class LocalStream:
    """Consecutive bytes of a local file."""

    def __init__(self, descriptor: int, url: str, offset: int, length: int) -> None:
        self._descriptor = descriptor
        self._url = url
        self._offset = offset
        self._end = offset + length

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`trident.image.source.base.ByteStream`."""
        wanted = buffer[: self._end - self._offset]
        if not wanted:
            return 0
        try:
            count = os.preadv(self._descriptor, [wanted], self._offset)
        except OSError as error:
            raise self._failed(str(error.strerror)) from error
        if count == 0:
            raise self._failed("the file ends early")
        self._offset += count
        return count

    def _failed(self, reason: str) -> Servicing:
        return Servicing(
            "fetch-os-image",
            f"The image '{self._url}' cannot be read at byte {self._offset}: {reason}.",
            hint="Copy the image again.",
            details={"url": self._url, "offset": self._offset},
        )
