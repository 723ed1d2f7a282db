"""An HTTP server as a source: everything it can do wrong is borne or is one clear error."""

from __future__ import annotations

import hashlib
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.machine.image.server import (
    Behaviour,
    Server,
    cut_after,
    dribble,
    hang,
    hang_after,
    head,
    lie,
    redirect,
    say,
    serve,
    serving,
    slow_head,
    status,
    without_range,
)
from trident.errors import InvalidInput, Servicing, TridentError, UnsupportedConfiguration
from trident.image.source import Patience, open_source
from trident.image.source.base import Source
from trident.image.source.http import FIRST_READ

pytestmark = pytest.mark.machine

DATA = hashlib.shake_256(b"image").digest(3 * 1024 * 1024)
QUICK = Patience(connect=2, silence=0.3, retries=3, first_pause=0.01, longest_pause=0.02)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(DATA) as running:
        yield running


def opened(server: Server) -> Source:
    return open_source(server.url, QUICK)


def refused(server: Server) -> TridentError:
    with pytest.raises(TridentError) as caught:
        opened(server)
    assert caught.value.hint
    return caught.value


def everything(source: Source, offset: int = 0) -> bytes:
    stream, result = source.stream(offset, source.size - offset), bytearray()
    buffer = memoryview(bytearray(100_000))
    while count := stream.readinto(buffer):
        result += buffer[:count]
    return bytes(result)


def test_an_honest_server_is_read_over_one_connection(server: Server) -> None:
    source = opened(server)

    assert source.size == len(DATA)
    assert source.read(10, 20) == DATA[10:30]
    assert source.read(len(DATA) - 5, 5) == DATA[-5:]
    assert everything(source, FIRST_READ) == DATA[FIRST_READ:]
    assert source.read(len(DATA) - 9, 9) == DATA[-9:]
    assert server.connections == 1
    assert len(server.requests) == 4


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")
def test_a_server_with_an_ipv6_address() -> None:
    with serving(DATA, host="::1") as server:
        assert opened(server).read(1_000_000, 3) == DATA[1_000_000:1_000_003]


def test_a_port_is_not_read_out_of_an_ipv6_address() -> None:
    with pytest.raises(InvalidInput, match=r"http://\[::1\]/x"):
        open_source("http://[::1]/x", replace(QUICK, retries=0))


def test_what_the_first_answer_brought_is_not_asked_for_again(server: Server) -> None:
    opened(server).read(FIRST_READ - 100, 100)

    assert [(request.start, request.end) for request in server.requests] == [(0, FIRST_READ - 1)]


def test_the_rest_of_a_stream_that_was_left_does_not_get_into_the_next(server: Server) -> None:
    source = opened(server)
    source.stream(0, len(DATA)).readinto(memoryview(bytearray(1000)))

    assert source.read(1_000_000, 50) == DATA[1_000_000:1_000_050]


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_cut_connection_is_resumed_from_the_byte_reached(server: Server, reset: bool) -> None:
    source = opened(server)
    server.script = [cut_after(500_000, reset=reset), cut_after(1), serve]

    assert everything(source) == DATA
    starts = [request.start for request in server.requests[1:]]
    assert starts[0] == 0
    assert starts[1] is not None
    assert 400_000 <= starts[1] <= 500_000
    assert starts[2] == starts[1] + 1


def test_a_connection_that_is_cut_all_the_time_still_makes_progress(server: Server) -> None:
    source = opened(server)
    server.script = [cut_after(100_000) for _ in range(100)]

    assert everything(source) == DATA


def test_a_connection_without_progress_is_given_up(server: Server) -> None:
    source = opened(server)
    server.usual = cut_after(10)

    with pytest.raises(Servicing, match="the connection was cut") as caught:
        everything(source)
    assert caught.value.code == "fetch-os-image"
    assert len(server.requests) == 2 + QUICK.retries


def test_a_server_that_stumbles_is_asked_again(server: Server) -> None:
    server.script = [status("500 Oops"), status("503 Busy"), serve, serve, status("502 Bad"), serve]
    source = opened(server)

    assert source.read(1_000_000, 5) == DATA[1_000_000:1_000_005]
    assert source.read(2_000_000, 5) == DATA[2_000_000:2_000_005]


def test_a_resumed_range_carries_the_entity_tag(server: Server) -> None:
    source = opened(server)
    server.script = [cut_after(1000)]
    everything(source)

    assert server.requests[0].header("If-Range") is None
    assert server.requests[-1].header("If-Range") == '"v1"'


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_entity_tag_the_date_is_used(server: Server, etag: str | None) -> None:
    server.etag = etag
    opened(server).read(1_000_000, 1)

    assert server.requests[-1].header("If-Range") == server.last_modified


