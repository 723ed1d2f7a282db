"""``--progress-fd``: whatever descriptor is named, and whatever its reader does."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pure.cli.test_signals import Servicing
from tests.pure.repository.project import ROOT
from trident.cli import lines as module
from trident.cli.lines import as_document, claim, json_lines
from trident.cli.outlet import Outlet
from trident.errors import InvalidInput
from trident.plan.situation import Change
from trident.progress import (
    BytesMoved,
    Event,
    Notice,
    OperationBegun,
    OperationEnded,
    ServicingBegun,
    ServicingEnded,
    ServicingSelected,
    StepBegun,
    StepEnded,
    Undone,
)
from trident.state.status import ServicingType

STORY: tuple[Event, ...] = (
    ServicingBegun("update"),
    ServicingSelected(
        "ab-update",
        (Change("os.hostname", ServicingType.AB_UPDATE, "it is written into a target").to_document(),),
    ),
    OperationBegun("stage", "ab-update", 1),
    StepBegun("write-image:root-b", "Write / from the image to root-b", 1, 1),
    BytesMoved("write-image:root-b", 1, 2),
    Notice("info", "A script says this."),
    StepEnded("write-image:root-b", "failed", 1.0),
    OperationEnded("stage", "ab-update", "failed", 1.0),
    Undone("runtime-update", "done"),
    ServicingEnded(
        "update", None, "failed", 2.0, "It broke.", error={"category": "servicing", "error": "boom"}
    ),
)
SCHEMA = json.loads((ROOT / "docs/progress.schema.json").read_text())


def read(descriptor: int) -> list[dict[str, Any]]:
    with os.fdopen(descriptor, "rb") as lines:
        return [json.loads(line) for line in lines]


@contextlib.contextmanager
def slow_reader() -> Iterator[tuple[int, int]]:
    """A pipe that holds one page."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    yield reader, writer
    for descriptor in (reader, writer):
        with contextlib.suppress(OSError):
            os.close(descriptor)


def ignore(_notice: Notice) -> None:
    pass


def test_every_event_is_as_the_schema_says() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    for event in STORY:
        jsonschema.validate(json.loads(json.dumps(as_document(event))), SCHEMA)
    jsonschema.validate({"event": "EventsLost", "time": 1.0, "events": 3}, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"event": "StepEnded", "time": 1.0, "step": "x", "outcome": "well"}, SCHEMA)


def test_the_schema_knows_every_event() -> None:
    names = {definition["properties"]["event"]["const"] for definition in SCHEMA["oneOf"]}
    assert names == {type(event).__name__ for event in STORY} | {"EventsLost"}


def test_the_first_line_says_which_schema_follows() -> None:
    assert as_document(STORY[0])["schemaVersion"] == module.SCHEMA_VERSION


