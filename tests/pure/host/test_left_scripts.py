"""A script whose agent was killed: the next command finds all that it still does, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pure.host.test_process import gone
from trident.errors import Servicing
from trident.host import left_scripts
from trident.host.left_scripts import end_left_scripts, noted
from trident.host.supervise import supervise

AGENT = """
import sys
from pathlib import Path
from trident.host.left_scripts import noted
from trident.host.supervise import supervise
with noted(Path(sys.argv[1])) as mark:
    supervise(["/bin/sh", "-c", sys.argv[2]], environment=mark, on_line=print)
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "scripts"


def killed_while(notes: Path, script: str, *writes: Path) -> list[int]:
    """Kill an agent while its script runs; gives the process ids that the script has written into files."""
    agent = subprocess.Popen([sys.executable, "-c", AGENT, str(notes), script])
    pids = [_pid_in(file) for file in writes]
    agent.kill()
    agent.wait()
    return pids


def _pid_in(file: Path) -> int:
    for _ in range(600):
        if file.exists() and file.read_text().strip():
            return int(file.read_text())
        time.sleep(0.05)
    raise AssertionError(f"{file} was never written")


def test_it_is_ended_with_all_that_it_started(notes: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("script", "hidden", "bare")]
    script = (
        f"setsid sh -c 'echo $$ > {files[1]}; exec sleep 600' & "
        f"env -i sh -c 'echo $$ > {files[2]}; exec sleep 600' & "
        f"echo $$ > {files[0]}; wait"
    )
    pids = killed_while(notes, script, *files)
    assert all(Path(f"/proc/{pid}").exists() for pid in pids), "nobody has ended them yet"

    ended = end_left_scripts(notes)

    assert all(gone(pid) for pid in pids)
    assert {int(process.split()[0]) for process in ended} >= set(pids)
    assert list(notes.iterdir()) == []
    assert end_left_scripts(notes) == ()


def test_what_a_script_left_on_purpose_lives(notes: Path, tmp_path: Path) -> None:
    with noted(notes) as mark:
        supervise(
            ["/bin/sh", "-c", f"sleep 600 >/dev/null 2>&1 & echo $! > {tmp_path}/pid"],
            environment=mark,
            on_line=print,
        )
    other = _pid_in(tmp_path / "pid")
    (killed,) = killed_while(notes, f"echo $$ > {tmp_path}/script; exec sleep 600", tmp_path / "script")
    end_left_scripts(notes)
    assert gone(killed)
    os.kill(other, 0)
    os.kill(other, signal.SIGKILL)


def test_a_note_of_a_script_that_has_ended_is_forgotten_with_the_script(notes: Path) -> None:
    notes.mkdir()
    (notes / "0123456789abcdef").touch()
    script = notes.parent / "script-0a1b2c3d"
    script.write_text("echo secret")
    assert end_left_scripts(notes) == ()
    assert list(notes.iterdir()) == []
    assert not script.exists()


def test_without_notes_nothing_is_looked_for(notes: Path) -> None:
    assert end_left_scripts(notes) == ()
    notes.write_text("a file")
    assert end_left_scripts(notes) == ()


def test_a_command_that_the_left_script_itself_has_started_does_not_end_itself(
    notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes.mkdir()
    (notes / "0123456789abcdef").touch()
    monkeypatch.setattr(left_scripts, "was_given", lambda pid, _name: _its_own(pid))
    assert end_left_scripts(notes) == ()


def _its_own(pid: int) -> str | None:
    return "0123456789abcdef" if pid == os.getpid() else None


def test_one_that_does_not_end_is_named(notes: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (pid,) = killed_while(notes, f"echo $$ > {tmp_path}/pid; exec sleep 600", tmp_path / "pid")
    with monkeypatch.context() as patch:
        patch.setattr(left_scripts, "_PAUSE", 0.0)
        patch.setattr("os.kill", lambda *_: None)
        with pytest.raises(Servicing) as caught:
            end_left_scripts(notes)
    assert caught.value.code == "script-still-runs"
    assert f"{pid} (sleep)" in caught.value.message
    assert list(notes.iterdir()), "the next command looks again"
    end_left_scripts(notes)
    assert gone(pid)
