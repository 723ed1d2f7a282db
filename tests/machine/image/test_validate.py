"""``trident validate --image`` and a web server: few requests, and one error whatever the server does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machine.image.server import (
    Behaviour,
    Server,
    cut_after,
    lie,
    redirect,
    say,
    serving,
    status,
    without_range,
)
from tests.machine.image.test_build import archive, built
from tests.pure.config.sample import VALID, edited
from tests.pure.image.samples import Sample
from trident.cli.main import main

pytestmark = pytest.mark.machine

NO_NETPLAN = edited(("  netplan: {version: 2, ethernets: {lan: {dhcp4: true}}}\n", ""))


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Sample(root=bytes(range(256)) * 4096).build()) as running:
        yield running


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("host") / "host.yaml"
    file.write_text(NO_NETPLAN)
    return str(file)


def problems(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["files"][0]["problems"]
    return found


def test_only_the_beginning_of_the_image_is_fetched_once(server: Server, path: str) -> None:
    """Also for several configurations; the images in it are not asked for."""
    assert main(["validate", path, path, "--image", server.url]) == 0
    assert len(server.requests) <= 2
    assert server.connections == 1


def test_the_image_is_fetched_once_also_where_each_configuration_names_it(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("host") / "own.yaml"
    file.write_text(NO_NETPLAN.replace("http://127.0.0.1/v1.cosi", server.url))
    assert main(["validate", str(file), str(file), "--own-image"]) == 0
    assert len(server.requests) <= 2


def test_an_image_that_trident_built_fits_what_names_its_hash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = built(archive(tmp_path / "tree.tar"), tmp_path / "lab.cosi")
    file = tmp_path / "host.yaml"
    fitting = NO_NETPLAN.replace("sha384: ignored", f"sha384: {report.metadata_sha384}")
    with serving(report.output.read_bytes()) as server:
        file.write_text(fitting)
        assert main(["validate", str(file), "--image", server.url, "--architecture", "amd64"]) == 0
        told = capsys.readouterr()
        assert (told.out, told.err) == (f"{file} is a valid Host Configuration and fits its image.\n", "")
        file.write_text(fitting.replace("size: 2G", "size: 4M"))
        assert main(["validate", str(file), "--image", server.url, "--output", "json"]) == 2
    sizes = {problem["path"] for problem in problems(capsys)}
    assert sizes == {"storage.disks[0].partitions[1].size"}


def test_a_redirect_is_followed(server: Server, path: str) -> None:
    server.script = [redirect("/elsewhere.cosi")]
    assert main(["validate", path, "--image", server.url]) == 0


FAULTS: dict[str, tuple[Behaviour, str]] = {
    "not there": (status("404 Not Found"), "load-cosi"),
    "forbidden": (status("403 Forbidden"), "load-cosi"),
    "out of order": (status("503 Service Unavailable"), "load-cosi"),
    "no ranges": (without_range, "server-without-range"),
    "always cut": (cut_after(100), "load-cosi"),
    "no HTTP": (say(b"220 mail.example ESMTP\r\n"), "load-cosi"),
    "other bytes than it says": (lie(Content_Range="bytes 7-9/100"), "load-cosi"),
    "round and round": (redirect("/again"), "load-cosi"),
    "into a file": (redirect("file:///etc/passwd"), "load-cosi"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_does_not_work_is_one_error(
    server: Server, path: str, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    server.usual, code = FAULTS[fault]
    assert main(["validate", path, "--image", server.url, "--output", "json"]) == 2
    (problem,) = problems(capsys)
    assert (problem["code"], problem["file"], problem["line"]) == (code, server.url, 0)
    assert problem["suggestion"]


def test_another_file_than_an_image_is_one_error(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    for data in (VALID.encode(), b"<html>", b"\0" * 2048):
        with serving(data) as server:
            assert main(["validate", path, "--image", server.url, "--output", "json"]) == 2
        (problem,) = problems(capsys)
        assert problem["code"] == "corrupt-os-image"
