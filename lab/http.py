"""A static web server on loopback: ranges, a count of the bytes served, and a place to stall.

Machines reach it as ``10.0.2.2``, the host's address in QEMU's user-mode network.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.errors import TimedOut

GUEST_VIEW_OF_HOST = "10.0.2.2"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)$")
_PIECE = 256 * 1024


class Gate:
    """Holds a download once so many of its bytes are through, until it is opened."""

    def __init__(self, after: int) -> None:
        self.after = after
        self._reached = threading.Event()
        self._open = threading.Event()

    def wait_until_reached(self, seconds: float) -> None:
        """Wait for a client to get that far.

        Raises:
            TimedOut: none did within ``seconds``.
        """
        if not self._reached.wait(seconds):
            raise TimedOut(f"No download reached byte {self.after} within {seconds:.0f} s.")

    def open(self) -> None:
        """Let downloads through."""
        self._open.set()

    def hold(self, limit: float = 600.0) -> None:
        """Called by the server at the place."""
        self._reached.set()
        self._open.wait(limit)


class Server:
    """Serves files by name until it is closed.

        with Server() as server:
            url = server.publish(Path("v1.cosi"))

    Args:
        port: on loopback; by default one that is free.

    Attributes:
        served: bytes of content sent, by path.
        requests: number of requests, by path.
    """

    def __init__(self, port: int = 0) -> None:
        self.served: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self._files: dict[str, Path] = {}
        self._gates: dict[str, Gate] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def port(self) -> int:
        """Its port on loopback."""
        return int(self._server.server_address[1])

    def publish(self, file: Path, name: str | None = None) -> str:
        """Serve ``file`` and return its URL as a machine sees it."""
        path = "/" + (name or file.name)
        self._files[path] = file
        return f"http://{GUEST_VIEW_OF_HOST}:{self.port}{path}"

    def stall(self, name: str, after: int) -> Gate:
        """Hold downloads of ``name`` at a byte of the file, until the returned gate is opened."""
        gate = Gate(after)
        self._gates["/" + name] = gate
        return gate

    def bytes_served(self) -> int:
        """Bytes of content sent so far, all files together."""
        with self._lock:
            return sum(self.served.values())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for gate in self._gates.values():
            gate.open()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server._answer(self, with_body=True)

            def do_HEAD(self) -> None:
                server._answer(self, with_body=False)

            def log_message(self, *_arguments: Any) -> None:
                pass

        return Handler

    def _answer(self, request: BaseHTTPRequestHandler, *, with_body: bool) -> None:
        path = request.path.partition("?")[0]
        file = self._files.get(path)
        if file is None or not file.is_file():
            request.send_error(HTTPStatus.NOT_FOUND)
            return
        stat = file.stat()
        begin, end, partial = 0, stat.st_size, False
        asked = _RANGE.match(request.headers.get("Range", ""))
        if asked:
            begin, partial = int(asked[1]), True
            end = min(int(asked[2]) + 1, stat.st_size) if asked[2] else stat.st_size
            if begin >= stat.st_size or begin >= end:
                request.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                request.send_header("Content-Range", f"bytes */{stat.st_size}")
                request.send_header("Content-Length", "0")
                request.end_headers()
                return
        request.send_response(HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK)
        request.send_header("Content-Type", "application/octet-stream")
        request.send_header("Accept-Ranges", "bytes")
        request.send_header("ETag", f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"')
        request.send_header("Content-Length", str(end - begin))
        if partial:
            request.send_header("Content-Range", f"bytes {begin}-{end - 1}/{stat.st_size}")
        request.end_headers()
        with self._lock:
            self.requests[path] += 1
        if with_body:
            # A client that goes away in mid-answer is none of the server's business.
            with contextlib.suppress(OSError):
                self._send(request, path, file, begin, end)

    def _send(self, request: BaseHTTPRequestHandler, path: str, file: Path, begin: int, end: int) -> None:
        with file.open("rb") as content:
            content.seek(begin)
            for size in self._pieces(path, begin, end):
                request.wfile.write(content.read(size))
                with self._lock:
                    self.served[path] += size

    def _pieces(self, path: str, begin: int, end: int) -> Iterator[int]:
        gate = self._gates.get(path)
        at = begin
        while at < end:
            stop = min(end, at + _PIECE)
            if gate is not None and at <= gate.after < stop:
                if gate.after == at:
                    gate.hold()
                else:
                    stop = gate.after
            yield stop - at
            at = stop
