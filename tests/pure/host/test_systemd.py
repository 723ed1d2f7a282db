"""What the service manager says of units, and what it means for a health check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from trident.host.systemd import UnitState, changed, judged, parse_units, status_text, wait_until_healthy

# As 'systemctl show --property=…' prints it: properties in its own order, an empty line between units, and
# no line for a property that a type of unit does not have.
SHOWN = """\
Type=simple
Result=success
NRestarts=2
MainPID=812
ExecMainStatus=0
Id=nginx.service
LoadState=loaded
ActiveState=active
SubState=running
InvocationID=6bd1a9a4cbd14f5b8dbff4b0d3f9f0ab

Id=srv.mount
LoadState=loaded
ActiveState=active
SubState=mounted
InvocationID=0c5cbd1f0e3f4a3c9f3f3b0a4f2a9c11

MainPID=0
Id=absent.service
LoadState=not-found
ActiveState=inactive
SubState=dead
InvocationID=
"""


def test_units_are_read_from_what_systemctl_shows() -> None:
    nginx, mount, absent = parse_units(SHOWN)
    assert nginx == UnitState(
        "nginx.service",
        "loaded",
        "active",
        "running",
        "simple",
        "success",
        "0",
        "812",
        "2",
        "6bd1a9a4cbd14f5b8dbff4b0d3f9f0ab",
    )
    assert (mount.name, mount.healthy, mount.main_pid) == ("srv.mount", True, "0")
    assert (absent.load, absent.healthy) == ("not-found", False)


@pytest.mark.parametrize("text", ["", "\n\n", "nonsense\n", "=\n\n="])
def test_an_answer_that_is_none_has_no_healthy_unit(text: str) -> None:
    assert not any(unit.healthy for unit in parse_units(text))


UNIT = UnitState("web.service", "loaded", "active", "running", "simple", "success", "0", "10", "0", "i1")


@pytest.mark.parametrize(
    ("state", "healthy"),
    [
        ("active", True),
        ("reloading", True),
        ("refreshing", True),
        ("activating", False),
        ("deactivating", False),
        ("inactive", False),
        ("failed", False),
        ("maintenance", False),
        ("", False),
    ],
)
def test_healthy_is_what_makes_systemctl_status_end_with_0(state: str, healthy: bool) -> None:
    assert replace(UNIT, active=state).healthy is healthy


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"active": "failed", "sub": "failed", "result": "exit-code", "exit_status": "203"},
         "web.service is failed (failed), its last run ended with 'exit-code' 203"),
        ({"active": "activating", "sub": "auto-restart", "result": "signal", "exit_status": "11"},
         "web.service is activating (auto-restart), its last run ended with 'signal' 11"),
        ({"active": "activating", "sub": "start"}, "web.service is activating (start)"),
        ({"active": "inactive", "sub": "dead"}, "web.service is inactive (dead)"),
        ({"active": "inactive", "sub": "dead", "kind": "oneshot"},
         "web.service is inactive (dead): a oneshot service without RemainAfterExit= is not active once it "
         "has ended"),
        ({"load": "not-found", "active": "inactive", "sub": "dead"}, "web.service does not exist"),
        ({"load": "masked", "active": "inactive", "sub": "dead"}, "web.service is masked"),
        ({"load": "bad-setting", "active": "inactive", "sub": "dead"}, "web.service cannot be loaded"),
        ({"load": "masked", "active": "failed", "sub": "failed"}, "web.service is masked"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_unit_is_told_in_one_line(changes: dict[str, str], told: str) -> None:
    state = replace(UNIT, **changes)
    assert str(state) == told
    assert judged([UNIT, state]).problem == told
    assert judged([UNIT, state]).units == ("web.service",)


def test_a_oneshot_that_remains_is_healthy() -> None:
    assert replace(UNIT, kind="oneshot", sub="exited", main_pid="0").healthy


def test_every_unit_that_is_ill_is_named() -> None:
    ill = judged([replace(UNIT, name="a.service", active="failed", sub=""), UNIT, replace(UNIT, active="")])
    assert ill.units == ("a.service", "web.service")


@pytest.mark.parametrize("change", [{"restarts": "1"}, {"main_pid": "11"}, {"invocation": "i2"}])
def test_a_unit_that_was_restarted_is_not_the_same(change: dict[str, str]) -> None:
    verdict = changed([UNIT], [replace(UNIT, **change)])
    assert (verdict.problem, verdict.units) == ("web.service was restarted", ("web.service",))


def test_units_of_a_pattern_may_come_and_not_go() -> None:
    other = replace(UNIT, name="web@2.service")
    assert changed([UNIT], [UNIT, other]).healthy
    assert changed([UNIT, other], [UNIT]).problem == "web@2.service is gone"


def test_a_service_manager_that_cannot_be_asked_is_no_healthy_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container: its bus is not there."""
    monkeypatch.setattr("trident.host.process.SEARCH_PATH", "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    verdict = wait_until_healthy(["web.service"], timeout=0)
    assert not verdict.healthy
    assert verdict.problem.startswith("not healthy: ")
    assert "systemctl" in verdict.problem
    assert status_text(["web.service"]) == ""


Answers = Callable[..., Path]


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Answers of a 'systemctl show', one a call, the last for ever; gives the file that counts the calls.

    The real one answers nothing where process 1 is not systemd, as on a build host.
    """

    def prepare(*states: UnitState | None) -> Path:
        for number, state in enumerate(states, start=1):
            text = "" if state is None else shown(state)
            (tmp_path / f"answer-{number}").write_text(text)
        program = tmp_path / "systemctl"
        program.write_text(
            f"#!/bin/sh\ncd {tmp_path}\n[ $1 = show ] || {{ echo of $1; exit 3; }}\n"
            "n=$(( $(cat calls) + 1 )); echo $n > calls\n"
            f"[ $n -le {len(states)} ] || n={len(states)}\n"
            "[ -s answer-$n ] || { echo no bus >&2; exit 1; }\ncat answer-$n\n"
        )
        program.chmod(0o755)
        (tmp_path / "calls").write_text("0")
        monkeypatch.setattr("trident.host.process.SEARCH_PATH", f"{tmp_path}:/usr/bin:/bin")
        return tmp_path / "calls"

    return prepare


def shown(unit: UnitState) -> str:
    return (
        f"Id={unit.name}\nLoadState={unit.load}\nActiveState={unit.active}\nSubState={unit.sub}\n"
        f"MainPID={unit.main_pid}\nNRestarts={unit.restarts}\nInvocationID={unit.invocation}\n"
    )


STARTING = replace(UNIT, active="activating", sub="start")
DEAD = replace(UNIT, active="failed", sub="failed", main_pid="0")


def test_units_are_asked_again_until_they_are_healthy(answers: Answers) -> None:
    calls = answers(STARTING, None, STARTING, UNIT)
    assert wait_until_healthy(["web"], timeout=60).healthy
    assert calls.read_text() == "4\n"


def test_without_time_units_are_asked_once(answers: Answers) -> None:
    calls = answers(STARTING, UNIT)
    verdict = wait_until_healthy(["web"], timeout=0)
    assert verdict.problem == "not healthy: web.service is activating (start)"
    assert calls.read_text() == "1\n"


def test_when_the_time_is_over_the_last_state_is_told(answers: Answers) -> None:
    answers(STARTING, DEAD)
    verdict = wait_until_healthy(["web"], timeout=3)
    assert verdict.problem == "not healthy within 3 s: web.service is failed (failed)"
    assert verdict.units == ("web.service",)


@pytest.mark.parametrize(
    ("later", "told"),
    [
        (DEAD, "web.service is failed (failed)"),
        (replace(UNIT, main_pid="11", restarts="1", invocation="i2"), "web.service was restarted"),
        (replace(UNIT, main_pid="0", active="activating", sub="auto-restart"),
         "web.service is activating (auto-restart)"),
    ],
)  # fmt: skip
def test_a_service_that_dies_a_moment_after_its_start_is_caught(
    answers: Answers, later: UnitState, told: str
) -> None:
    answers(STARTING, UNIT, UNIT, later)
    verdict = wait_until_healthy(["web"], timeout=60, settle=60)
    assert verdict.problem == f"healthy, but not for 60 s: {told}"


def test_a_service_that_stays_has_settled(answers: Answers) -> None:
    calls = answers(UNIT)
    assert wait_until_healthy(["web"], timeout=0, settle=0.5).healthy
    assert int(calls.read_text()) >= 2


def test_a_pattern_that_matches_no_unit_is_no_healthy_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "systemctl").symlink_to("/bin/true")
    monkeypatch.setattr("trident.host.process.SEARCH_PATH", str(tmp_path))
    assert wait_until_healthy(["web@*"], timeout=0).problem == "not healthy: no unit matches web@*"


def test_a_pattern_that_matches_none_is_not_made_up_for_by_another_unit(answers: Answers) -> None:
    answers(UNIT)
    assert wait_until_healthy(["web*", "w[^x]b.service"], timeout=0).healthy
    assert wait_until_healthy(["web", "db@*"], timeout=0).problem == "not healthy: no unit matches db@*"
