"""Writing a COSI: images compressed with zstd, and the tar around them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from trident.errors import Servicing
from trident.image.cosi.document import to_json
from trident.image.cosi.metadata import CosiMetadata, ImageFile
from trident.image.cosi.reader import MARKER, METADATA

_PIECE = 4 * 1024 * 1024


@dataclass(frozen=True)
class Compression:
    """How images are compressed.

    Attributes:
        level: zstd level, 1 to 22.
        window_log: largest back-reference as a power of two; a reader needs that much memory.
        threads: fixed, not the number of processors, because it is part of what makes the bytes.
    """

    level: int = 12
    window_log: int = 23
    threads: int = 2


def compress(
    source: BinaryIO,
    destination: BinaryIO,
    path: str,
    compression: Compression,
    moved: Callable[[int], None] | None = None,
) -> ImageFile:
    """Compress ``source`` into one zstd frame and hash what comes out.

    Args:
        source: the raw image, from its beginning.
        destination: where the frame goes.
        path: name of the image in the COSI.
        compression: level and window.
        moved: called with raw bytes compressed so far.
    """
    import zstandard

    parameters = zstandard.ZstdCompressionParameters.from_level(
        compression.level,
        window_log=compression.window_log,
        threads=compression.threads,
        # SHA-384 covers every byte; a second checksum would cost each reader time.
        write_checksum=False,
        write_content_size=True,
    )
    size = os.fstat(source.fileno()).st_size
    digest = hashlib.sha384()
    raw = written = 0
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj(size=size)
    buffer = bytearray(_PIECE)
    with memoryview(buffer) as view:
        # readinto is of BufferedReader and FileIO alike, and BinaryIO does not promise it.
        while count := source.readinto(view):  # type: ignore[attr-defined]
            raw += count
            out = compressor.compress(view[:count])
            digest.update(out)
            written += destination.write(out)
            if moved is not None:
                moved(raw)
    out = compressor.flush()
    digest.update(out)
    written += destination.write(out)
    return ImageFile(path, written, raw, digest.hexdigest())


def write_cosi(output: BinaryIO, metadata: CosiMetadata, files: Mapping[str, Path]) -> str:
    """Write marker, metadata and the images in disk order.

    Args:
        output: an empty file.
        metadata: complete, with the sizes and hashes of the images.
        files: the compressed images by their path in the COSI.

    Returns:
        the SHA-384 of the metadata, which a Host Configuration names.
    """
    data = to_json(metadata)
    _add(output, MARKER, b"")
    _add(output, METADATA, data)
    for image in metadata.image_files():
        output.write(_header(image.path, image.compressed_size))
        output.flush()
        with files[image.path].open("rb") as compressed:
            _append(compressed, output, image.compressed_size)
        output.write(bytes(-image.compressed_size % tarfile.BLOCKSIZE))
    output.write(bytes(2 * tarfile.BLOCKSIZE))
    output.flush()
    return hashlib.sha384(data).hexdigest()


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o644
    # GNU rather than pax: the first eleven bytes of the file must be the name of the marker.
    return info.tobuf(tarfile.GNU_FORMAT)


def _add(output: BinaryIO, name: str, data: bytes) -> None:
    output.write(_header(name, len(data)) + data + bytes(-len(data) % tarfile.BLOCKSIZE))


def _append(source: BinaryIO, output: BinaryIO, count: int) -> None:
    """Copy inside the kernel, which shares the blocks where the file system can."""
    output.seek(0, io.SEEK_END)
    while count:
        moved = os.sendfile(output.fileno(), source.fileno(), None, count)
        if moved == 0:
            raise Servicing("image-build", "A compressed image became shorter while it was being written.")
        count -= moved
    output.seek(0, io.SEEK_END)


@contextlib.contextmanager
def replacing(output: Path) -> Iterator[BinaryIO]:
    """A file that takes the name ``output`` once it is complete and durable; until then nothing of it shows.

    Raises:
        Servicing: ``image-build`` if it cannot be written.
    """
    partial: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.", suffix=".partial")
        partial = Path(name)
        with os.fdopen(descriptor, "w+b") as file:
            os.fchmod(descriptor, 0o644)
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(output)
        directory = os.open(output.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise Servicing("image-build", f"'{output}' cannot be written: {error.strerror or error}.") from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
