"""The full log: upstream's fields, only ever added to, for root alone, and never a reason to fail."""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from trident.host import fulllog
from trident.host.fulllog import COPY_BYTES, KEPT_COPIES, FullLog, kept_copies, kept_reports
from trident.state.status import ServicingType
from trident.subsystems.health import Failure, write_report
from trident.trace import TRACE


def record(message: str = "It rains.", level: int = logging.INFO, **context: str) -> logging.LogRecord:
    made = logging.LogRecord("trident.host.process", level, fulllog.__file__, 42, message, None, None)
    made.context = context
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trident-full.log"


@pytest.fixture
def log(path: Path) -> Iterator[FullLog]:
    handler = FullLog(path)
    yield handler
    handler.close()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def test_a_record_has_upstreams_fields_and_ours(log: FullLog, path: Path) -> None:
    log.emit(record(verb="update", servicing="ab-update", operation="stage", step="write-image:root-b"))
    (line,) = lines(path)
    moment = line.pop("time")
    assert line == {
        "level": "info",
        "message": "It rains.",
        "target": "trident.host.process",
        "module": "trident.host.fulllog",
        "file": "trident/host/fulllog.py",
        "line": 42,
        "pid": os.getpid(),
        "verb": "update",
        "servicing": "ab-update",
        "operation": "stage",
        "step": "write-image:root-b",
    }
    assert moment.endswith("Z")
    assert datetime.fromisoformat(moment).tzinfo is not None
    assert len(moment) == len("2026-01-31T23:59:59.000000Z")


@pytest.mark.parametrize(
    ("level", "name"),
    [
        (logging.CRITICAL, "error"),
        (logging.ERROR, "error"),
        (logging.WARNING, "warn"),
        (logging.INFO, "info"),
        (logging.DEBUG, "debug"),
        (TRACE, "trace"),
    ],
)
def test_levels_are_spelt_as_upstream_spells_them(log: FullLog, path: Path, level: int, name: str) -> None:
    log.emit(record(level=level))
    assert lines(path)[0]["level"] == name


def test_any_text_is_one_line(log: FullLog, path: Path) -> None:
    log.emit(record("a\nb\x1b\u2028\udcff"))
    assert len(path.read_bytes().splitlines()) == 1
    assert lines(path)[0]["message"].startswith("a\nb\x1b")


def test_a_run_adds_to_what_is_there(path: Path) -> None:
    path.write_text('{"message": "long ago"}\n')
    handler = FullLog(path)
    handler.emit(record())
    handler.close()
    assert [line["message"] for line in lines(path)] == ["long ago", "It rains."]


def test_it_is_for_its_owner_alone_even_if_it_was_not(path: Path) -> None:
    path.touch(mode=0o644)
    FullLog(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["directory", "pipe", "link", "nowhere"])
def test_what_is_no_log_is_not_written(tmp_path: Path, path: Path, kind: str) -> None:
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        (tmp_path / "other").write_text("mine\n")
        path.symlink_to(tmp_path / "other")
    else:
        path = tmp_path / "none" / "log"
    with pytest.raises(OSError):
        FullLog(path)
    assert kind != "link" or (tmp_path / "other").read_text() == "mine\n"


