"""The tar container of a COSI, walked header by header without reading the files in it.

Parsing is the standard library's (ustar, GNU and pax headers). What it reads goes through a window, so
that one round trip brings the headers that stand close together, and through bounds, so that a crafted
archive can cost neither memory nor time without end.
"""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass

from trident.image.cosi.fields import corrupt, shown
from trident.image.source import Source

BLOCK = 512
MOST_ENTRIES = 10_000
# A header with its long name or pax records is a few blocks; more than this is no header.
_LARGEST_READ = 1024 * 1024
_WINDOW = 16 * 1024
_MOST_READS = 8 * MOST_ENTRIES


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file in the archive: where its bytes are."""

    path: str
    offset: int
    size: int


class _Window(io.RawIOBase):
    """A file object over a source that fetches a few blocks at a time."""

    def __init__(self, source: Source, head: int) -> None:
        super().__init__()
        self._source = source
        self._start = 0
        self._data = source.read(0, min(head, source.size))
        self._position = 0
        self._reads = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or offset < 0:
            raise tarfile.ReadError("a header points before the beginning")
        self._position = offset
        return offset

    def read(self, size: int | None = -1) -> bytes:
        self._reads += 1
        if size is None or not 0 <= size <= _LARGEST_READ or self._reads > _MOST_READS:
            raise tarfile.ReadError("the headers are too large or too many")
        begin, end = self._position, min(self._position + size, self._source.size)
        if begin >= end:
            return b""
        if begin < self._start or end > self._start + len(self._data):
            self._start = begin - begin % BLOCK
            length = max(_WINDOW, end - self._start)
            self._data = self._source.read(self._start, min(length, self._source.size - self._start))
        self._position = end
        return self._data[begin - self._start : end - self._start]


class Archive:
    """The entries of a COSI's tar, found as far as they are asked for."""

    def __init__(self, source: Source, head: int) -> None:
        self._source = source
        self._entries: dict[str, Entry] = {}
        self._order: list[str] = []
        self._names: set[str] = set()
        self._complete = False
        self._window = _Window(source, head)
        try:
            self._tar = tarfile.TarFile(fileobj=self._window, mode="r")
        except (tarfile.TarError, ValueError, OverflowError, RecursionError) as error:
            raise corrupt(
                f"'{source.url}' is not a COSI file: it is not a tar archive.", url=source.url
            ) from error

    def find(self, path: str) -> Entry | None:
        """The file named ``path``, or ``None`` if the archive has none.

        Raises:
            InvalidInput: ``corrupt-os-image`` if the headers up to it cannot be read.
        """
        while path not in self._entries and not self._complete:
            self._advance()
        return self._entries.get(path)

    def first_names(self, count: int) -> list[str]:
        """The names of the first entries, as far as they were looked at."""
        return self._order[:count]

    def _advance(self) -> None:
        try:
            info = self._tar.next()
        except (tarfile.TarError, ValueError, OverflowError, RecursionError) as error:
            raise corrupt(
                f"The tar headers of '{self._source.url}' cannot be read: {error}.", url=self._source.url
            ) from error
        if info is None:
            self._check_end()
            self._complete = True
            return
        # TarFile keeps every entry; this index is all that is needed.
        self._tar.members = []  # type: ignore[attr-defined]
        if info.name in self._names:
            raise corrupt(f"'{self._source.url}' holds two files named {shown(info.name)}.")
        if len(self._order) >= MOST_ENTRIES:
            raise corrupt(f"'{self._source.url}' holds more than {MOST_ENTRIES} files.")
        self._order.append(info.name)
        self._names.add(info.name)
        if info.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not info.issparse():
            self._entries[info.name] = self._entry(info)

    def _check_end(self) -> None:
        """A damaged header ends tarfile's walk without a word, just as the end-of-archive blocks do."""
        self._window.seek(self._tar.offset)
        block = self._window.read(BLOCK)
        if len(block) < BLOCK:
            raise corrupt(
                f"'{self._source.url}' is truncated: its tar archive has no end.", url=self._source.url
            )
        if any(block):
            raise corrupt(
                f"The tar header at byte {self._tar.offset} of '{self._source.url}' is damaged.",
                url=self._source.url,
            )

    def _entry(self, info: tarfile.TarInfo) -> Entry:
        if info.size < 0 or info.offset_data + info.size > self._source.size:
            raise corrupt(
                f"'{self._source.url}' is truncated: {shown(info.name)} ends at byte "
                f"{info.offset_data + info.size}, the file at byte {self._source.size}.",
                url=self._source.url,
                size=self._source.size,
            )
        return Entry(info.name, info.offset_data, info.size)