@pytest.mark.parametrize("descriptor", [-1, 987654, 2**31 - 1, 2**31, 10**30])
def test_a_number_that_is_no_open_descriptor_is_refused(descriptor: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        claim(descriptor)
    assert caught.value.code == "progress-fd"


@pytest.mark.parametrize("kind", ["directory", "read-only file", "path", "closed stream", "end to read from"])
def test_what_cannot_be_written_is_refused(tmp_path: Path, kind: str) -> None:
    reader, writer = os.pipe()
    (tmp_path / "file").touch()
    flags = {"directory": os.O_RDONLY, "read-only file": os.O_RDONLY, "path": os.O_PATH}
    closed = frozenset[int]()
    if kind in flags:
        descriptor = os.open(tmp_path if kind == "directory" else tmp_path / "file", flags[kind])
    elif kind == "closed stream":
        descriptor = os.open(os.devnull, os.O_RDWR)
        closed = frozenset({descriptor})
    else:
        descriptor = os.dup(reader)
    with pytest.raises(InvalidInput):
        claim(descriptor, closed)
    for number in (reader, writer, descriptor):
        os.close(number)


def test_the_callers_descriptor_stays_as_it_is_and_no_program_inherits_it() -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    flags = fcntl.fcntl(writer, fcntl.F_GETFL)
    ours = claim(writer)
    with json_lines(ours, ignore) as write:
        write(STORY[0])
        assert fcntl.fcntl(writer, fcntl.F_GETFL) == flags, "whoever shares it would have to know"
        left = subprocess.run(
            ["ls", "/proc/self/fd"], check=True, capture_output=True, text=True, close_fds=False
        )
        assert not {str(writer), str(ours)} & set(left.stdout.split())
    os.write(writer, b"{}\n")  # It is still open.
    os.close(writer)
    os.close(ours)
    assert len(read(reader)) == 2


@pytest.mark.parametrize("kind", ["pipe", "file", "stream socket", "non-blocking pipe"])
def test_every_kind_of_descriptor_gets_all_events(tmp_path: Path, kind: str) -> None:
    if kind == "file":
        writer = os.open(tmp_path / "events", os.O_WRONLY | os.O_CREAT)
        reader = os.open(tmp_path / "events", os.O_RDONLY)
    elif kind == "stream socket":
        one, two = socket.socketpair()
        reader, writer = one.detach(), two.detach()
    else:
        reader, writer = os.pipe()
        os.set_blocking(writer, kind == "pipe")
    found: list[dict[str, Any]] = []
    with json_lines(writer, ignore) as write:
        for event in STORY:
            write(event)
    os.close(writer)
    thread = threading.Thread(target=lambda: found.extend(read(reader)))
    thread.start()
    thread.join(10)
    assert [event["event"] for event in found] == [type(event).__name__ for event in STORY]


def test_a_reader_that_went_away_is_told_of_once() -> None:
    notices: list[Notice] = []
    reader, writer = os.pipe()
    os.close(reader)
    with json_lines(writer, notices.append) as write:
        for event in STORY * 3:
            write(event)
    os.close(writer)
    assert [notice.text for notice in notices] == ["Nobody reads --progress-fd any more: Broken pipe."]


def test_a_reader_that_stopped_loses_events_and_is_told_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    notices: list[Notice] = []
    monkeypatch.setattr(module, "Outlet", lambda fd: Outlet(fd, patience=0.5, capacity=8192))
    steps = [StepBegun(f"step-{number}", "x" * 100, number, 500) for number in range(500)]
    with slow_reader() as (reader, writer):
        with json_lines(writer, notices.append) as write:
            for event in steps:
                write(event)
            assert len(notices) == 1
            lines = os.fdopen(os.dup(reader), "rb")
            thread = threading.Thread(target=lambda: found.extend(json.loads(line) for line in lines))
            found: list[dict[str, Any]] = []
            thread.start()
            last = StepEnded("last", "done", 1.0)
            for _ in range(199):
                write(last)
            write(STORY[-1])
        os.close(writer)
        thread.join(10)
    lost = sum(event["events"] for event in found if event["event"] == "EventsLost")
    assert lost > 0
    assert sum(event["event"] != "EventsLost" for event in found) + lost == 700
    assert found[-1]["event"] == "ServicingEnded", "the end is worth another wait"
    assert [event["index"] for event in found if event["event"] == "StepBegun"][:5] == [0, 1, 2, 3, 4]


def test_bytes_are_dropped_before_anything_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    notices: list[Notice] = []
    monkeypatch.setattr(module, "Outlet", lambda fd: Outlet(fd, patience=3600, capacity=65536))
    with slow_reader() as (reader, writer), contextlib.ExitStack() as stack:
        write = stack.enter_context(json_lines(writer, notices.append))
        for number in range(100_000):
            write(BytesMoved("write-image:root-b", number, 100_000))
        os.close(reader)
    assert notices == []


def test_a_lost_connection_to_stdout_and_progress_ends_no_servicing(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    servicing = Servicing(
        tmp_path, "--progress-fd", str(writer), pass_fds=(writer,), stdout=subprocess.DEVNULL, stderr=-3
    )
    os.close(writer)
    servicing.wait_for("working")
    os.close(reader)
    servicing.let_go()
    assert servicing.ended() == 0


def test_a_reader_sees_a_servicing_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    servicing = Servicing(tmp_path, "--progress-fd", str(writer), pass_fds=(writer,), stdout=-3, stderr=-3)
    os.close(writer)
    servicing.let_go()
    events = read(reader)
    assert servicing.ended() == 0
    assert [(event["event"], event.get("step")) for event in events] == [
        ("ServicingBegun", None),
        ("OperationBegun", None),
        *((name, step) for step in ("enter", "work", "end") for name in ("StepBegun", "StepEnded")),
        ("OperationEnded", None),
        ("ServicingEnded", None),
    ]
    assert (events[1]["servicing"], events[1]["operation"], events[1]["steps"]) == ("ab-update", "commit", 3)
    assert (events[-1]["outcome"], events[-1]["summary"]) == ("done", "All is done.")


@pytest.mark.parametrize("number", [1, 2])
def test_standard_streams_carry_events_beside_their_own_lines(tmp_path: Path, number: int) -> None:
    (tmp_path / "go").touch()
    servicing = Servicing(
        tmp_path, "--progress-fd", str(number), "-v", "OFF", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = servicing.process.communicate(timeout=40)
    events = [line for line in (out, err)[number - 1].splitlines() if line.startswith(b"{")]
    assert json.loads(events[0])["event"] == "ServicingBegun"
    assert json.loads(events[-1])["event"] == "ServicingEnded"


@pytest.mark.parametrize("redirection", ["0</dev/null", "3<&-", "3</dev/null", "3<.", "1>&-"])
def test_a_wrong_descriptor_is_one_clear_error(tmp_path: Path, redirection: str) -> None:
    number = redirection[0]
    command = f'exec "$0" -m tests.pure.cli.long_servicing "$1" 0 --progress-fd {number} {redirection}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, str(tmp_path)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=40,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error[invalid-input/progress-fd]: --progress-fd {number} is not")
    assert not (tmp_path / "working").exists()
    assert "progress-fd" in (tmp_path / "full.log").read_text()
