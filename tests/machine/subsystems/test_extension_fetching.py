"""Extension images fetched from a server that need not be kind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.machine.image.server import cut_after, lie, redirect, serving, status, without_range
from tests.machine.subsystems import extension_images as images
from tests.machine.subsystems.extension_hosts import (
    NOTHING,
    change,
    configuration,
    extension,
    placed,
    refused,
    run,
    stored,
    update,
)
from trident.plan.step import Operation
from trident.progress import BytesMoved, Event

pytestmark = [pytest.mark.machine, pytest.mark.usefixtures("nothing_is_left")]

MIB = 1024 * 1024


@pytest.fixture
def big(work: Path) -> Path:
    """An image of several pieces."""
    files = images.tree(work)
    (files / "usr/share/much").write_bytes(os.urandom(3 * MIB))
    return images.pack(files)


def test_an_image_comes_over_http_and_its_bytes_are_counted(host: Path, big: Path) -> None:
    events: list[Event] = []
    with serving(big.read_bytes()) as server:
        wanted = configuration((extension(server.url, sha384=images.sha384(big)),))
        run(change(NOTHING, wanted), host, Operation.STAGE, events=events)
    moved = [event for event in events if isinstance(event, BytesMoved)]
    assert (moved[-1].done, moved[-1].total) == (big.stat().st_size, big.stat().st_size)


def test_a_cut_connection_and_a_redirect_do_no_harm(host: Path, big: Path) -> None:
    with serving(big.read_bytes()) as server:
        server.script = [
            redirect("/elsewhere.raw"),
            cut_after(0),
            cut_after(MIB),
            cut_after(MIB + 5, reset=True),
        ]
        wanted = configuration((extension(server.url, sha384=images.sha384(big)),))
        update(NOTHING, wanted, host)
    assert placed(host) == {"tools.raw": images.sha384(big)}


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ([status("404 Not Found")], "load-extension-image"),
        ([status("403 Forbidden")], "load-extension-image"),
        ([without_range], "server-without-range"),
        ([cut_after(MIB), lie(ETag='"v2"')], "extension-image-changed"),
    ],
)
def test_a_server_that_fails_is_one_clear_error(host: Path, big: Path, script: list[Any], code: str) -> None:
    with serving(big.read_bytes()) as server:
        # The first bytes are asked for when the source is opened.
        server.script = script if len(script) == 1 else [cut_after(0), *script]
        error = refused(host, extension(server.url, sha384=images.sha384(big)))
    assert error.code == code
    assert not any(name.startswith("sysexts/") for name in stored(host))
