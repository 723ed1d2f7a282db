"""A servicing in a process of its own: connections that are lost, terminals that hang, signals."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pure.cli.asleep import wait_until_asleep
from tests.pure.repository.project import ROOT
from trident.state.datastore import Datastore

PIPE_BYTES = 65536


def restore_signals() -> None:
    """Whoever runs the tests in the background, or under nohup(1), has them ignore some signals."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Servicing:
    """The process, and the directory in which it leaves what it did."""

    def __init__(
        self,
        directory: Path,
        *options: str,
        lines: int = 0,
        before: Callable[[], None] = lambda: None,
        **streams: Any,
    ) -> None:
        self.directory = directory

        def prepare() -> None:
            restore_signals()
            before()

        module = [sys.executable, "-m", "tests.pure.cli.long_servicing", str(directory), str(lines)]
        self.process = subprocess.Popen(
            [*module, *options],
            cwd=ROOT,
            start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509
            **streams,
        )

    def wait_for(self, name: str) -> None:
        """Until a file is there."""
        deadline = time.monotonic() + 30
        while not (self.directory / name).exists():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}"
            assert time.monotonic() < deadline, f"there is no '{name}'"
            time.sleep(0.02)

    def let_go(self) -> None:
        (self.directory / "go").touch()

    def ended(self) -> int:
        return self.process.wait(timeout=40)

    def log(self) -> list[str]:
        return [
            json.loads(line)["message"] for line in (self.directory / "full.log").read_text().splitlines()
        ]

    def last_error(self) -> Any:
        with Datastore.open(self.directory / "datastore.sqlite", read_only=True) as store:
            error = store.status().last_error
            return None if error is None else error["error"]

    def last_event(self, step: str) -> str | None:
        with Datastore.open(self.directory / "datastore.sqlite", read_only=True) as store:
            return store.last_journal_event("commit", step)


@pytest.fixture
def begun() -> Iterator[list[Servicing]]:
    started: list[Servicing] = []
    yield started
    for servicing in started:
        with contextlib.suppress(ProcessLookupError):
            servicing.process.kill()
        servicing.process.wait()


def quiet(tmp_path: Path, begun: list[Servicing], *options: str, **more: Any) -> Servicing:
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    begun.append(Servicing(tmp_path, *options, **{**streams, **more}))
    begun[-1].wait_for("working")
    return begun[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_work_undoes_it_and_is_recorded(
    tmp_path: Path, begun: list[Servicing], number: signal.Signals
) -> None:
    servicing = quiet(tmp_path, begun)
    servicing.process.send_signal(number)
    assert servicing.ended() == 130
    assert (tmp_path / "unwound").exists()
    assert servicing.last_error() == "interrupted"
    assert servicing.last_event("work") == "interrupted"
    assert servicing.last_event("end") is None
    assert any("servicing/interrupted" in message for message in servicing.log())


def test_a_second_ctrl_c_does_not_end_the_undoing(tmp_path: Path, begun: list[Servicing]) -> None:
    servicing = quiet(tmp_path, begun)
    servicing.process.send_signal(signal.SIGINT)
    servicing.wait_for("unwinding")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        servicing.process.send_signal(number)
        time.sleep(0.05)
    assert servicing.ended() == 130
    assert (tmp_path / "unwound").exists()
    assert servicing.last_error() == "interrupted"
    assert servicing.process.stderr is not None
    told = servicing.process.stderr.read().decode()
    assert told.count("'trident commit' was interrupted") == 1
    assert "Traceback" not in told


def test_a_first_ctrl_c_during_the_way_out_waits_until_all_is_undone(
    tmp_path: Path, begun: list[Servicing]
) -> None:
    servicing = quiet(tmp_path, begun)
    servicing.let_go()
    servicing.wait_for("unwinding")
    servicing.process.send_signal(signal.SIGINT)
    assert servicing.ended() == 130
    assert (tmp_path / "unwound").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_done_is_not_called_interrupted_while_the_host_is_about_to_reboot(
    tmp_path: Path, begun: list[Servicing], number: signal.Signals
) -> None:
    (tmp_path / "reboots").touch()
    servicing = quiet(tmp_path, begun)
    servicing.let_go()
    servicing.wait_for("writing")
    for _ in range(2):
        servicing.process.send_signal(number)
        time.sleep(0.05)
    (tmp_path / "written").touch()
    assert servicing.ended() == 3, "the reboot did not happen; all else did"
    assert servicing.last_error() is None
    assert servicing.process.stderr is not None
    told = servicing.process.stderr.read().decode()
    assert "nothing of it is undone any more" in told
    assert "interrupted" not in told


def test_a_hangup_ends_no_servicing(tmp_path: Path, begun: list[Servicing]) -> None:
    servicing = quiet(tmp_path, begun)
    servicing.process.send_signal(signal.SIGHUP)
    servicing.process.send_signal(signal.SIGHUP)
    servicing.let_go()
    assert servicing.ended() == 0
    assert servicing.last_event("end") == "done"


def test_programs_that_a_servicing_starts_do_not_ignore_hangups() -> None:
    code = "from trident.cli.signals import prepare_signals as p; p(is_servicing=True); "
    code += "from trident.host.process import run; "
    code += "print(run(['grep', 'SigIgn', '/proc/self/status']).stdout.split()[1])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, preexec_fn=restore_signals
    )
    assert int(done.stdout, 16) & (1 << (signal.SIGHUP - 1)) == 0


