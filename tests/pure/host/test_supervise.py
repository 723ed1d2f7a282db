"""A user's program under supervision: what it prints, how it ends, and what it leaves behind."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.pure.host.test_process import gone
from trident.errors import ExecutionEnvironment, Servicing
from trident.host.supervise import LONGEST_LINE, MOST_OUTPUT, Ending, describe, supervise


def sh(script: str, *, timeout: float | None = None, leave_children: bool = True) -> tuple[Ending, list[str]]:
    """Run a shell script; gives how it ended and what it printed."""
    lines: list[str] = []
    ending = supervise(
        ["/bin/sh", "-c", script],
        environment={},
        on_line=lines.append,
        timeout=timeout,
        leave_children=leave_children,
    )
    return ending, lines


def pid_in(file: Path) -> int:
    for _ in range(400):
        if file.exists() and file.read_text().strip():
            return int(file.read_text())
        time.sleep(0.05)
    raise AssertionError(f"{file} was never written")


def test_lines_of_both_streams_come_in_their_order() -> None:
    assert sh("echo one; echo two >&2; echo three") == (
        Ending(0, ("one", "two", "three")),
        ["one", "two", "three"],
    )


def test_a_last_line_without_an_end_counts_too() -> None:
    assert sh("printf 'one\\ntwo'")[1] == ["one", "two"]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("exit 3", "failed with exit code 3"),
        ("kill -SEGV $$", "was killed by signal SIGSEGV"),
        ("kill -40 $$", "was killed by signal 40"),
    ],
)
def test_the_ending_is_told(script: str, told: str) -> None:
    ending, _lines = sh(script)
    assert not ending.well
    assert describe(ending, None) == told


def test_standard_input_is_closed_and_there_is_no_terminal() -> None:
    ending, lines = sh("cat; echo read; (: < /dev/tty) 2>/dev/null || echo none")
    assert ending.well
    assert lines == ["read", "none"]


def test_what_is_no_text_comes_as_replacement_characters() -> None:
    assert sh("printf '\\377\\000x\\r\\n'")[1] == ["�\0x"]


def test_a_line_that_does_not_end_is_cut_into_pieces() -> None:
    _ending, lines = sh(f"head -c {3 * LONGEST_LINE + 1} /dev/zero | tr '\\0' a")
    assert [len(line) for line in lines] == [LONGEST_LINE] * 3 + [1]


def test_ten_million_lines_are_counted_and_the_last_ones_kept() -> None:
    count, handed_on, said = 0, 0, ""

    def listen(line: str) -> None:
        nonlocal count, handed_on, said
        count, handed_on = count + 1, handed_on + len(line)
        said = line if line.startswith("[") else said

    ending = supervise(["/usr/bin/seq", "10000000"], environment={}, on_line=listen)
    assert ending.tail == ("9999996", "9999997", "9999998", "9999999", "10000000")
    assert handed_on < MOST_OUTPUT + 100_000
    left_out = int(said.split(maxsplit=1)[0][1:])
    assert count + left_out == 10_000_000 + 1 + len(ending.tail)


def test_a_program_that_closes_its_output_is_waited_for() -> None:
    ending, lines = sh("echo here; exec >&- 2>&-; sleep 0.2; exit 4")
    assert (ending.code, lines) == (4, ["here"])


def test_a_child_that_holds_the_output_open_is_not_waited_for(tmp_path: Path) -> None:
    ending, lines = sh(f"sleep 600 & echo $! > {tmp_path}/pid; echo done")
    child = pid_in(tmp_path / "pid")
    assert lines == ["done"]
    (left,) = ending.left
    assert left.startswith(f"{child} (")
    assert not gone_now(child)
    os.kill(child, 9)


def test_a_child_that_goes_on_printing_does_not_keep_it_going(tmp_path: Path) -> None:
    ending, _lines = sh(f"yes & echo $! > {tmp_path}/pid; exit 5", leave_children=False)
    assert ending.code == 5
    assert gone(pid_in(tmp_path / "pid"))


def test_children_end_with_the_program_where_they_may_not_stay(tmp_path: Path) -> None:
    sh(f"setsid sleep 600 & echo $! > {tmp_path}/pid", leave_children=False)
    assert gone(pid_in(tmp_path / "pid"))


HIDING = "setsid sh -c 'setsid sh -c \"echo \\$\\$ > {pid}; exec sleep 600\" & exit' & wait; {then}"


def test_the_time_limit_kills_also_what_hides_in_a_session_of_its_own(tmp_path: Path) -> None:
    """Its parent is gone, its session is another: a signal to the process group would miss it."""
    pid = tmp_path / "pid"
    script = HIDING.format(pid=pid, then=f"while ! [ -s {pid} ]; do sleep 0.05; done; echo hid; sleep 600")
    ending, lines = sh(script, timeout=5)
    assert ending.code is None
    assert describe(ending, 5) == "did not end within 5 seconds and was killed"
    assert lines == ["hid"]
    assert gone(pid_in(pid))


def test_the_time_limit_holds_for_one_that_never_stops_printing() -> None:
    assert sh("yes", timeout=1)[0].code is None


def test_an_error_of_the_listener_ends_the_program(tmp_path: Path) -> None:
    def refuse(_line: str) -> None:
        raise KeyboardInterrupt

    script = f"echo $$ > {tmp_path}/pid; echo go; exec sleep 600"
    with pytest.raises(KeyboardInterrupt):
        supervise(["/bin/sh", "-c", script], environment={}, on_line=refuse)
    assert gone(pid_in(tmp_path / "pid"))


def test_a_process_that_was_there_before_is_left_alone(tmp_path: Path) -> None:
    other = os.spawnv(os.P_NOWAIT, "/bin/sleep", ["sleep", "600"])
    try:
        sh("sleep 600", timeout=0.2)
        assert not gone_now(other)
    finally:
        os.kill(other, 9)
        os.waitpid(other, 0)


@pytest.mark.parametrize(("argument", "variable"), [("a\0b", "A"), ("a", "A=B"), ("a", "A\0")])
def test_what_the_kernel_cannot_hand_on_is_an_error_as_any_other(argument: str, variable: str) -> None:
    with pytest.raises(Servicing) as caught:
        supervise(["/bin/true", argument], environment={variable: "x"}, on_line=print)
    assert caught.value.code == "command-could-not-execute"


def test_a_program_that_is_missing_is_told() -> None:
    with pytest.raises(ExecutionEnvironment):
        supervise(["/no/such/program"], environment={}, on_line=print)


def gone_now(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
