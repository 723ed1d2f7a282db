"""What every source offers, and the choice of one by URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from trident.errors import InvalidInput, UnsupportedConfiguration


class ByteStream(Protocol):
    """Consecutive bytes of a source."""

    def readinto(self, buffer: memoryview) -> int:
        """Put at least one byte into ``buffer``, or none if the stream has reached its end.

        Raises:
            TridentError: the bytes cannot be had.
        """


class Source(Protocol):
    """Random access to the bytes of one file. One thread uses it, but any thread may abort it.

    Attributes:
        url: for people: without credentials and query.
        size: of the whole file, in bytes.
    """

    url: str
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``.

        Raises:
            TridentError: the bytes cannot be had.
        """

    def stream(self, offset: int, length: int) -> ByteStream:
        """``length`` bytes from ``offset`` on, piece by piece; ends the stream opened before it."""

    def abort(self) -> None:
        """Make a read that another thread waits in fail soon."""

    def close(self) -> None:
        """Give up the file or the connection. May be called twice."""


@dataclass(frozen=True)
class Patience:
    """How long to bear with a server.

    Attributes:
        connect: seconds for one attempt to connect.
        silence: seconds without a single byte after which a connection counts as cut.
        slowest: bytes per second; a connection that brings less over ``silence`` seconds counts as cut.
        retries: setbacks in a row, without ``progress`` bytes between them, that are borne.
        progress: bytes that end a row of setbacks.
        first_pause: seconds before the second retry (the first is immediate); doubled each time.
        longest_pause: upper bound of a pause in seconds.
    """

    connect: float = 10.0
    silence: float = 30.0
    slowest: int = 1024
    retries: int = 5
    progress: int = 64 * 1024
    first_pause: float = 0.2
    longest_pause: float = 5.0

    def pause(self, setback: int) -> float:
        """Seconds to wait after the ``setback``-th setback in a row, counted from 1."""
        if setback <= 1:
            return 0.0
        return min(self.first_pause * 2.0 ** (setback - 2), self.longest_pause)


A_PERSON_WAITS = Patience(connect=5.0, silence=10.0, retries=2)
"""For looking at an image: a server that does not answer is worth a few seconds, not minutes."""


def open_source(url: str, patience: Patience | None = None) -> Source:
    """Open ``url``: ``file://``, a path, ``http://`` or ``https://``.

    Raises:
        InvalidInput: ``load-cosi`` if it cannot be opened, ``server-without-range`` if the server ignores
            ranges, ``invalid-image-url`` if it is no URL.
        UnsupportedConfiguration: ``unsupported-image-url`` for any other scheme.
    """
    try:
        scheme = urlsplit(url).scheme.lower()
    except ValueError as error:
        raise InvalidInput("invalid-image-url", f"'{url}' is not a URL: {error}.", hint=_HINT) from error
    if scheme in ("http", "https"):
        from trident.image.source.http import HttpSource

        return HttpSource(url, patience or Patience())
    if scheme in ("file", ""):
        from trident.image.source.local import LocalSource

        return LocalSource(url)
    raise UnsupportedConfiguration(
        "unsupported-image-url",
        f"Images cannot be read from '{scheme}://' yet.",
        hint=_HINT,
        details={"scheme": scheme},
    )


def shown_url(url: str) -> str:
    """``url`` as messages may show it: without credentials and query, which may be secret."""
    if url[:8].lower().startswith(("http://", "https://")):
        from trident.image.source.connection import Address

        try:
            return Address.parse(url).shown
        except InvalidInput:
            return "the image"
    return url


_HINT = "Give the image as file:///path, http://server/path or https://server/path."