def test_nohup_stays_nohup(tmp_path: Path, begun: list[Servicing]) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    servicing = quiet(tmp_path, begun, before=ignore)
    servicing.process.send_signal(signal.SIGTERM)
    servicing.let_go()
    assert servicing.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2])
def test_other_signals_mean_what_they_always_do(
    tmp_path: Path, begun: list[Servicing], number: signal.Signals
) -> None:
    servicing = quiet(tmp_path, begun)
    servicing.process.send_signal(number)
    assert servicing.ended() == -number


def test_readers_that_go_away_end_no_servicing(tmp_path: Path, begun: list[Servicing]) -> None:
    servicing = quiet(tmp_path, begun)
    assert servicing.process.stdout is not None
    assert servicing.process.stderr is not None
    servicing.process.stdout.close()
    servicing.process.stderr.close()
    servicing.let_go()
    assert servicing.ended() == 0
    assert servicing.last_event("end") == "done"


def test_readers_that_stop_reading_hold_up_no_servicing(tmp_path: Path, begun: list[Servicing]) -> None:
    """More than pipe and queue together hold, and nobody reads."""
    servicing = quiet(tmp_path, begun, lines=PIPE_BYTES // 100)
    servicing.let_go()
    assert servicing.ended() == 0
    assert servicing.last_event("end") == "done"
    assert sum("line " in message for message in servicing.log()) == PIPE_BYTES // 100


def on_terminal(
    tmp_path: Path, begun: list[Servicing], *options: str, lines: int = 0
) -> tuple[Servicing, int]:
    """The servicing as the leader of a session on a pseudo-terminal; returns the other end of that, too."""
    ours, theirs = pty.openpty()

    def take_terminal() -> None:
        import fcntl
        import termios

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    begun.append(
        Servicing(
            tmp_path,
            *options,
            lines=lines,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            before=take_terminal,
        )
    )
    os.close(theirs)
    begun[-1].wait_for("working")
    return begun[-1], ours


def test_a_terminal_that_goes_away_ends_no_servicing(tmp_path: Path, begun: list[Servicing]) -> None:
    servicing, ours = on_terminal(tmp_path, begun)
    os.close(ours)  # The kernel sends SIGHUP, and all that is written from here on is an error.
    time.sleep(0.5)  # The display has drawn since, several times.
    servicing.let_go()
    assert servicing.ended() == 0
    assert servicing.last_event("end") == "done"


def test_a_dead_connection_holds_up_no_servicing(tmp_path: Path, begun: list[Servicing]) -> None:
    """The terminal is there, but what is written to it goes nowhere: ssh without a network."""
    servicing, ours = on_terminal(tmp_path, begun, "-v", "TRACE", lines=200)
    servicing.let_go()
    assert servicing.ended() == 0
    assert servicing.last_event("end") == "done"
    os.close(ours)


def test_ctrl_c_on_a_terminal_ends_the_work_once(tmp_path: Path, begun: list[Servicing]) -> None:
    servicing, ours = on_terminal(tmp_path, begun)
    os.write(ours, b"\x03")
    servicing.wait_for("unwinding")
    os.write(ours, b"\x03\x03")
    assert servicing.ended() == 130
    assert (tmp_path / "unwound").exists()
    os.close(ours)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_host_that_goes_down_does_not_wait_for_the_command_that_rebooted_it(number: int) -> None:
    code = (
        "import time; from trident.cli.signals import leave_at_once\n"
        "leave_at_once(0); print('ready', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        wait_until_asleep(process.pid)
        process.send_signal(number)
        assert process.wait(timeout=30) == 0
