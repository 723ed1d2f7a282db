"""A command that is struck by a signal again and again, each time at a later boundary, and what follows.

Between any two steps the datastore gets two transactions or more: the line that ends the one, and that which
begins the other; before the first step there may be one alone. SIGKILL strikes after that one and after even
ones, SIGTERM after odd ones; so each boundary is struck by both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from lab import life
from lab.leftovers import LEFTOVERS
from lab.machine import Machine
from lab.strike import struck

CODES = {"KILL": 137, "TERM": 130}
_PART = "-- next part --"
_STORE = "import sqlite3, sys; store = sqlite3.connect('/var/lib/trident/datastore.sqlite')"
_LINES = "store.execute('SELECT operation, step, event FROM journal WHERE id > ?', sys.argv[1:])"
_JOURNAL = f"{_STORE}; [print(*line) for line in {_LINES}]"
_END = f"{_STORE}; print(*store.execute('SELECT ifnull(max(id), 0) FROM journal').fetchone())"
_LAST_STEP = "finalize set-boot-next done"
_ENDS = "finalize finalize done"  # finalizing as a whole
_BOOT_NEXT = "ls /sys/firmware/efi/efivars | grep ^BootNext"


@dataclass(frozen=True)
class Strike:
    """One attempt, and what the machine says of itself afterwards.

    Attributes:
        name: the signal and the transaction after which it came.
        transaction: its number.
        code: what the struck command ended with; 0 if it was through before the signal could come.
        lines: what it wrote to the journal.
        status: the Host Status, once the next command was through.
        boots_other: BootNext is set then.
        probe: what the probe said then.
    """

    name: str
    transaction: int
    code: int
    lines: tuple[str, ...]
    status: dict[str, Any]
    boots_other: bool
    probe: str

    @property
    def state(self) -> str:
        return str(self.status["servicingState"])

    def steps_done(self) -> int:
        return sum(line.endswith(" done") for line in self.lines)

    def assert_runs(self, running: object, *states: str) -> None:
        """Host Status is true: ``running`` runs, and the firmware boots another system only if it says so."""
        assert self.state in {"provisioned", *states}, self.name
        assert self.status["spec" if self.state == "provisioned" else "specOld"] == running, self.name
        assert self.boots_other == self.state.endswith("-finalized"), self.name


def strikes(
    machine: Machine,
    command: str,
    signal: str,
    *,
    then: str = "true",
    probe: str = "true",
) -> Iterator[Strike]:
    """Give a command again and again; strike it two transactions later each time, until it is through.

    Asserted of each strike: the signal ended the command; after SIGTERM the command itself, and after SIGKILL
    the next command, left nothing behind; the next command succeeded.

    Args:
        machine: has strace, see :func:`lab.strike.prepare`.
        command: of the agent.
        signal: ``KILL`` or ``TERM``.
        then: the next command. Where it is left out, the struck one, given again, is.
        probe: a shell command whose output is kept.
    """
    end = machine.read(f'python3 -S -c "{_END}"')
    for transaction in range(1, 100, 2) if signal == "TERM" else (1, *range(2, 100, 2)):
        told = machine.read(
            f"""
            ({struck(command, signal, transaction)}) 1>&2; echo $?; echo '{_PART}'
            {LEFTOVERS}
            echo '{_PART}'; python3 -S -c "{_JOURNAL}" {end}; echo '{_PART}'
            {then} 1>&2; echo $?; echo '{_PART}'
            {LEFTOVERS}
            echo '{_PART}'; python3 -S -c "{_END}"; {_BOOT_NEXT}; echo '{_PART}'
            {probe}; echo '{_PART}'; trident get
            """,
            seconds=900,
        )
        code, left, lines, next_code, still_left, numbers, probed, status = (
            part.strip() for part in told.split(_PART)
        )
        name = f"{signal} after transaction {transaction} of '{command}'"
        end, *boot_next = numbers.splitlines()
        if code != "0":
            assert int(code) == CODES[signal], name
            assert next_code == "0", f"{name}: the next command failed"
            if signal == "TERM":
                assert left == "", f"{name} left something behind"
            if then != "true":
                assert still_left == "", f"{name}: the next command left something behind"
        document = yaml.safe_load(status)
        written = tuple(lines.splitlines())
        yield Strike(name, transaction, int(code), written, document, bool(boot_next), probed)
        if code == "0":
            assert still_left == ""
            return
    raise AssertionError(f"'{command}' never got through")


def assert_every_boundary(found: list[Strike], *, at_least: int) -> None:
    """The signal came before the first step, between any two steps and after the last one.

    Args:
        found: of a command whose journal has the lines of its steps and no others.
        at_least: how many steps there must be.
    """
    whole = max((strike.lines for strike in found), key=len)
    steps = sum(line.endswith(" done") for line in whole)
    assert steps >= at_least, whole
    reached = {strike.steps_done() for strike in found if strike.code != 0}
    assert reached >= set(range(steps + 1)), (
        f"not struck after so many steps: {set(range(steps + 1)) - reached}"
    )


def finalize_struck(machine: Machine, signal: str, verb: str, staged: str) -> None:
    """Strike a finalize at each of its boundaries; in the end it is through, just before its reboot.

    The next command is to stage again. Where the agent was killed, it sees to it that the status is "staged"
    again; where the agent was told to end, it had seen to that itself.

    Args:
        machine: something is staged on it that ends in a reboot.
        signal: ``KILL`` or ``TERM``.
        verb: the command, up to the operation.
        staged: the servicing state.
    """
    runs = yaml.safe_load(machine.read("trident get"))["specOld"]
    found: list[Strike] = []
    for hit in strikes(machine, f"{verb} finalize", signal, then=f"{verb} stage"):
        found.append(hit)
        if {_LAST_STEP, _ENDS} & {*hit.lines}:
            break
        assert hit.code != 0, "it rebooted the machine"
        hit.assert_runs(runs, staged)
        assert hit.state == staged, hit.name
    last = found[-1]
    assert len(last.lines) >= 6, last.lines
    if signal == "TERM" or _ENDS not in last.lines:
        assert last.state == staged
        transaction = last.transaction + (_ENDS not in last.lines)
        machine.run(struck(f"{verb} finalize", "KILL", transaction), check=False, seconds=900)
    now = life.standing(machine)
    assert now.servicing_state == staged.replace("staged", "finalized")
    assert now.boot_next == {"A": "trident-b", "B": "trident-a"}[now.slot]