def test_a_line_that_was_cut_does_not_spoil_the_next(
    log: FullLog, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk takes half a line."""
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:10]))
        log.emit(record())
    log.emit(record("Dry again."))
    assert json.loads(path.read_bytes().splitlines()[1])["message"] == "Dry again."


def test_a_rotated_log_is_still_the_one_of_this_run(log: FullLog, path: Path, tmp_path: Path) -> None:
    log.emit(record("before"))
    path.rename(tmp_path / "trident-full.log.1")
    log.emit(record("after"))
    copy = log.keep_copy(tmp_path, "ab-update-staged")
    assert copy is not None
    assert [line["message"] for line in lines(copy)] == ["before", "after"]


def test_a_log_that_somebody_emptied_still_gives_a_copy(path: Path, tmp_path: Path) -> None:
    path.write_text("earlier\n" * 100)
    handler = FullLog(path)
    os.truncate(path, 0)
    handler.emit(record("after"))
    copy = handler.keep_copy(tmp_path, "ab-update-staged")
    handler.close()
    assert copy is not None
    assert [line["message"] for line in lines(copy)] == ["after"]


def test_a_copy_holds_the_lines_of_this_run_and_no_other(path: Path, tmp_path: Path) -> None:
    path.write_text(f'{{"message": "earlier", "pid": {os.getpid()}, "verb": "x"}}\n')
    handler = FullLog(path)
    handler.emit(record("mine"))
    with path.open("a") as other:
        other.write('{"message": "at the same time", "pid": 1, "verb": "get"}\n')
    handler.emit(record("mine, too"))
    copy = handler.keep_copy(tmp_path, "ab-update-finalized")
    handler.close()
    assert copy is not None
    assert fulllog.COPY_NAME.fullmatch(copy.name)
    assert copy.name.startswith("trident-ab-update-finalized-2")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [line["message"] for line in lines(copy)] == ["mine", "mine, too"]


def test_of_many_copies_the_newest_stay(log: FullLog, tmp_path: Path) -> None:
    log.emit(record())
    for day in range(1, 31):
        (tmp_path / f"trident-provisioned-202501{day:02}T000000Z.log").touch()
        (tmp_path / f"trident-health-check-failure-202501{day:02}T000000Z.log").touch()
    (tmp_path / "trident-notes.log").touch()
    first = log.keep_copy(tmp_path, "ab-update-staged")
    second = log.keep_copy(tmp_path, "ab-update-staged")
    assert first != second, "two within a second"
    names = sorted(path.name for path in kept_copies(tmp_path))
    assert len(names) == KEPT_COPIES
    assert "trident-provisioned-20250112T000000Z.log" not in names
    assert "trident-provisioned-20250113T000000Z.log" in names
    assert (tmp_path / "trident-notes.log").exists(), "not ours"
    reports = sorted(path.name for path in kept_reports(tmp_path))
    assert len(reports) == KEPT_COPIES, "they are counted by themselves"
    assert reports[0] == "trident-health-check-failure-20250111T000000Z.log"


def test_what_was_just_written_stays_where_the_clock_was_set_back(log: FullLog, tmp_path: Path) -> None:
    """A host without a clock of its own starts in the past: its log and report explain that start."""
    year = 365 * 24 * 3600
    for minute in range(20):
        for name in ("provisioned", "health-check-failure"):
            later = tmp_path / f"trident-{name}-20990101T00{minute:02}00Z.log"
            later.touch()
            os.utime(later, (130 * year + minute, 130 * year + minute))
    failures = [Failure("shop", "failed: shop.service is inactive.")]
    report = write_report(failures, ServicingType.AB_UPDATE, tmp_path)
    assert report is not None
    for number in range(KEPT_COPIES):
        log.emit(record(f"run {number}"))
        copy = log.keep_copy(tmp_path, "ab-update-finalized")
        assert copy is not None
        assert copy.exists()
        assert report.exists()
        assert len(list(kept_copies(tmp_path))) == len(list(kept_reports(tmp_path))) == KEPT_COPIES
    assert not list(tmp_path.glob("trident-provisioned-2099*")), "those were the older ones"


def test_of_a_very_long_run_the_end_is_kept(log: FullLog, tmp_path: Path) -> None:
    for number in range(3 * COPY_BYTES // 10_000):
        log.emit(record(f"{number}:{'x' * 10_000}"))
    copy = log.keep_copy(tmp_path, "provisioned")
    assert copy is not None
    assert COPY_BYTES * 0.9 < copy.stat().st_size <= COPY_BYTES
    assert lines(copy)[-1]["message"].startswith(f"{3 * COPY_BYTES // 10_000 - 1}:")


def test_no_copy_takes_the_last_room_of_the_datastore(
    log: FullLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.emit(record())
    monkeypatch.setattr(fulllog, "_SPARE_BYTES", 2**62)
    assert log.keep_copy(tmp_path, "provisioned") is None
    assert list(kept_copies(tmp_path)) == []
