"""A web server on loopback that can be told to misbehave, one answer at a time."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_RANGE = re.compile(rb"\r\nRange: bytes=(\d+)-(\d+)\r\n", re.IGNORECASE)


@dataclass
class Request:
    """One request: its first line's path, its headers as they came, and the range it asks for."""

    path: str
    head: bytes
    start: int | None
    end: int | None

    def header(self, name: str) -> str | None:
        match = re.search(rb"\r\n" + name.encode() + rb": ([^\r]*)\r\n", self.head, re.IGNORECASE)
        return match[1].decode() if match else None


Behaviour = Callable[["Server", socket.socket, Request], None]


def head(status: str, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def serve(server: Server, link: socket.socket, request: Request) -> None:
    """As an honest server does."""
    link.sendall(range_head(server, request) + body_of(server, request))


def range_head(server: Server, request: Request, **changed: str) -> bytes:
    assert request.start is not None
    assert request.end is not None
    body = body_of(server, request)
    fields = {
        "Content-Range": f"bytes {request.start}-{request.start + len(body) - 1}/{len(server.data)}",
        "Content-Length": str(len(body)),
        "ETag": server.etag,
        "Last-Modified": server.last_modified,
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }
    return head(
        "206 Partial Content", *(f"{name}: {value}" for name, value in fields.items() if value is not None)
    )


def body_of(server: Server, request: Request) -> bytes:
    assert request.start is not None
    assert request.end is not None
    return server.data[request.start : request.end + 1]


@dataclass
class Server:
    """What is served, and how.

    ``script`` holds behaviours for the next requests, one each; then every request gets ``usual``.
    """

    data: bytes
    etag: str | None = '"v1"'
    last_modified: str | None = "Thu, 20 Nov 2025 10:00:00 GMT"
    script: list[Behaviour] = field(default_factory=list)
    usual: Behaviour = serve
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    scheme: str = "http"
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/image.cosi"

    def behave(self, link: socket.socket, request: Request) -> None:
        self.requests.append(request)
        behaviour = self.script.pop(0) if self.script else self.usual
        behaviour(self, link, request)


def status(line: str, *lines: str) -> Behaviour:
    """Answer with a status and no body."""
    return lambda server, link, request: link.sendall(head(line, "Content-Length: 0", *lines))


def redirect(location: str, code: int = 302) -> Behaviour:
    return status(f"{code} Elsewhere", f"Location: {location}")


def without_range(server: Server, link: socket.socket, request: Request) -> None:
    """As Python's own http.server does: the whole file, whatever was asked for."""
    link.sendall(head("200 OK", f"Content-Length: {len(server.data)}", f"ETag: {server.etag}"))
    with contextlib.suppress(OSError):
        link.sendall(server.data)
    raise ConnectionAbortedError


def cut_after(count: int, *, reset: bool = False) -> Behaviour:
    """Send ``count`` bytes of the body, then close or reset the connection."""

    def behave(server: Server, link: socket.socket, request: Request) -> None:
        link.sendall(range_head(server, request) + body_of(server, request)[:count])
        if reset:
            time.sleep(0.05)  # a reset overtakes what is still on its way
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionAbortedError

    return behave


def lie(**changed: str) -> Behaviour:
    """An honest body under headers of which some are changed."""
    return lambda server, link, request: link.sendall(
        range_head(server, request, **changed) + body_of(server, request)
    )


def say(data: bytes) -> Behaviour:
    """Send bytes that need not be HTTP."""

    def behave(server: Server, link: socket.socket, request: Request) -> None:
        link.sendall(data)
        raise ConnectionAbortedError

    return behave


def hang(server: Server, link: socket.socket, request: Request) -> None:
    """Say nothing until the other side gives up."""
    link.recv(1)
    raise ConnectionAbortedError


def hang_after(count: int) -> Behaviour:
    def behave(server: Server, link: socket.socket, request: Request) -> None:
        link.sendall(range_head(server, request) + body_of(server, request)[:count])
        hang(server, link, request)

    return behave


def dribble(server: Server, link: socket.socket, request: Request) -> None:
    """One byte now and then: never silent, never done."""
    link.sendall(range_head(server, request))
    for byte in body_of(server, request):
        link.sendall(bytes([byte]))
        time.sleep(0.02)


def slow_head(server: Server, link: socket.socket, request: Request) -> None:
    """A header that never ends."""
    link.sendall(b"HTTP/1.1 206 Partial Content\r\nX: ")
    while True:
        link.sendall(b"x")
        time.sleep(0.02)


@contextlib.contextmanager
def serving(data: bytes, *, certificate: Path | None = None, host: str = "127.0.0.1") -> Iterator[Server]:
    """A server on a free port of loopback, with TLS if there is a certificate."""
    server = Server(data, scheme="https" if certificate else "http", host=host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, 0), family=family)
    server.port = listener.getsockname()[1]
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    stopping = threading.Event()
    open_links: set[socket.socket] = set()

    def answer(link: socket.socket) -> None:
        with contextlib.suppress(OSError), link:
            open_links.add(link)
            secured = context.wrap_socket(link, server_side=True) if context else link
            with contextlib.suppress(OSError), secured:
                _talk(server, secured)

    def accept() -> None:
        while not stopping.is_set():
            try:
                link, _ = listener.accept()
            except OSError:
                return
            server.connections += 1
            threading.Thread(target=answer, args=(link,), daemon=True).start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server
    finally:
        stopping.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for link in list(open_links):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        acceptor.join()


def _talk(server: Server, link: socket.socket) -> None:
    buffer = b""
    while True:
        while b"\r\n\r\n" not in buffer:
            piece = link.recv(65536)
            if not piece:
                return
            buffer += piece
        raw, _, buffer = buffer.partition(b"\r\n\r\n")
        raw += b"\r\n"
        asked = _RANGE.search(raw)
        path = raw.split(b" ")[1].decode()
        start, end = (int(asked[1]), int(asked[2])) if asked else (None, None)
        server.behave(link, Request(path, raw, start, end))
