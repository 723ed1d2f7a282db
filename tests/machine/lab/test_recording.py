"""A recording holds every moment of a disk: QEMU writes the log, the lab reads it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lab import emulator
from lab.errors import LabError
from lab.recording import GROUND, LOG, Recording, Replay

pytestmark = pytest.mark.machine

DISK, VARIABLES = 1 << 20, 1 << 12
K = 1024


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """A disk of 1 MiB and 4 KiB of variables, all of them 0xaa."""
    (tmp_path / GROUND).write_bytes(b"\xaa" * (DISK + VARIABLES))
    return Recording(tmp_path, DISK)


def machine_does(recording: Recording, *commands: str) -> None:
    """Let QEMU carry out qemu-io's commands on a copy of the ground, and write the log of them."""
    worn = recording.directory / "worn.raw"
    shutil.copyfile(recording.ground, worn)
    recording.log.write_bytes(b"")
    image = (
        f"driver=blklogwrites,log-sector-size=512,log.driver=file,log.filename={recording.log},"
        f"file.driver=raw,file.file.driver=file,file.file.filename={worn},discard=unmap"
    )
    subprocess.run(
        [*emulator.command("qemu-io"), "--cache=writeback", "--image-opts", image],
        check=True, capture_output=True, text=True, input="".join(f"{command}\n" for command in commands),
    )  # fmt: skip
    # qemu-io flushes when it ends, as a machine does that is switched off in good order.
    assert recording.writes[-1].flush


def test_the_disk_goes_forward_one_write_after_the_other(recording: Recording, tmp_path: Path) -> None:
    machine_does(recording, "write -P 1 0 4k", "write -P 2 4k 512", "write -P 3 0 1k", "write -z 8k 4k")
    replay = Replay(recording, tmp_path / "replay")

    def disk() -> list[int]:
        content = replay.disk.read_bytes()
        return [content[place] for place in (0, K, 4 * K, 8 * K)]

    assert disk() == [0xAA, 0xAA, 0xAA, 0xAA]
    replay.go_to(1)
    assert disk() == [1, 1, 0xAA, 0xAA]
    replay.go_to(3)
    assert disk() == [3, 1, 2, 0xAA]
    replay.go_to(4)
    assert disk() == [3, 1, 2, 0]
    replay.go_to(2)  # and back: it begins anew
    assert disk() == [1, 1, 2, 0xAA]


def test_what_lies_behind_the_disk_are_the_variables(recording: Recording, tmp_path: Path) -> None:
    machine_does(recording, f"write -P 7 {DISK + 512} 512")
    replay = Replay(recording, tmp_path / "replay")
    replay.go_to(1)

    assert recording.is_variable(recording.writes[0])
    assert replay.disk.read_bytes() == b"\xaa" * DISK
    assert replay.variables.read_bytes() == b"\xaa" * 512 + b"\x07" * 512 + b"\xaa" * (VARIABLES - 1024)


def test_unflushed_writes_can_be_lost_and_come_back(recording: Recording, tmp_path: Path) -> None:
    machine_does(
        recording, "write -P 1 0 1k", "flush", "write -P 2 0 512", "write -P 3 0 1k", "write -P 4 2k 1k"
    )
    replay = Replay(recording, tmp_path / "replay")
    assert recording.last_flush(5) == 2

    with replay.losing(5, {3}):
        content = replay.disk.read_bytes()
        assert [content[0], content[512], content[2 * K]] == [2, 1, 4]
    with replay.losing(5, ()):
        content = replay.disk.read_bytes()
        assert [content[0], content[512], content[2 * K]] == [3, 3, 4]


def test_a_discard_is_in_the_log_and_leaves_the_bytes(recording: Recording, tmp_path: Path) -> None:
    machine_does(recording, "discard 0 64k", "write -P 5 64k 512")
    replay = Replay(recording, tmp_path / "replay")
    replay.go_to(2)

    assert recording.writes[0].discard
    assert recording.writes[0].touches(0, 1)
    assert replay.disk.read_bytes()[64 * K - 1 : 64 * K + 1] == b"\xaa\x05"


def test_a_log_that_was_cut_off_ends_with_its_last_whole_entry(recording: Recording) -> None:
    machine_does(recording, "write -P 1 0 1k", "write -P 2 0 1k")
    whole = recording.log.read_bytes()
    recording.log.write_bytes(whole[: recording.writes[1].at] + bytes(4 * K))

    assert len(Recording(recording.directory, DISK).writes) == 1


def test_another_file_is_no_log(recording: Recording) -> None:
    (recording.directory / LOG).write_bytes(bytes(4 * K))

    with pytest.raises(LabError, match="not a log"):
        _ = recording.writes
