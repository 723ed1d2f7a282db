"""One kept connection to an HTTP server, and the address behind a URL."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin, urlsplit

from trident import __version__
from trident.errors import InvalidInput
from trident.image.source.base import Patience

_BUFFER = 16 * 1024
# What RFC 3986 lets stand in a path and query, and the percent sign of what is escaped already.
_SAFE = "%/:=&?~+!$,;'@()*[]"


@dataclass(frozen=True)
class Address:
    """An HTTP URL, taken apart."""

    scheme: str
    host: str
    port: int | None
    target: str
    authorization: str | None = None

    @classmethod
    def parse(cls, url: str) -> Address:
        """Take ``url`` apart.

        Raises:
            InvalidInput: ``invalid-image-url`` if it is not an HTTP URL.
        """
        try:
            return cls._parse(url)
        except ValueError as error:
            # The URL itself may hold a password, so it is not repeated.
            raise InvalidInput(
                "invalid-image-url",
                f"The image's URL is not valid: {error}.",
                hint="Write it as http://server/path or https://server/path.",
            ) from error

    @classmethod
    def _parse(cls, url: str) -> Address:
        if any(char <= " " or char == "\x7f" for char in url):
            raise ValueError("it holds a space or a control character")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("it needs a scheme and a host")
        try:
            host = parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.hostname
        except UnicodeError:
            raise ValueError("its host name is not valid") from None
        target = quote(parts.path or "/", safe=_SAFE) + (
            f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
        )
        authorization = None
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = "Basic " + b64encode(pair.encode()).decode()
        return cls(parts.scheme, host, parts.port, target, authorization)

    @property
    def _origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port is not None else "")

    @property
    def shown(self) -> str:
        """The URL without credentials and query, which may be secret."""
        path, _, query = self.target.partition("?")
        return self._origin + path + ("?…" if query else "")

    def redirected(self, location: str) -> Address:
        """Where a redirect leads. Credentials stay behind when it leads to another server.

        Raises:
            ValueError: it leads out of HTTP, or from https to http.
        """
        target = self._parse(urljoin(self._origin + self.target, location))
        if self.scheme == "https" and target.scheme == "http":
            raise ValueError("from https to http")
        if target.authorization is None and target._origin == self._origin:
            return Address(target.scheme, target.host, target.port, target.target, self.authorization)
        return target


class _Patient(io.RawIOBase):
    """Bytes of a socket; a server that brings too few of them for too long counts as silent.

    Only time spent waiting for the server is counted, not the time until the caller wants more.
    """

    def __init__(self, beneath: io.RawIOBase, patience: Patience) -> None:
        super().__init__()
        self._beneath = beneath
        self._patience = patience
        self._waited = 0.0
        self._came = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]
        begun = time.monotonic()
        count = self._beneath.readinto(buffer)
        self._waited += time.monotonic() - begun
        self._came += count or 0
        if self._waited > self._patience.silence:
            if count and self._came < self._patience.slowest * self._waited:
                raise TimeoutError("too slow")
            self._waited, self._came = 0.0, 0
        return count

    def close(self) -> None:
        self._beneath.close()
        super().close()


class Response(http.client.HTTPResponse):
    """A response whose body is read as it comes."""

    def watch(self, patience: Patience) -> None:
        """Bear with the server only so long. Called before the first byte is read."""
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_Patient(raw, patience), _BUFFER)

    def take(self, buffer: memoryview) -> int:
        """Put what has come into ``buffer``, waiting for one byte; 0 means that the body ended or was cut."""
        if self.chunked or self.length is None:
            return self.readinto(buffer)
        if self.isclosed() or not self.length:
            return 0
        count = self.fp.readinto1(buffer[: self.length])
        self.length -= count
        if self.length == 0:
            self.close()  # Lets the connection take the next request.
        return count


class Connection:
    """A connection that is kept between requests."""

    def __init__(self, address: Address, patience: Patience) -> None:
        self._address = address
        self._patience = patience
        self._response: Response | None = None
        self._client = self._make()
        self._client.connect()
        self._socket: socket.socket = self._client.sock
        self._socket.settimeout(patience.silence)

    def _make(self) -> http.client.HTTPConnection:
        # Without a port, http.client would look for one behind the last colon of an IPv6 address.
        address, timeout = self._address, self._patience.connect
        if address.scheme == "http":
            client = http.client.HTTPConnection(address.host, address.port or 80, timeout=timeout)
        else:
            client = http.client.HTTPSConnection(address.host, address.port or 443, timeout=timeout)
        client.response_class = self._respond  # type: ignore[assignment] # any callable will do
        client.auto_open = 0
        return client

    def _respond(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None) -> Response:
        response = Response(sock, debuglevel, method)
        response.watch(self._patience)
        return response

    @property
    def ready(self) -> bool:
        """Whether the last response was read to its end and the server keeps the connection open."""
        idle = self._response is None or self._response.isclosed()
        return idle and self._client.sock is not None

    def get(self, headers: Mapping[str, str]) -> Response:
        """Send a GET request and read the head of the response.

        Raises:
            OSError: the connection failed.
            http.client.HTTPException: the answer is not HTTP.
        """
        request = {
            "User-Agent": f"trident/{__version__}",
            # Ranges of a body that a server compressed on the fly would be ranges of something else.
            "Accept-Encoding": "identity",
            **headers,
        }
        if self._address.authorization is not None:
            request["Authorization"] = self._address.authorization
        self._client.request("GET", self._address.target, headers=request)
        response = self._client.getresponse()
        assert isinstance(response, Response)
        self._response = response
        return response

    def abort(self) -> None:
        """Wake up a thread that waits for this connection."""
        with contextlib.suppress(OSError):
            # The base class's method: an SSL socket's own would drop its state under the reading thread.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it, whatever it is doing."""
        self._client.close()
        if self._response is not None:
            self._response.close()
