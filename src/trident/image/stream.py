"""One image from its source to its target: fetch, SHA-384, zstd and writing overlap.

The caller's thread fetches, three more hash, decompress and write. They hand a handful of buffers round,
so memory does not grow with the image, and nothing is copied between the socket and the decompressor or
between the decompressor and the disk. All four spend their time outside of Python's lock.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Protocol

from trident.errors import InvalidInput, UnsupportedConfiguration
from trident.host.target import Target
from trident.image.cosi.fields import corrupt, shown
from trident.image.cosi.metadata import ImageFile
from trident.image.cosi.reader import Cosi
from trident.image.crew import Crew, Lane

_COMPRESSED_BUFFERS = 4
_COMPRESSED_SIZE = 1024 * 1024
_RAW_BUFFERS = 4
_RAW_SIZE = 2 * 1024 * 1024
_SMALLEST_WINDOW_LOG = 10
# What zstd accepts where the metadata does not say (ZSTD_WINDOWLOG_LIMIT_DEFAULT).
_DEFAULT_WINDOW_LOG = 27

Moved = Callable[[int, int], None]


class Sink(Protocol):
    """Where the bytes of an image go."""

    def write(self, buffer: mmap.mmap, count: int, offset: int) -> None:
        """Take the first ``count`` bytes of ``buffer``, which belong at ``offset`` of the image."""


@dataclass(frozen=True)
class Written:
    """What came of streaming one image.

    Attributes:
        fetched: compressed bytes, all of which were hashed.
        written: bytes of the image itself.
        sha384: of the compressed bytes; equal to the metadata's.
    """

    fetched: int
    written: int
    sha384: str


def write_image(
    cosi: Cosi,
    image: ImageFile,
    target: Path | str,
    *,
    capacity: int | None = None,
    moved: Moved | None = None,
) -> Written:
    """Stream ``image`` onto ``target``, verify it against the metadata, and sync.

    Args:
        cosi: where the image is.
        image: which one.
        target: a block device, or a file, which is created or cut to nothing.
        capacity: bytes that the target offers, where the caller knows better than the device.
        moved: called in this thread with compressed bytes fetched so far and in all.

    Returns:
        only when every byte is verified and durable.

    Raises:
        InvalidInput: ``filesystem-size-exceeds-block-device`` before anything is written;
            ``corrupt-os-image`` if the image is not what the metadata says. The target then holds garbage.
        Servicing: ``fetch-os-image`` or ``os-image-changed`` from the source, ``deploy-images`` from the
            target.
        UnsupportedConfiguration: ``zstd-window-too-large``.
    """
    cosi.offset_of(image)
    _check_room(image, target, capacity)
    with Target(target) as open_target:
        _check_room(image, target, open_target.capacity)
        open_target.clear()
        written = stream_image(cosi, image, open_target, moved)
        open_target.finish(image.uncompressed_size)
    return written


def check_image(cosi: Cosi, image: ImageFile, *, moved: Moved | None = None) -> Written:
    """Verify ``image`` as :func:`write_image` does, but write it nowhere.

    Raises:
        TridentError: as :func:`write_image`.
    """
    return stream_image(cosi, image, None, moved)


def stream_image(cosi: Cosi, image: ImageFile, sink: Sink | None, moved: Moved | None = None) -> Written:
    """Stream ``image`` into a ``sink`` that has room for it. Verified when this returns, but not synced.

    Raises:
        TridentError: as :func:`write_image`.
    """
    window = _window_size(cosi, image)
    stream = cosi.stream(image)
    with Crew(wake=cosi.abort) as crew:
        flow = _Flow(cosi.url, image, sink, crew, window)
        flow.start()
        fetched = 0
        while fetched < image.compressed_size:
            buffer = flow.empty.take()
            assert buffer is not None
            fetched += buffer.fill(stream.readinto)
            flow.pass_on(buffer)
            if moved is not None:
                moved(fetched, image.compressed_size)
        flow.end()
    if flow.sha384 != image.sha384:
        raise corrupt(
            f"The image {shown(image.path)} of '{cosi.url}' has the SHA-384 {flow.sha384}, "
            f"but its metadata says {image.sha384}.",
            path=image.path,
        )
    return Written(fetched, flow.written, flow.sha384)


def _fill(buffer: mmap.mmap, readinto: Callable[[memoryview], int]) -> int:
    """Fill ``buffer`` as far as there is something to read."""
    count = 0
    with memoryview(buffer) as view:
        while count < len(view) and (came := readinto(view[count:])):
            count += came
    return count


class _Buffer:
    """Compressed bytes on their way; free again when both the hash and zstd are done with them."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _COMPRESSED_SIZE)
        self._readers = 0
        self._lock = Lock()
        self.data = memoryview(b"")

    def fill(self, readinto: Callable[[memoryview], int]) -> int:
        count = _fill(self._memory, readinto)
        self.data = memoryview(self._memory)[:count]
        self._readers = 2
        return count

    def done(self) -> bool:
        """One reader less; whether it was the last."""
        with self._lock:
            self._readers -= 1
            return self._readers == 0


