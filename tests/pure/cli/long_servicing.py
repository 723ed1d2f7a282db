"""A servicing that takes as long as a test wants: the command itself, with a plan of three small steps.

    python -m tests.pure.cli.long_servicing DIRECTORY LINES [OPTION]...

It commits. The second step says LINES lines and goes on when ``DIRECTORY/go`` is there; what the first one
entered is left slowly, as a mount that is held. ``DIRECTORY/unwound`` is there once it was left in full.
Where ``DIRECTORY/reboots`` is there, the host is to reboot then: it goes on writing to its disk until
``DIRECTORY/written`` is there, and cannot be rebooted.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from trident.cli.commands import commit as command
from trident.cli.main import main
from trident.config.model import HostConfiguration
from trident.errors import Servicing
from trident.host import fulllog, journal, system
from trident.plan.session import Session
from trident.plan.situation import BootType, Facts, Situation
from trident.plan.step import Operation, Phase, Step
from trident.servicing.environment import Environment, Outcome
from trident.servicing.execute import execute, recording_errors
from trident.state.datastore import Datastore
from trident.state.status import HostStatus, ServicingState, ServicingType


@dataclass(frozen=True, kw_only=True)
class Enter(Step):
    directory: Path

    def run(self, session: Session) -> None:
        session.mounts.callback(self.leave)

    def leave(self) -> None:
        (self.directory / "unwinding").touch()
        for _ in range(10):
            time.sleep(0.1)
        (self.directory / "unwound").touch()


@dataclass(frozen=True, kw_only=True)
class Work(Step):
    directory: Path
    lines: int = 0

    def run(self, session: Session) -> None:
        (self.directory / "working").touch()
        for number in range(self.lines):
            session.moved(number, self.lines)
            session.note(f"line {number} {'x' * 1000}")
        while not (self.directory / "go").exists():
            time.sleep(0.02)


def steps(directory: Path, lines: int) -> list[Step]:
    common: dict[str, Any] = {"operation": Operation.COMMIT, "phase": Phase.COMMIT, "directory": directory}
    return [
        Enter(id="enter", title="Enter", **common),
        Work(id="work", title="Work", lines=lines, **common),
        Work(id="end", title="End", **common),
    ]


def run(directory: Path, options: list[str], lines: int = 0) -> int:
    environment = Environment(directory / "trident.conf", directory / "lock")
    environment.agent_configuration.write_text(f"DatastorePath={directory}/datastore.sqlite\n")

    def commit(given: Environment) -> Outcome:
        situation = Situation(
            ServicingType.AB_UPDATE,
            HostConfiguration(),
            HostStatus(),
            Facts(BootType.PERSISTENT_STORAGE, "x86_64", uefi=True),
        )
        with Datastore.create(environment.datastore_path) as store, recording_errors(store, "commit"):
            execute(steps(directory, lines), Session(situation, progress=given.progress), store)
            store.record(HostStatus(servicing_state=ServicingState.PROVISIONED))
        needs_reboot = (directory / "reboots").exists()
        return Outcome(ServicingType.AB_UPDATE, needs_reboot=needs_reboot, summary="All is done.")

    def write() -> None:
        (directory / "writing").touch()
        while not (directory / "written").exists():
            time.sleep(0.02)

    def refuse(*_command: object, **_options: object) -> None:
        raise Servicing("command-failed", "'systemctl' failed.")

    system.__dict__["os"] = SimpleNamespace(sync=write)
    system.__dict__["run"] = refuse
    fulllog.FullLog.__init__.__defaults__ = (directory / "full.log",)
    journal.Journal.__init__.__defaults__ = (directory / "journal",)
    command.__dict__["commit"] = commit
    return main(["commit", *options])


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[3:], int(sys.argv[2])))
