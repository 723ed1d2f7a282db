"""The service manager's word on units: how they are now, and whether they become healthy and stay so."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from trident.errors import TridentError
from trident.host.process import run

# Upstream asks again after as long (Health-Checks.md).
INTERVAL = 0.1
# Seconds for one answer of 'systemctl': a bus that hangs must not outlast every time limit above it.
_ANSWER_TIMEOUT = 30.0
# A unit in one of these states makes 'systemctl status' end with 0 (systemctl(1), "Exit status").
_HEALTHY = {"active", "reloading", "refreshing"}
# What makes a name a pattern (systemctl(1), "Parameter Syntax").
_GLOB = frozenset("*?[")
_PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "Type",
    "Result",
    "ExecMainStatus",
    "MainPID",
    "NRestarts",
    "InvocationID",
)


@dataclass(frozen=True)
class UnitState:
    """What ``systemctl show`` says of one unit.

    Attributes:
        name: full name, with its suffix.
        load: ``loaded``, ``not-found``, ``masked``, ``bad-setting``, …
        active: ``active``, ``activating``, ``inactive``, ``failed``, …
        sub: the same in the words of the unit's type: ``running``, ``exited``, ``dead``, ``auto-restart``, …
        kind: ``Type=`` of a service, else empty.
        result: how its last run ended: ``success``, ``exit-code``, ``signal``, ``timeout``, …
        exit_status: exit code or signal number of the main process, as text.
        main_pid: process id of the main process, ``0`` without one.
        restarts: how often the service manager has restarted it by itself.
        invocation: new at each start.
    """

    name: str
    load: str
    active: str
    sub: str = ""
    kind: str = ""
    result: str = ""
    exit_status: str = ""
    main_pid: str = "0"
    restarts: str = "0"
    invocation: str = ""

    @property
    def healthy(self) -> bool:
        """Whether ``systemctl status`` calls it so."""
        return self.active in _HEALTHY

    @property
    def run(self) -> tuple[str, str, str]:
        """What tells one run of it from the next."""
        return (self.main_pid, self.restarts, self.invocation)

    def __str__(self) -> str:
        if self.load in {"not-found", "masked", "bad-setting", "error"} and not self.healthy:
            reasons = {"not-found": "does not exist", "masked": "is masked"}
            return f"{self.name} {reasons.get(self.load, 'cannot be loaded')}"
        text = f"{self.name} is {self.active}" + (f" ({self.sub})" if self.sub else "")
        if self.active == "inactive" and self.kind == "oneshot":
            return f"{text}: a oneshot service without RemainAfterExit= is not active once it has ended"
        if self.result not in {"", "success"}:
            text += f", its last run ended with '{self.result}'"
            if self.result in {"exit-code", "signal", "core-dump"} and self.exit_status not in {"", "0"}:
                text += f" {self.exit_status}"
        return text


@dataclass(frozen=True)
class Verdict:
    """How a wait for units ended.

    Attributes:
        problem: what is wrong, for people, without a full stop; empty if nothing is.
        units: names of the units that are to blame, as far as that is known.
    """

    problem: str = ""
    units: tuple[str, ...] = field(default=())

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem


def unit_states(units: Sequence[str]) -> tuple[UnitState, ...]:
    """The state of each unit; patterns stand for all units that they match. Without units there is no state.

    Raises:
        Servicing: the service manager cannot be asked, or a name is none.
        ExecutionEnvironment: ``missing-binary`` without ``systemctl``.
    """
    if not units:
        return ()
    command = ["systemctl", "show", "--no-pager", f"--property={','.join(_PROPERTIES)}", "--", *units]
    return parse_units(run(command, timeout=_ANSWER_TIMEOUT).stdout)


def parse_units(text: str) -> tuple[UnitState, ...]:
    """What ``systemctl show`` printed: ``Property=value`` lines, an empty line between units.

    Properties that a type of unit does not have are left out by ``systemctl``.
    """
    blocks = (block for block in text.split("\n\n") if block.strip())
    return tuple(_unit(dict(line.partition("=")[::2] for line in block.splitlines())) for block in blocks)


def _unit(found: dict[str, str]) -> UnitState:
    return UnitState(
        name=found.get("Id", "?"),
        load=found.get("LoadState", ""),
        active=found.get("ActiveState", ""),
        sub=found.get("SubState", ""),
        kind=found.get("Type", ""),
        result=found.get("Result", ""),
        exit_status=found.get("ExecMainStatus", ""),
        main_pid=found.get("MainPID", "0"),
        restarts=found.get("NRestarts", "0"),
        invocation=found.get("InvocationID", ""),
    )


def wait_until_healthy(units: Sequence[str], *, timeout: float, settle: float = 0) -> Verdict:
    """Ask for all ``units`` until all are healthy at once, then see that they stay so and are not restarted.

    Args:
        units: names as ``systemctl`` takes them.
        timeout: seconds until units that are not healthy are given up; 0 asks once.
        settle: seconds for which they must stay healthy from then on. It is not part of ``timeout``.
    """
    deadline = time.monotonic() + timeout
    while True:
        states, verdict = _ask(units)
        if verdict.healthy:
            break
        if time.monotonic() + INTERVAL > deadline:
            within = f" within {timeout:g} s" if timeout else ""
            return Verdict(f"not healthy{within}: {verdict.problem}", verdict.units)
        time.sleep(INTERVAL)
    begun = time.monotonic()
    while time.monotonic() < begun + settle:
        time.sleep(INTERVAL)
        now, verdict = _ask(units)
        if verdict.healthy:
            verdict = changed(states, now)
        if not verdict.healthy:
            problem = f"healthy, but not for {settle:g} s: {verdict.problem}"
            return Verdict(problem, verdict.units)
    return Verdict()


def judged(states: Sequence[UnitState]) -> Verdict:
    """Whether all units are healthy now."""
    ill = [state for state in states if not state.healthy]
    return Verdict("; ".join(str(state) for state in ill), tuple(state.name for state in ill))


def changed(before: Sequence[UnitState], now: Sequence[UnitState]) -> Verdict:
    """Whether no unit was restarted in between, and none came or went (those of a pattern may)."""
    runs = {state.name: state.run for state in before}
    restarted = [state.name for state in now if state.name in runs and runs[state.name] != state.run]
    gone = sorted(set(runs) - {state.name for state in now})
    problems = [f"{name} was restarted" for name in restarted] + [f"{name} is gone" for name in gone]
    return Verdict("; ".join(problems), (*restarted, *gone))


def _ask(units: Sequence[str]) -> tuple[tuple[UnitState, ...], Verdict]:
    """The states now. A service manager that cannot be asked is as bad as units that are not healthy."""
    try:
        states = unit_states(units)
    except TridentError as error:
        return (), Verdict(error.message.rstrip("."))
    unmatched = [unit for unit in units if _GLOB.intersection(unit) and not _matches(unit, states)]
    if unmatched:
        return (), Verdict(f"no unit matches {', '.join(unmatched)}")
    return states, judged(states)


def _matches(pattern: str, states: Sequence[UnitState]) -> bool:
    """Whether a pattern stands for one of the units; ``systemctl`` passes over one that stands for none."""
    return any(fnmatchcase(state.name, pattern.replace("[^", "[!")) for state in states)


def status_text(units: Sequence[str], *, lines: int = 10) -> str:
    """What ``systemctl status`` shows people of ``units``, the last ``lines`` of their log among it.

    Empty if the service manager cannot be asked.
    """
    command = ["systemctl", "status", "--no-pager", "--full", f"--lines={lines}", "--", *units]
    try:
        done = run(command, timeout=_ANSWER_TIMEOUT, accept=range(256))
    except TridentError:
        return ""
    return "\n".join(line.rstrip() for line in (done.stdout + done.stderr).splitlines()).strip()
