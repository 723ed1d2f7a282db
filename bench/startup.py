"""Start-up of the ``trident`` command, against a bare ``python3 -c pass`` of the same interpreter.

An installed command finds its modules compiled, so they are here too, whatever the caller's Python writes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.report import Budget, Report, Row, median_ratio
from trident.state.datastore import Datastore
from trident.state.status import AbVolume, HostStatus, ServicingState

LIMITS = {"version": 5.0, "get": 8.0}
# Processes are short and the machine is shared: many rounds cost little.
ROUNDS_FACTOR = 4

# As the installed command starts, and the same with its settings read from another place than /etc.
COMMAND = "import sys; from trident.cli.main import main; sys.exit(main(sys.argv[1:]))"
_WITH_SETTINGS = """
import sys
from pathlib import Path
import trident.state.agent as agent
agent.AGENT_CONFIGURATION_PATH = Path(sys.argv.pop(1))
from trident.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def options(_group: argparse._ArgumentGroup) -> None:
    """This benchmark has no options of its own."""


def run(arguments: argparse.Namespace) -> Report:
    """Measure."""
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        settings = _make_state(scratch)
        trident = [sys.executable, "-c", _WITH_SETTINGS, str(settings)]
        commands = {
            "python": [sys.executable, "-c", "pass"],
            "version": [sys.executable, "-c", COMMAND, "--version"],
            "get": [*trident, "get"],
        }
        times = interleaved(commands, arguments.rounds * ROUNDS_FACTOR)
    report = Report("startup", {"interpreter": sys.version.split()[0]})
    titles = {"python": "python3 -c pass", "version": "trident --version", "get": "trident get"}
    report.rows = [Row(titles.get(name, f"trident {name}"), tuple(taken)) for name, taken in times.items()]
    report.budgets = [
        Budget(f"startup-{name}", median_ratio(times[name], times["python"]), limit, "x")
        for name, limit in LIMITS.items()
    ]
    return report


def interleaved(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, list[float]]:
    """Seconds that each command takes in each round; all must succeed.

    A round before the first is not counted. It compiles what the commands load.
    """
    times: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        for number in range(rounds + 1):
            for name, command in commands.items():
                seconds = _timed(command, environment)
                if number:
                    times[name].append(seconds)
    return times


def _timed(command: Sequence[str], environment: Mapping[str, str]) -> float:
    begun = time.perf_counter()
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=environment
    )
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(command[2:])} failed: {done.stderr.strip()}")
    return seconds


def _make_state(scratch: Path) -> Path:
    """A datastore as an updated host has it, and settings that name it."""
    path = scratch / "datastore.sqlite"
    with Datastore.create(path) as datastore:
        status = HostStatus(servicing_state=ServicingState.PROVISIONED, ab_active_volume=AbVolume.A)
        datastore.record(status)
    settings = scratch / "trident.conf"
    settings.write_text(f"DatastorePath={path}\n")
    return settings
