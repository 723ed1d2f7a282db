"""Opening a COSI: marker, metadata and the places of its images, in few round trips and no temporary copy."""

from __future__ import annotations

import hashlib
import re
from types import TracebackType
from typing import Self

from trident.errors import InvalidInput
from trident.image.cosi.archive import Archive, Entry
from trident.image.cosi.fields import corrupt, shown
from trident.image.cosi.metadata import CosiMetadata, ImageFile
from trident.image.cosi.parse import parse_metadata
from trident.image.source import ByteStream, Patience, Source, open_source

MARKER = "cosi-marker"
METADATA = "metadata.json"
IGNORED = "ignored"
# A thousand packages take 100 KiB; a document costs many times its size in memory while it is read.
LARGEST_METADATA = 16 * 1024 * 1024
_HEAD = 256 * 1024
_SHA384 = re.compile(r"[0-9a-fA-F]{96}")


class Cosi:
    """An open COSI. A context manager; one thread at a time.

    Attributes:
        url: where it is, without credentials and query.
        size: of the whole file, in bytes.
        metadata: checked against the specification.
        metadata_sha384: of the bytes of ``metadata.json``, lower-case hexadecimal.
    """

    def __init__(self, source: Source, sha384: str | None = None) -> None:
        self._source = source
        self.url = source.url
        self.size = source.size
        self._archive = Archive(source, _HEAD)
        entry = self._metadata_entry()
        data = source.read(entry.offset, entry.size)
        self.metadata_sha384 = hashlib.sha384(data).hexdigest()
        self._check_hash(sha384)
        self.metadata: CosiMetadata = parse_metadata(data)
        self._check_frame()

    def offset_of(self, image: ImageFile) -> int:
        """Where the compressed bytes of ``image`` begin in the file.

        Raises:
            InvalidInput: ``corrupt-os-image`` if it is not in the archive, is truncated there, or has
                another size than the metadata says.
            Servicing: ``fetch-os-image`` if the headers cannot be fetched.
        """
        entry = self._archive.find(image.path)
        if entry is None:
            raise corrupt(f"'{self.url}' does not hold the image {shown(image.path)}.", path=image.path)
        if entry.size != image.compressed_size:
            raise corrupt(
                f"The image {shown(image.path)} in '{self.url}' has {entry.size} bytes, "
                f"but its metadata says {image.compressed_size}.",
                path=image.path,
            )
        return entry.offset

    def locate_images(self) -> None:
        """Look for every image of the metadata, so that a broken file is found before anything is written.

        Raises:
            TridentError: as :meth:`offset_of`.
        """
        for image in self.metadata.image_files():
            self.offset_of(image)

    def stream(self, image: ImageFile) -> ByteStream:
        """The compressed bytes of ``image``, not verified yet. Ends the stream opened before it."""
        return self._source.stream(self.offset_of(image), image.compressed_size)

    def abort(self) -> None:
        """Make a read that another thread waits in fail soon; the COSI can then only be closed."""
        self._source.abort()

    def close(self) -> None:
        """Close the file or the connection."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _metadata_entry(self) -> Entry:
        entry = self._archive.find(METADATA)
        if entry is None:
            raise corrupt(f"'{self.url}' is not a COSI file: it holds no {METADATA}.", url=self.url)
        if entry.size > LARGEST_METADATA:
            raise corrupt(
                f"The metadata of '{self.url}' is larger than {LARGEST_METADATA} bytes.", url=self.url
            )
        return entry

    def _check_hash(self, expected: str | None) -> None:
        if expected is None or expected == IGNORED:
            return
        if _SHA384.fullmatch(expected) is None:
            raise InvalidInput(
                "invalid-image-sha384",
                f"{shown(expected)} is neither a SHA-384 of 96 hexadecimal digits nor 'ignored'.",
                hint="'trident image inspect' prints the SHA-384 of an image's metadata.",
            )
        if expected.lower() != self.metadata_sha384:
            raise InvalidInput(
                "image-sha384-mismatch",
                f"The metadata of '{self.url}' has the sha384 {self.metadata_sha384}, not the expected "
                f"{expected.lower()}.",
                hint="Either the image is not the one that was meant, or it was damaged on its way.",
                details={"url": self.url, "expected": expected.lower(), "actual": self.metadata_sha384},
            )

    def _check_frame(self) -> None:
        """The marker and the order of the first entries (since 1.2), and that the images can fit."""
        if self.metadata.version >= (1, 2):
            # Both names stand before what has been read, so this costs no round trip.
            marker = (
                self._archive.find(MARKER) if self._archive.first_names(2) == [MARKER, METADATA] else None
            )
            if marker is None or marker.size:
                raise corrupt(
                    f"'{self.url}' does not begin with an empty {MARKER} and {METADATA}, as COSI 1.2 demands."
                )
        entry = self._metadata_entry()
        needed = (
            entry.offset + entry.size + sum(image.compressed_size for image in self.metadata.image_files())
        )
        if needed > self.size:
            raise corrupt(
                f"'{self.url}' is truncated: its images need at least {needed} bytes, it has {self.size}.",
                url=self.url,
                size=self.size,
            )


def open_cosi(url: str, sha384: str | None = None, *, patience: Patience | None = None) -> Cosi:
    """Open the COSI at ``url`` and read its metadata.

    Args:
        url: ``file://``, a plain path, ``http://`` or ``https://``.
        sha384: of the metadata, in hexadecimal of either case; ``None`` or ``ignored`` is not checked.
        patience: how long to bear with a server.

    Raises:
        InvalidInput: ``load-cosi``, ``invalid-image-url`` or ``server-without-range`` if it cannot be
            opened; ``corrupt-os-image`` or ``unsupported-cosi-version`` if it cannot be used;
            ``image-sha384-mismatch`` if the metadata is not the expected one.
        UnsupportedConfiguration: ``unsupported-image-url`` for a scheme that is not implemented.
    """
    source = open_source(url, patience)
    try:
        return Cosi(source, sha384)
    except BaseException:
        source.close()
        raise