CHANGED: dict[str, Behaviour] = {
    "honours-if-range": without_range,
    "ignores-if-range": lie(ETag='"v2"'),
    "only-the-date-tells": lie(Last_Modified="Fri, 21 Nov 2025 10:00:00 GMT"),
    "now-shorter": status("416 Range Not Satisfiable"),
    "now-larger": lie(Content_Range=f"bytes 1000-{len(DATA) - 1}/{len(DATA) + 5}"),
}


@pytest.mark.parametrize("after", CHANGED.values(), ids=CHANGED.keys())
def test_a_file_that_changed_in_mid_stream_is_an_error_and_no_mixture(
    server: Server, after: Behaviour
) -> None:
    source = opened(server)
    server.script = [cut_after(1000), after]

    with pytest.raises(Servicing) as caught:
        everything(source)
    assert caught.value.code == "os-image-changed"


def test_a_server_without_ranges_is_named_with_a_cure(server: Server) -> None:
    server.usual = without_range

    error = refused(server)

    assert isinstance(error, InvalidInput)
    assert error.code == "server-without-range"
    assert error.hint is not None
    assert "nginx" in error.hint


def test_pythons_own_server_is_one_of_those(tmp_path: Path) -> None:
    (tmp_path / "image.cosi").write_bytes(DATA)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    child = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        patient = Patience(retries=40, first_pause=0.05, longest_pause=0.1)
        with pytest.raises(InvalidInput) as caught:
            open_source(f"http://127.0.0.1:{port}/image.cosi", patient)
    finally:
        child.terminate()
        child.wait()
    assert caught.value.code == "server-without-range"


REFUSALS: dict[str, tuple[Behaviour, str]] = {
    "404": (status("404 Not Found"), "404"),
    "403": (status("403 Forbidden"), "403"),
    "401": (status("401 Unauthorized"), "credentials"),
    "410": (status("410 Gone"), "410"),
    "418": (status("418 Teapot"), "418"),
    "empty-file": (status("416 Range Not Satisfiable", "Content-Range: bytes */0"), "empty"),
    "500-for-ever": (status("500 Oops"), "500"),
    "503-for-ever": (status("503 Busy", "Retry-After: 3600"), "503"),
    "redirect-loop": (redirect("/image.cosi"), "loop"),
    "redirect-to-nowhere": (status("302 Found"), "without saying where"),
    "redirect-to-a-file": (redirect("file:///etc/passwd"), "not followed"),
    "redirect-to-ftp": (redirect("ftp://127.0.0.1/x"), "not followed"),
    "redirect-to-nonsense": (redirect("http://[::1/x"), "not followed"),
    "no-content-range": (say(head("206 Partial Content", "Content-Length: 5") + b"12345"), "Content-Range"),
    "multipart": (lie(Content_Range="multipart"), "Content-Range"),
    "unknown-total": (lie(Content_Range="bytes 0-99/*"), "Content-Range"),
    "other-bytes": (lie(Content_Range=f"bytes 5-104/{len(DATA)}"), "other bytes"),
    "backwards": (lie(Content_Range=f"bytes 0--5/{len(DATA)}"), "Content-Range"),
    "beyond-the-end": (lie(Content_Range="bytes 0-99/50"), "other bytes"),
    "more-than-asked": (lie(Content_Range=f"bytes 0-{len(DATA) - 1}/{len(DATA)}"), "other bytes"),
    "length-contradicts": (lie(Content_Length="17"), "contradicts"),
    "compressed": (lie(Content_Encoding="gzip"), "encoding"),
    "no-http": (say(b"SSH-2.0-OpenSSH_9.2\r\n"), ""),
    "silence": (hang, "silent"),
    "cut-at-once": (say(b""), "cut"),
    "shorter-than-promised": (cut_after(100), "cut"),
    "endless-header": (say(b"HTTP/1.1 206 OK\r\nX: " + b"x" * 100_000), ""),
    "thousand-headers": (say(b"HTTP/1.1 206 OK\r\n" + b"X: y\r\n" * 1000), ""),
}


