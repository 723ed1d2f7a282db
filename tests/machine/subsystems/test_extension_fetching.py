"""Extension images fetched from a server that need not be kind."""

from __future__ import annotations

import os
from dataclasses import replace
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
    system,
    update,
)
from trident.plan.step import Operation
from trident.progress import BytesMoved, Event
from trident.state.status import ServicingType
from trident.subsystems.extensions import ExtensionsSubsystem
from trident.subsystems.extensions.bring import sizes_to_fetch

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
    assert stored(host) == set(), "half an image takes no room"


def test_a_plan_tells_how_much_is_fetched_of_what_the_host_does_not_have(host: Path, big: Path) -> None:
    with serving(big.read_bytes()) as server:
        wanted = configuration((extension(server.url, sha384=images.sha384(big)),))
        sizes = sizes_to_fetch(wanted, host)
        assert sizes == {images.sha384(big): big.stat().st_size}
        situation = change(NOTHING, wanted)
        known = replace(situation, facts=replace(situation.facts, extension_sizes=sizes))
        assert sum(step.cost for step in ExtensionsSubsystem().steps(known)) == big.stat().st_size
        run(known, host, Operation.STAGE)
        assert sizes_to_fetch(wanted, host) == {}


def test_a_plan_does_without_the_size_that_a_server_does_not_tell(host: Path) -> None:
    with serving(b"") as server:
        server.usual = status("404 Not Found")
        assert sizes_to_fetch(configuration((extension(server.url, sha384="ab" * 48),)), host) == {}


def test_what_is_copied_on_the_host_is_not_counted(host: Path, big: Path, tmp_path: Path) -> None:
    wanted = configuration((extension(big),))
    update(NOTHING, wanted, host)
    situation = replace(change(wanted, wanted), servicing_type=ServicingType.AB_UPDATE)
    events: list[Event] = []
    run(situation, host, Operation.STAGE, newroot=system(tmp_path / "newroot"), events=events)
    assert not any(isinstance(event, BytesMoved) for event in events)
