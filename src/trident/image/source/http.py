"""An HTTP server as a source: ranges over one kept connection, resumed after a cut.

``http.client`` and not urllib3: it costs 27 ms to import instead of 68, and reads into buffers that the
caller reuses, where urllib3 makes a new bytes object for every piece. What urllib3 would add (pools,
retries) is too coarse here anyway, because a retry has to go on from the byte reached. Proxies from the
environment are not used.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from dataclasses import dataclass

from trident.errors import InvalidInput, Servicing, TridentError
from trident.image.source.answer import Answer, Refused, Setback, read_answer
from trident.image.source.base import Patience
from trident.image.source.connection import Address, Connection, Response

# Marker, metadata with a thousand packages and the first headers fit: one round trip opens an image.
FIRST_READ = 256 * 1024
_MOST_REDIRECTS = 5


@dataclass
class _Setbacks:
    """Counts setbacks in a row and waits between them."""

    patience: Patience
    stop: threading.Event
    row: int = 0
    moved: int = 0

    def progress(self, count: int) -> None:
        self.moved += count
        if self.moved >= self.patience.progress:
            self.row = 0

    def bear(self) -> bool:
        """Wait for the next attempt; ``False`` if patience has run out or the source is being aborted."""
        self.row += 1
        self.moved = 0
        if self.row > self.patience.retries:
            return False
        return not self.stop.wait(self.patience.pause(self.row))


class HttpSource:
    """A file on an HTTP server that answers range requests (RFC 9110 section 14)."""

    def __init__(self, url: str, patience: Patience) -> None:
        self._patience = patience
        self._original = Address.parse(url)
        self._address = self._original
        self.url = self._original.shown
        self.size = 0
        self._connection: Connection | None = None
        self._known: Answer | None = None
        self._stopping = threading.Event()
        self._head = b""
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def read(self, offset: int, length: int) -> bytes:
        """See :class:`trident.image.source.base.Source`."""
        if offset + length <= len(self._head):
            return self._head[offset : offset + length]
        data = bytearray(length)
        view, stream = memoryview(data), self.stream(offset, length)
        while view:
            view = view[stream.readinto(view) :]
        return bytes(data)

    def stream(self, offset: int, length: int) -> HttpStream:
        """See :class:`trident.image.source.base.Source`."""
        return HttpStream(self, offset, length)

    def abort(self) -> None:
        """See :class:`trident.image.source.base.Source`."""
        self._stopping.set()
        if self._connection is not None:
            self._connection.abort()

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> None:
        head = bytearray(FIRST_READ)
        setbacks = self.setbacks()
        while True:
            try:
                response, answer = self.request(0, FIRST_READ)
                self._head = bytes(head[: self._fill(response, memoryview(head)[: answer.end])])
            except Setback as setback:
                self.drop()
                if not setbacks.bear():
                    raise self.failure(
                        f"it gave up after {setbacks.row} attempts, the last: {setback}"
                    ) from setback
            else:
                self._known, self.size = answer, answer.total
                return

    @classmethod
    def _fill(cls, response: Response, view: memoryview) -> int:
        wanted = len(view)
        while view:
            view = view[cls.pull(response, view) :]
        return wanted

    @staticmethod
    def pull(response: Response, view: memoryview) -> int:
        """Put at least one byte of a response into ``view``.

        Raises:
            Setback: the connection failed or ended early.
        """
        try:
            count = response.take(view)
        except (OSError, http.client.HTTPException) as error:
            raise Setback(reason_of(error)) from error
        if count == 0:
            raise Setback("the connection was cut")
        return count

    def setbacks(self) -> _Setbacks:
        """A fresh count of setbacks."""
        return _Setbacks(self._patience, self._stopping)

    def drop(self) -> None:
        """Close the connection and forget where redirects led: a signed address may have run out."""
        self.close()
        self._address = self._original

    def request(self, offset: int, length: int) -> tuple[Response, Answer]:
        """Ask for a range, follow redirects and check what the server says it sends.

        Raises:
            Setback: another attempt may help.
            TridentError: it will not.
        """
        for _ in range(_MOST_REDIRECTS + 1):
            if self._stopping.is_set():
                raise self.failure("it was aborted")
            response = self._exchange(offset, length)
            try:
                answer = read_answer(response, offset, length, self._known)
            except Refused as refused:
                raise self._refusal(refused) from None
            if isinstance(answer, Answer):
                return response, answer
            self.close()
            try:
                self._address = self._address.redirected(answer)
            except ValueError as error:
                raise self.failure(
                    f"the server redirects to an address that is not followed: {error}"
                ) from error
        raise self.failure(f"the server redirects in a loop (more than {_MOST_REDIRECTS} redirects)")

    def _exchange(self, offset: int, length: int) -> Response:
        headers = {"Range": f"bytes={offset}-{offset + length - 1}"}
        if self._known is not None and self._known.validator is not None:
            headers["If-Range"] = self._known.validator
        try:
            if self._connection is None or not self._connection.ready:
                self.close()
                self._connection = Connection(self._address, self._patience)
            return self._connection.get(headers)
        except ssl.SSLCertVerificationError as error:
            raise self.failure(
                f"its certificate is not trusted: {error.verify_message}",
                hint="Install the authority that signed it (ca-certificates), or correct the clock.",
            ) from error
        except ssl.SSLEOFError as error:
            raise Setback("the connection was cut") from error
        except ssl.SSLError as error:
            raise self.failure(f"TLS failed: {error.reason or error}") from error
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise Setback("the name of the server cannot be resolved at the moment") from error
            raise self.failure("the name of the server is not known") from error
        except (OSError, http.client.HTTPException) as error:
            raise Setback(reason_of(error)) from error

    def _refusal(self, refused: Refused) -> TridentError:
        self.close()
        if refused.code == "server-without-range":
            return InvalidInput(
                refused.code,
                f"The server of '{self.url}' ignores range requests, which Trident needs to stream an image.",
                hint="Serve the image with nginx, Apache, Caddy, lighttpd or an object store; "
                "Python's http.server has no ranges.",
                details={"url": self.url},
            )
        if refused.code == "os-image-changed":
            return Servicing(
                refused.code,
                f"The image '{self.url}' changed on the server while it was being read.",
                hint="Publish each image under a name of its own, then run the command again.",
                details={"url": self.url},
            )
        return self.failure(refused.reason, hint=refused.hint)

    def failure(self, reason: str, *, hint: str | None = None) -> TridentError:
        """The error that this source cannot be read: invalid input at first, a servicing error later on."""
        kind, code = (InvalidInput, "load-cosi") if self._known is None else (Servicing, "fetch-os-image")
        return kind(
            code,
            f"The image '{self.url}' cannot be fetched: {reason}.",
            hint=hint or "Check the URL, the server and the network, then run the command again.",
            details={"url": self.url},
        )


class HttpStream:
    """Consecutive bytes of an HTTP source; goes on from the byte reached after a cut connection."""

    def __init__(self, source: HttpSource, offset: int, length: int) -> None:
        self._source = source
        self._offset = offset
        self._end = offset + length
        self._response: Response | None = None
        self._setbacks = source.setbacks()

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`trident.image.source.base.ByteStream`."""
        wanted = buffer[: self._end - self._offset]
        if not wanted:
            return 0
        while True:
            try:
                return self._piece(wanted)
            except Setback as setback:
                self._response = None
                self._source.drop()
                if not self._setbacks.bear():
                    raise self._source.failure(
                        f"it gave up at byte {self._offset} after {self._setbacks.row} attempts, "
                        f"the last: {setback}"
                    ) from setback

    def _piece(self, wanted: memoryview) -> int:
        if self._response is None:
            self._response, _ = self._source.request(self._offset, self._end - self._offset)
        count = self._source.pull(self._response, wanted)
        self._offset += count
        self._setbacks.progress(count)
        return count


def reason_of(error: Exception) -> str:
    """Why a connection failed, for people."""
    match error:
        case TimeoutError():
            return "the server went silent"
        case ConnectionRefusedError():
            return "nothing listens there (connection refused)"
        case http.client.RemoteDisconnected() | ConnectionError() | http.client.IncompleteRead():
            return "the connection was cut"
        case http.client.HTTPException():
            return "the server does not speak HTTP"
        case OSError() if error.strerror:
            return error.strerror
        case _:
            return str(error) or type(error).__name__
