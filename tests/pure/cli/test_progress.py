"""Progress in a pipe: plain lines for people, JSON Lines for programs, and never a reason to fail."""

from __future__ import annotations

import json
import os

import pytest

from trident.cli.progress import drawn
from trident.errors import InvalidInput
from trident.plan.situation import Change
from trident.progress import BytesMoved, Event, Notice, ServicingSelected, StepBegun, StepEnded
from trident.state.status import ServicingType

MIB = 1024 * 1024
STORY: tuple[Event, ...] = (
    StepBegun("write-image:root-b", "Write / from the image to root-b", 3, 14),
    BytesMoved("write-image:root-b", 40 * MIB, 100 * MIB),
    BytesMoved("write-image:root-b", 41 * MIB, 100 * MIB),
    BytesMoved("write-image:root-b", 100 * MIB, 100 * MIB),
    StepEnded("write-image:root-b", "done", 12.34),
    Notice("warning", "The clock is off."),
)


def test_a_pipe_gets_one_line_for_each_tenth_of_a_transfer(capsys: pytest.CaptureFixture[str]) -> None:
    with drawn() as progress:
        for event in STORY:
            progress(event)
    assert capsys.readouterr().err.splitlines() == [
        "[3/14] Write / from the image to root-b",
        "    40 % (40.0 MiB of 100 MiB)",
        "    100 % (100 MiB of 100 MiB)",
        "    done after 12.3 s",
        "    The clock is off.",
    ]


def test_why_it_is_this_kind_of_servicing_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def change(field: str, forces: ServicingType, reason: str, how: str = "changed") -> dict[str, str]:
        return Change(field, forces, reason, how).to_document()

    written = [change(f"os.hostname{number}", ServicingType.AB_UPDATE, "it is written") for number in "123"]
    nothing = change("health", ServicingType.NO_ACTIVE_SERVICING, "later")
    scripts = change("scripts", ServicingType.AB_UPDATE, "it has scripts", "present")
    with drawn() as progress:
        progress(ServicingSelected("ab-update", (written[0], nothing, scripts)))
        progress(ServicingSelected("ab-update", (*written, scripts, *written)))
        progress(ServicingSelected("no-active-servicing", (nothing,)))
    assert capsys.readouterr().err.splitlines() == [
        "ab-update, because: os.hostname1 changed (it is written); scripts (it has scripts)",
        "ab-update, because: os.hostname1 changed (it is written); os.hostname2 changed (it is written); "
        "os.hostname3 changed (it is written); scripts (it has scripts); and 3 more",
    ]


def test_a_title_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with drawn() as progress:
        progress(StepBegun("script:x", "Run the script '\x1b[2Jx'", 1, 2))
        progress(Notice("warning", "one\ntwo\x1b]0;x\a"))
    assert capsys.readouterr().err == "[1/2] Run the script '\\x1b[2Jx'\n    one\ntwo\\x1b]0;x\\x07\n"


def test_a_descriptor_gets_every_event_as_a_line_of_json() -> None:
    reader, writer = os.pipe()
    with drawn(writer) as progress:
        for event in STORY:
            progress(event)
    os.close(writer)
    with os.fdopen(reader) as lines:
        events = [json.loads(line) for line in lines]
    assert [event["event"] for event in events] == [type(event).__name__ for event in STORY]
    assert events[1]["done"] == 40 * MIB
    assert all(event["time"] > 0 for event in events)


def test_a_reader_that_left_does_not_stop_the_work() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with drawn(writer) as progress:
        for event in STORY:
            progress(event)
    os.close(writer)


@pytest.mark.parametrize("descriptor", [-1, 987654, 10**30])
def test_a_descriptor_that_is_not_open_is_refused_before_any_work(descriptor: int) -> None:
    with pytest.raises(InvalidInput) as caught, drawn(descriptor):
        pass
    assert caught.value.code == "progress-fd"