@dataclass
class _Flow:
    """The three threads behind the fetch, and what they hand to each other."""

    url: str
    image: ImageFile
    sink: Sink | None
    crew: Crew
    window: int
    sha384: str = ""
    written: int = 0
    empty: Lane[_Buffer] = field(init=False)
    _to_hash: Lane[_Buffer] = field(init=False)
    _to_decompress: Lane[_Buffer] = field(init=False)
    _to_write: Lane[tuple[mmap.mmap, int]] = field(init=False)
    _raw: Lane[mmap.mmap] = field(init=False)
    _current: _Buffer | None = None

    def start(self) -> None:
        self.empty = self.crew.lane(_Buffer() for _ in range(_COMPRESSED_BUFFERS))
        self._raw = self.crew.lane(mmap.mmap(-1, _RAW_SIZE) for _ in range(_RAW_BUFFERS))
        self._to_hash, self._to_decompress = self.crew.lane(), self.crew.lane()
        self._to_write = self.crew.lane()
        self.crew.start("hash", self._hash)
        self.crew.start("zstd", self._decompress)
        self.crew.start("write", self._write)

    def pass_on(self, buffer: _Buffer) -> None:
        self._to_hash.put(buffer)
        self._to_decompress.put(buffer)

    def end(self) -> None:
        self._to_hash.close()
        self._to_decompress.close()

    def _hash(self) -> None:
        digest = hashlib.sha384()
        while (buffer := self._to_hash.take()) is not None:
            digest.update(buffer.data)
            self._release(buffer)
        self.sha384 = digest.hexdigest()

    def _release(self, buffer: _Buffer) -> None:
        if buffer.done():
            self.empty.put(buffer)

    def read(self, _size: int) -> memoryview | bytes:
        """The next compressed bytes, for zstd, which is done with those that it got before."""
        if self._current is not None:
            self._release(self._current)
        self._current = self._to_decompress.take()
        return b"" if self._current is None else self._current.data

    def _decompress(self) -> None:
        import zstandard

        decompressor = zstandard.ZstdDecompressor(max_window_size=self.window)
        reader = decompressor.stream_reader(self, read_size=_COMPRESSED_SIZE, read_across_frames=True)  # type: ignore[arg-type] # anything with read
        expected, came = self.image.uncompressed_size, 0
        while True:
            raw = self._raw.take()
            assert raw is not None
            try:
                count = _fill(raw, reader.readinto)
            except zstandard.ZstdError as error:
                raise self._undecodable(str(error)) from error
            came += count
            if came > expected or (count == 0 and came < expected):
                relation = "more" if came > expected else "fewer"
                raise corrupt(
                    f"The image {shown(self.image.path)} of '{self.url}' holds {relation} bytes than the "
                    f"{expected} that its metadata says.",
                    path=self.image.path,
                )
            if count == 0:
                break
            self._to_write.put((raw, count))
        self._to_write.close()

    def _write(self) -> None:
        while (item := self._to_write.take()) is not None:
            raw, count = item
            if self.sink is not None:
                self.sink.write(raw, count, self.written)
            self.written += count
            self._raw.put(raw)

    def _undecodable(self, reason: str) -> InvalidInput | UnsupportedConfiguration:
        if "memory" in reason:
            return window_too_large(self.image, self.window)
        return corrupt(
            f"The image {shown(self.image.path)} of '{self.url}' is not valid zstd: {reason}.",
            path=self.image.path,
        )


def window_too_large(image: ImageFile, allowed: int) -> UnsupportedConfiguration:
    """The error that an image needs more memory to decompress than there is or than it admitted to."""
    return UnsupportedConfiguration(
        "zstd-window-too-large",
        f"Decompressing the image {shown(image.path)} needs a larger window than the {allowed >> 10} KiB "
        "that its metadata and this machine's memory allow.",
        hint="Build the image with a smaller windowLog.",
        details={"path": image.path, "allowed": allowed},
    )


def _window_size(cosi: Cosi, image: ImageFile) -> int:
    """Bytes of window to allow: what the metadata says, but no more than a quarter of the memory.

    The metadata states a bound, which the image need not use, so a large bound alone is no error.
    """
    log = cosi.metadata.max_window_log
    stated = 1 << max(_SMALLEST_WINDOW_LOG, _DEFAULT_WINDOW_LOG if log is None else log)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(stated, max(memory // 4, 1 << _SMALLEST_WINDOW_LOG))


def _check_room(image: ImageFile, target: Path | str, capacity: int | None) -> None:
    if capacity is None or image.uncompressed_size <= capacity:
        return
    raise InvalidInput(
        "filesystem-size-exceeds-block-device",
        f"The image {shown(image.path)} has {image.uncompressed_size} bytes, "
        f"but '{target}' holds only {capacity}.",
        hint="Make the partition larger.",
        details={"path": image.path, "fs_size": image.uncompressed_size, "device_size": capacity},
    )
