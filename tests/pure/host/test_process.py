"""The door to programs: what they are given, and what an error tells."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trident.errors import ExecutionEnvironment, Servicing
from trident.host.process import run, run_json


def test_output_and_exit_code_come_back() -> None:
    completed = run(["sh", "-c", "echo out; echo err >&2; exit 3"], accept=(0, 3))
    assert (completed.code, completed.stdout, completed.stderr) == (3, "out\n", "err\n")


def test_the_environment_is_minimal_and_standard_input_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("SECRET", "x")
    completed = run(["sh", "-c", "env; cat"], environment={"EXTRA": "1"})
    names = {line.partition("=")[0] for line in completed.stdout.splitlines()}
    assert names - {"PWD", "SHLVL", "_"} == {"PATH", "LC_ALL", "EXTRA"}


@pytest.mark.parametrize(("argument", "variable"), [("a\0b", "A"), ("a", "A=B"), ("a", "A\0")])
def test_what_the_kernel_cannot_hand_on_is_an_error_as_any_other(argument: str, variable: str) -> None:
    with pytest.raises(Servicing) as caught:
        run(["true", argument], environment={variable: "x"})
    assert caught.value.code == "command-could-not-execute"


def test_a_failure_tells_the_program_the_code_and_its_last_words() -> None:
    script = "for n in 1 2 3 4 5 6 7; do echo line $n >&2; done; exit 9"
    with pytest.raises(Servicing) as caught:
        run(["sh", "-c", script])
    assert caught.value.code == "command-failed"
    assert caught.value.details == {"binary": "sh", "exit_code": 9}
    assert "exit code 9" in caught.value.message
    assert caught.value.message.endswith("line 3\nline 4\nline 5\nline 6\nline 7")


def test_a_failure_does_not_repeat_the_arguments() -> None:
    with pytest.raises(Servicing) as caught:
        run(["sh", "-c", "exit 1", "hunter2"])
    assert "hunter2" not in str(caught.value.to_document())


def test_death_by_signal_is_named() -> None:
    with pytest.raises(Servicing, match="SIGSEGV"):
        run(["sh", "-c", "kill -SEGV $$"])


def test_a_program_that_is_not_installed_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trident.host.process.SEARCH_PATH", "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ExecutionEnvironment) as caught:
        run(["sfdisk", "--version"])
    assert caught.value.code == "missing-binary"
    assert caught.value.hint is not None
    assert "apt-get install fdisk" in caught.value.hint


def test_what_cannot_be_executed_is_an_error_not_a_traceback(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("not a program")
    with pytest.raises(Servicing) as caught:
        run([plain])
    assert caught.value.code == "command-could-not-execute"


def test_a_time_limit_kills_the_program_and_its_children(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    with pytest.raises(Servicing) as caught:  # long enough for a busy machine to start a shell
        run(["sh", "-c", f"sleep 600 & echo $! > {pid_file}; wait"], timeout=4)
    assert caught.value.code == "command-timed-out"
    assert gone(int(pid_file.read_text()))


def test_ctrl_c_kills_and_reaps_the_program(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = f"from trident.host.process import run; run(['sh', '-c', 'echo $$ > {pid_file}; exec sleep 600'])"
    # A job in the background ignores SIGINT, and would hand that down.
    heeding = ["env", "--default-signal=INT", sys.executable]
    caller = subprocess.Popen([*heeding, "-c", code], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    caller.send_signal(signal.SIGINT)
    caller.wait(timeout=30)
    assert gone(int(pid_file.read_text()))


def test_the_log_has_a_line_that_can_be_pasted(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="trident.host.process"):
        run(["echo", "two words", "$HOME"])
    assert "+ echo 'two words' '$HOME'" in caplog.messages


def test_json_is_read_at_the_door() -> None:
    assert run_json(["echo", '{"a": [1]}']) == {"a": [1]}
    with pytest.raises(Servicing) as caught:
        run_json(["echo", "{"])
    assert caught.value.code == "command-failed"


def test_output_that_is_not_utf8_does_no_harm() -> None:
    assert run(["printf", r"\377"]).stdout == "�"


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody reaped yet has. SIGKILL takes a moment to arrive."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
            if ") Z " in Path(f"/proc/{pid}/stat").read_text():
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def test_secret_arguments_are_not_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="trident.host.process"):
        assert run(["echo", "login", "hunter2"], secret=1).stdout == "login hunter2\n"
    assert "+ echo login [and 1 arguments]" in caplog.messages


def test_death_by_a_signal_without_a_name_is_told_too() -> None:
    with pytest.raises(Servicing, match="killed by signal 40"):
        run(["sh", "-c", "kill -40 $$"])