@pytest.mark.parametrize(("behaviour", "says"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_cannot_be_opened_is_one_clear_error(server: Server, behaviour: Behaviour, says: str) -> None:
    server.usual = behaviour

    error = refused(server)

    assert isinstance(error, InvalidInput)
    assert error.code == "load-cosi"
    assert says in error.message
    assert server.url in error.message
    assert len(server.requests) <= 1 + max(QUICK.retries, 5)


SILENT: dict[str, Behaviour] = {"hang": hang_after(1000), "dribble": dribble, "slow-head": slow_head}


@pytest.mark.parametrize("behaviour", SILENT.values(), ids=SILENT.keys())
def test_a_server_that_keeps_one_waiting_is_given_up(server: Server, behaviour: Behaviour) -> None:
    source = opened(server)
    server.usual = behaviour

    with pytest.raises(Servicing, match="silent"):
        everything(source)


def test_a_slow_reader_is_not_taken_for_a_slow_server(server: Server) -> None:
    source = opened(server)
    stream = source.stream(0, len(DATA))
    buffer = memoryview(bytearray(1000))
    stream.readinto(buffer)
    time.sleep(2 * QUICK.silence)

    assert stream.readinto(buffer) > 0
    assert len(server.requests) == 2


def test_redirects_are_followed_and_remembered(server: Server) -> None:
    server.script = [redirect("/mirror/a.cosi", 301), redirect("b.cosi?token=1", 307)]
    source = opened(server)
    source.read(1_000_000, 1)

    assert [request.path for request in server.requests] == [
        "/image.cosi",
        "/mirror/a.cosi",
        "/mirror/b.cosi?token=1",
        "/mirror/b.cosi?token=1",
    ]
    assert source.url == server.url


def test_after_a_cut_the_redirect_is_asked_for_again(server: Server) -> None:
    server.script = [redirect("/signed?until=1"), serve, cut_after(10), redirect("/signed?until=2")]

    assert everything(opened(server)) == DATA
    assert server.requests[-1].path == "/signed?until=2"


def test_credentials_go_to_their_server_only_and_are_never_shown(server: Server) -> None:
    with serving(DATA) as other:
        server.script = [redirect(other.url)]
        url = server.url.replace("http://", "http://me:s3cret%21@") + "?sig=hidden"
        source = open_source(url, QUICK)

        assert server.requests[0].header("Authorization") == "Basic bWU6czNjcmV0IQ=="
        assert other.requests[0].header("Authorization") is None
        assert "s3cret" not in source.url
        assert "hidden" not in source.url
        other.usual = server.usual = status("404 Not Found")
        with pytest.raises(Servicing) as caught:
            source.read(2_000_000, 1)
    assert "s3cret" not in repr(caught.value.to_document())
    assert "hidden" not in repr(caught.value.to_document())


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(InvalidInput, match="connection refused"):
        open_source(f"http://127.0.0.1:{port}/x", QUICK)


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(InvalidInput, match="name of the server"):
        open_source("http://no-such-host.invalid/x", QUICK)


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http:///x",
        "http://host:port/x",
        "http://host:99999/x",
        "http://a b/x",
        "http://h/\nx",
        "http://[::1/x",
    ],
)
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_source(url, QUICK)
    assert caught.value.code == "invalid-image-url"


@pytest.mark.parametrize("url", ["oci://registry/image:1", "ftp://host/x", "data:,x"])
def test_a_scheme_that_is_not_implemented(url: str) -> None:
    with pytest.raises(UnsupportedConfiguration) as caught:
        open_source(url, QUICK)
    assert caught.value.code == "unsupported-image-url"


def test_a_path_with_spaces_and_letters_beyond_ascii(server: Server) -> None:
    open_source(server.url.replace("image.cosi", "caf%C3%A9/größe.cosi"), QUICK)

    assert server.requests[0].path == "/caf%C3%A9/gr%C3%B6%C3%9Fe.cosi"


def test_proxies_of_the_environment_are_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert opened(server).size == len(DATA)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    openssl = shutil.which("openssl")
    assert openssl is not None
    directory = tmp_path_factory.mktemp("tls")
    key, cert, both = directory / "key.pem", directory / "cert.pem", directory / "both.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *names, "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


def test_tls_with_a_trusted_certificate(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("cert.pem")))
    with serving(DATA, certificate=certificate) as server:
        source = opened(server)
        server.script = [cut_after(70_000)]

        assert everything(source) == DATA


def test_tls_with_an_unknown_certificate_is_refused_at_once(certificate: Path) -> None:
    with serving(DATA, certificate=certificate) as server:
        error = refused(server)

        assert "certificate is not trusted" in error.message
        assert server.connections == 1


def test_tls_to_a_server_that_speaks_none(server: Server) -> None:
    server.usual = say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(InvalidInput, match=r"TLS failed|cut|silent"):
        open_source(server.url.replace("http:", "https:"), replace(QUICK, connect=0.2))


def test_a_redirect_from_https_to_http_is_not_followed(
    certificate: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("cert.pem")))
    with serving(DATA, certificate=certificate) as secure:
        secure.usual = redirect(server.url)

        assert "from https to http" in refused(secure).message
    assert server.requests == []


@pytest.mark.parametrize("behaviour", [hang, hang_after(1000)])
def test_a_reader_that_waits_is_woken_up(server: Server, behaviour: Behaviour) -> None:
    source = open_source(server.url, Patience(silence=60))
    server.usual = behaviour
    failures: list[TridentError] = []

    def read() -> None:
        try:
            everything(source)
        except TridentError as error:
            failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    while len(server.requests) < 2:
        time.sleep(0.01)
    source.abort()
    reader.join(10)

    assert not reader.is_alive()
    assert failures
