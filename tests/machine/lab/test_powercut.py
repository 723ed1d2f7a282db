"""What a power cut is judged by: the datastore and the files on a disk that lost power, and the dice."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from lab.powercut.moment import Label, Moment, one_of_each, read_label
from lab.powercut.report import Report
from lab.powercut.story import STORIES
from lab.powercut.take import Take
from lab.powercut.trial import Verdict
from lab.powercut.volume import digest_of_bytes, digest_of_files
from lab.recording import Write
from lab.tool import run_tool
from trident.state.datastore import Datastore
from trident.state.status import HostStatus, ServicingState

pytestmark = pytest.mark.machine

MIB = 1 << 20
BEGIN, END = MIB, 33 * MIB


def disk_with(tree: Path, path: Path) -> Path:
    """A disk whose bytes from 1 MiB on are a file system with the files of a tree."""
    volume = path.with_name("made.img")
    with volume.open("wb") as file:
        file.truncate(END - BEGIN)
    run_tool("mkfs.ext4", "-q", "-F", "-d", tree, volume)
    path.write_bytes(bytes(BEGIN) + volume.read_bytes() + bytes(MIB))
    return path


def test_the_label_is_what_the_datastore_says(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    with Datastore.create(tree / "datastore.sqlite") as store:
        store.record(HostStatus(servicing_state=ServicingState.AB_UPDATE_STAGED))
        store.note("finalize", "set-boot-next", "begin")
    first = read_label(disk_with(tree, tmp_path / "disk.raw"), BEGIN, END)
    with Datastore.open(tree / "datastore.sqlite") as store:
        store.note("finalize", "set-boot-next", "done")
    second = read_label(disk_with(tree, tmp_path / "disk.raw"), BEGIN, END)

    assert first == Label("finalize set-boot-next begin", "ab-update-staged", first.transactions)
    assert second == Label("finalize set-boot-next done", "ab-update-staged", first.transactions + 1)


def test_a_transaction_that_was_cut_off_does_not_count(tmp_path: Path) -> None:
    tree, cut_off = tmp_path / "tree", tmp_path / "cut-off"
    with Datastore.create(tree / "datastore.sqlite") as store:
        store.record(HostStatus())
        store.note("stage", "first", "done")
        with store.together():
            # So much that SQLite writes to the file before the end; its journal tells how to take it back.
            for number in range(20):
                store.note("stage", f"second-{number:0500000}", "begin")
            shutil.copytree(tree, cut_off)
    assert (cut_off / "datastore.sqlite-journal").stat().st_size > 0

    label = read_label(disk_with(cut_off, tmp_path / "disk.raw"), BEGIN, END)

    assert label.journal == "stage first done"


def test_files_that_may_change_do_not_count(tmp_path: Path) -> None:
    tree, disk = tmp_path / "tree", tmp_path / "disk.raw"
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "var/lib").mkdir(parents=True)
    (tree / "usr/bin/tool").write_text("1")
    (tree / "usr/bin/link").symlink_to("tool")

    def digest() -> str:
        return digest_of_files(disk_with(tree, disk), BEGIN, END, {"var"})

    before = digest()
    (tree / "var/lib/log").write_text("news")
    assert digest() == before
    (tree / "usr/bin/tool").chmod(0o755)
    assert digest() != before
    (tree / "usr/bin/tool").chmod(0o644)
    assert digest() == before
    (tree / "usr/bin/link").unlink()
    (tree / "usr/bin/link").symlink_to("another")
    assert digest() != before


def test_one_byte_of_a_volume_is_enough(tmp_path: Path) -> None:
    disk = tmp_path / "disk.raw"
    disk.write_bytes(bytes(40 * MIB))
    before = digest_of_bytes(disk, BEGIN, END)

    for place, counts in ((BEGIN - 1, False), (END, False), (BEGIN, True), (END - 1, True)):
        with disk.open("r+b") as file:
            file.seek(place)
            file.write(b"\x01")
        assert (digest_of_bytes(disk, BEGIN, END) != before) is counts
        with disk.open("r+b") as file:
            file.seek(place)
            file.write(b"\x00")


def test_a_report_goes_on_where_an_earlier_run_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story, path = STORIES[0], tmp_path / "report.json"
    good, bad = Moment("good", 1), Moment("bad", 2)
    report = Report(path, seed=1)
    report.add(story, good, Verdict("A 1 provisioned", ""), 40.0)
    report.add(story, bad, Verdict("", "no ssh within 300 s"), 300.0)
    assert "survived" in capsys.readouterr().out

    again = Report(path, seed=2)
    assert again.seed == 1, "the dice of the earlier run"
    assert again.has(story, good)
    assert not again.has(story, bad), "what was lost is tried again"
    assert not again.has(replace(story, name="another"), good)
    assert (len(again.cuts), again.lost) == (2, 1)
    again.add(story, bad, Verdict("A 1 provisioned", ""), 40.0)
    assert (len(again.cuts), again.lost) == (2, 0)


def moment(journal: str, index: int, state: str = "provisioned") -> Moment:
    return Moment(journal, index, label=Label(journal, state, index))


def taken_with(writes: list[Write]) -> Take:
    recording = SimpleNamespace(writes=tuple(writes))
    return cast("Take", SimpleNamespace(partitions={"trident": (BEGIN, END)}, recording=recording))


def test_the_two_lines_of_one_boundary_are_cut_at_one_of_them_by_turns() -> None:
    lines = [
        moment("stage a begin", 1),
        moment("stage a done", 2),
        moment("stage b begin", 3),
        moment("stage b done", 4),
        moment("stage c begin", 5),
        moment("stage c done", 6),
    ]
    take = taken_with([Write(0, BEGIN, 4096)] * 7)
    assert [each.name for each in one_of_each(take, lines)] == [
        "stage a begin",
        "stage a done",
        "stage c begin",
        "stage c done",
    ]


@pytest.mark.parametrize("between", [Write(0, END, 512), Write(0, 0, 512), Write(0, BEGIN - 512, 1024)])
def test_lines_are_two_boundaries_if_anything_else_was_written_between_them(between: Write) -> None:
    lines = [moment("stage a done", 1), moment("stage b begin", 3)]
    take = taken_with([Write(0, BEGIN, 512), Write(0, BEGIN, 512), between, Write(0, BEGIN, 512)])
    assert one_of_each(take, lines) == lines


def test_a_change_of_status_is_a_boundary_of_its_own() -> None:
    lines = [moment("stage a done", 1), moment("finalize b begin", 2, "ab-update-staged")]
    assert one_of_each(taken_with([Write(0, BEGIN, 512)] * 3), lines) == lines
