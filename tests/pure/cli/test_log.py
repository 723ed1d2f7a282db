"""What a servicing says, to whom, and that nobody reads a secret there."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pure.cli.test_signals import Servicing
from tests.pure.host.test_journal import Journald
from tests.pure.repository.project import ROOT
from trident.cli import messages
from trident.cli.log import keep_secret, log_failure, set_up_logging
from trident.cli.messages import LoggedEvents
from trident.cli.parser import VERBOSITIES
from trident.cli.progress import drawn
from trident.cli.report import print_error
from trident.errors import HealthChecks
from trident.errors import Servicing as ServicingError
from trident.host import fulllog, journal
from trident.progress import (
    BytesMoved,
    Event,
    Notice,
    OperationBegun,
    OperationEnded,
    ServicingBegun,
    ServicingEnded,
    StepBegun,
    StepEnded,
    Undone,
)
from trident.servicing.announce import announced
from trident.servicing.environment import Outcome
from trident.state.status import ServicingType
from trident.trace import TRACE

LEVELS = {"error": 40, "warn": 30, "info": 20, "debug": 10, "trace": TRACE}
STORY: tuple[Event, ...] = (
    ServicingBegun("update"),
    OperationBegun("stage", "ab-update", 2),
    StepBegun("write-image:root-b", "Write / from the image to root-b", 1, 2),
    BytesMoved("write-image:root-b", 50, 100),
    StepEnded("write-image:root-b", "done", 1.5),
    StepBegun("script:x", "Run the postConfigure script 'x'", 2, 2),
    Notice("info", "The script says this."),
    StepEnded("script:x", "failed", 0.25),
    OperationEnded("stage", "ab-update", "failed", 2.0),
    ServicingEnded(
        "update",
        None,
        "failed",
        2.5,
        "It broke.",
        error=ServicingError("boom", "It broke.", hint="Mend it.").to_document(),
    ),
)


@pytest.fixture(autouse=True)
def full_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "trident-full.log"
    monkeypatch.setattr(fulllog.FullLog.__init__, "__defaults__", (path,))
    monkeypatch.setattr(journal.Journal.__init__, "__defaults__", (tmp_path / "no-journal",))
    logger = logging.getLogger("trident")
    before = (tuple(logger.handlers), logger.level, logger.propagate)
    for handler in before[0]:
        logger.removeHandler(handler)
    yield path
    set_up_logging("OFF", "get")
    logger.handlers, logger.level, logger.propagate = list(before[0]), before[1], before[2]


def told(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_step_is_one_line_with_its_outcome_and_duration(full_log: Path) -> None:
    set_up_logging(None, "update")
    events = LoggedEvents()
    for event in STORY:
        events(event)
    assert [line["message"] for line in told(full_log) if LEVELS[line["level"]] >= logging.INFO] == [
        "'trident update' begins.",
        "stage of ab-update begins: 2 steps.",
        "[1/2] Write / from the image to root-b: done after 1.50 s.",
        "The script says this.",
        "[2/2] Run the postConfigure script 'x': failed after 0.25 s.",
        "stage of ab-update: failed after 2.00 s.",
        "servicing/boom: It broke. Mend it. ('trident update', 2.50 s)",
    ]


def test_each_line_says_what_was_going_on(full_log: Path) -> None:
    set_up_logging(None, "update")
    events = LoggedEvents()
    for event in STORY:
        events(event)
    fields = ("verb", "servicing", "operation", "step")
    going_on = [tuple(line.get(field) for field in fields) for line in told(full_log)]
    assert going_on[0] == ("update", None, None, None)
    assert going_on[1] == ("update", "ab-update", "stage", None)
    assert going_on[3] == ("update", "ab-update", "stage", "write-image:root-b")
    assert going_on[-1][2:] == (None, None)


def test_the_full_log_has_everything_whatever_stderr_shows(
    full_log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logging("OFF", "update")
    logging.getLogger("trident.x").log(TRACE, "fine print")
    logging.getLogger("trident.x").error("trouble")
    assert [line["level"] for line in told(full_log)] == ["trace", "error"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("verb", ["update", "get", "validate", "plan"])
@pytest.mark.parametrize("verbosity", VERBOSITIES)
def test_verbosity_means_the_same_for_every_command(
    verb: str, verbosity: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logging(verbosity, verb)
    logger = logging.getLogger("trident.x")
    for name, level in LEVELS.items():
        logger.log(level, "%s", name)
    least = VERBOSITIES.index(verbosity)
    assert capsys.readouterr().err.split()[1::2] == list(LEVELS)[:least]


@pytest.mark.parametrize(("verb", "shown"), [("update", 4), ("commit", 4), ("get", 2), ("validate", 2)])
def test_without_verbosity_a_servicing_in_a_pipe_shows_more(
    verb: str, shown: int, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logging(None, verb)
    for name, level in LEVELS.items():
        logging.getLogger("trident.x").log(level, "%s", name)
    assert len(capsys.readouterr().err.splitlines()) == shown


def test_only_what_is_serviced_is_kept(full_log: Path) -> None:
    for verb in ("get", "validate", "plan", "explain"):
        set_up_logging("TRACE", verb)
        logging.getLogger("trident.x").error("x")
    assert not full_log.exists()


def test_no_log_shows_a_secret(full_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("TRACE", "update")
    keep_secret({"image": {"url": "https://h/v1.cosi?sig=s3cr3t-signature"}})
    keep_secret({"scripts": {"postConfigure": [{"environmentVariables": {"TOKEN": "s3cr3t-variable"}}]}})
    logger = logging.getLogger("trident.x")
    logger.debug("+ join %s", "s3cr3t-variable")
    logger.info("GET https://ops:s3cr3t@h/v1.cosi?sig=s3cr3t-signature")
    LoggedEvents()(Notice("info", "the script printed s3cr3t-variable"))
    try:
        raise ValueError("s3cr3t-signature")
    except ValueError:
        logger.exception("a defect")
    assert len(told(full_log)) == 4
    assert "s3cr3t" not in full_log.read_text() + capsys.readouterr().err


def test_neither_progress_nor_an_error_shows_a_secret_that_a_script_printed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    set_up_logging("OFF", "update")
    keep_secret({"scripts": {"postConfigure": [{"environmentVariables": {"TOKEN": "s3cr3t-variable"}}]}})
    error = ServicingError("run-script", "It failed: s3cr3t-variable", hint="Look at s3cr3t-variable.")
    path = tmp_path / "events.jsonl"
    with path.open("w") as file, drawn(file.fileno()) as progress:
        progress(Notice("warning", "it printed s3cr3t-variable"))
        with pytest.raises(ServicingError):
            announced("update", progress, lambda: (_ for _ in ()).throw(error))
    print_error(error, as_json=True)
    out, err = capsys.readouterr()
    assert "It failed: ***" in path.read_text()
    assert "It failed: ***" in out
    assert "Look at ***." in err
    assert "s3cr3t" not in path.read_text() + out + err


def test_stderr_is_text_that_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("INFO", "update")
    logging.getLogger("trident.x").info("\x1b]0;owned\a")
    assert capsys.readouterr().err == "INFO \\x1b]0;owned\\x07\n"


def test_a_failure_is_logged_once(full_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(None, "update")
    with pytest.raises(ServicingError):
        announced(
            "update", LoggedEvents(), lambda: (_ for _ in ()).throw(ServicingError("boom", "It broke."))
        )
    log_failure("servicing/boom: It broke.")
    assert [line["level"] for line in told(full_log)] == ["info", "error"]
    assert capsys.readouterr().err == "", "the command tells its error itself"


def test_a_unit_tells_the_journal_everything_once(tmp_path: Path) -> None:
    """Its stdout and stderr are a stream to the journal; the journal has every record with fields already."""
    journald = Journald(tmp_path / "journal")
    (tmp_path / "go").touch()
    with (tmp_path / "stderr").open("wb") as stderr:
        found = os.fstat(stderr.fileno())
        environment = {**os.environ, "JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        servicing = Servicing(tmp_path, stdout=stderr, stderr=stderr, env=environment)
        said = []
        while servicing.process.poll() is None:
            with contextlib.suppress(BlockingIOError):
                said.append(journald.entry())
            time.sleep(0.001)
        with contextlib.suppress(BlockingIOError):
            while True:
                said.append(journald.entry())
    assert servicing.ended() == 0
    assert (tmp_path / "stderr").read_bytes() == b""
    assert sum("Work: done" in entry["MESSAGE"] for entry in said) == 1
    ids = [entry["MESSAGE_ID"] for entry in said if "MESSAGE_ID" in entry]
    assert ids == [messages.SERVICING_BEGUN, messages.COMMITTED]
    assert {entry["TRIDENT_VERB"] for entry in said} == {"commit"}


def test_a_host_that_goes_back_says_so(full_log: Path) -> None:
    set_up_logging("OFF", "commit")
    failure = HealthChecks("health-checks-failed", "The web does not answer.")
    outcome = Outcome(ServicingType.AB_UPDATE, True, "The host goes back to volume A.", failure=failure)
    announced("commit", LoggedEvents(), lambda: outcome)
    assert [(line["level"], line["message"].split(" ('")[0]) for line in told(full_log)][1:] == [
        ("error", "health-checks/health-checks-failed: The web does not answer."),
        ("warn", "The host goes back to volume A."),
    ]


def test_what_is_undone_by_itself_is_told(full_log: Path) -> None:
    set_up_logging("OFF", "update")
    for outcome in ("done", "failed"):
        LoggedEvents()(Undone("runtime-update", outcome))
    assert [(line["level"], line["servicing"]) for line in told(full_log)] == [
        ("warn", "runtime-update"),
        ("error", "runtime-update"),
    ]
    assert "half-way" in told(full_log)[1]["message"]


def test_every_message_id_is_documented_and_explained() -> None:
    ids = {value for name, value in vars(messages).items() if name.isupper() and isinstance(value, str)}
    assert len(ids) == 8
    for page in ("docs/logs.md", "packaging/trident.catalog"):
        assert set(re.findall(r"\b[0-9a-f]{32}\b", (ROOT / page).read_text())) == ids, page
