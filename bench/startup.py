"""Start-up of the ``trident`` command, against a bare ``python3 -c pass`` of the same interpreter."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.report import Budget, Report, Row, median_ratio
from trident.state.datastore import Datastore
from trident.state.status import AbVolume, HostStatus, ServicingState

LIMITS = {"version": 5.0, "get": 8.0, "validate": 20.0}
# Processes are short and the machine is shared: many rounds cost little.
_ROUNDS_FACTOR = 4

# As the installed command starts, but with its settings read from another place than /etc.
_COMMAND = """
import sys
from pathlib import Path
import trident.state.agent as agent
agent.AGENT_CONFIGURATION_PATH = Path(sys.argv.pop(1))
from trident.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
_VERSION = "import sys; from trident.cli.main import main; sys.exit(main(sys.argv[1:]))"


def options(group: argparse._ArgumentGroup) -> None:
    """Add the options of this benchmark."""
    group.add_argument(
        "--volumes", type=int, default=100, help="A/B pairs of the large configuration (default 100)"
    )


def run(arguments: argparse.Namespace) -> Report:
    """Measure."""
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        configuration = scratch / "large.yaml"
        configuration.write_text(large_configuration(arguments.volumes))
        settings = _make_state(scratch)
        trident = [sys.executable, "-c", _COMMAND, str(settings)]
        commands = {
            "python": [sys.executable, "-c", "pass"],
            "version": [sys.executable, "-c", _VERSION, "--version"],
            "get": [*trident, "get"],
            "validate": [*trident, "validate", str(configuration)],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(arguments.rounds * _ROUNDS_FACTOR):
            for name, command in commands.items():
                times[name].append(_timed(command))
        lines = configuration.read_text().count("\n")
    report = Report(
        "startup", {"interpreter": sys.version.split()[0], "large configuration": f"{lines} lines"}
    )
    titles = {"python": "python3 -c pass", "version": "trident --version", "get": "trident get"}
    report.rows = [Row(titles.get(name, f"trident {name}"), tuple(taken)) for name, taken in times.items()]
    report.budgets = [
        Budget(f"startup-{name}", median_ratio(times[name], times["python"]), limit, "x")
        for name, limit in LIMITS.items()
    ]
    return report


def _timed(command: Sequence[str]) -> float:
    begun = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"bench: {command[-1]} failed: {done.stderr.strip()}")
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


def large_configuration(volumes: int) -> str:
    """A valid Host Configuration with many partitions, A/B pairs, file systems and users."""
    names = [f"data{number}" for number in range(volumes)]
    partitions = [line for name in names for side in "ab" for line in _partition(f"{name}-{side}")]
    lines = [
        "image: {url: 'http://127.0.0.1/image.cosi', sha384: ignored}",
        *("storage:", "  disks:", "    - id: os", "      device: /dev/vda", "      partitionTableType: gpt"),
        *("      partitions:", "        - {id: esp, type: esp, size: 256M}"),
        *("        - {id: root-a, type: root, size: 4G}", "        - {id: root-b, type: root, size: 4G}"),
        *("        - {id: trident, size: 1G}", *partitions),
        *("  abUpdate:", "    volumePairs:", "      - {id: root, volumeAId: root-a, volumeBId: root-b}"),
        *(f"      - {{id: {name}, volumeAId: {name}-a, volumeBId: {name}-b}}" for name in names),
        *(
            "  filesystems:",
            "    - deviceId: esp",
            "      mountPoint: {path: /boot/efi, options: umask=0077}",
        ),
        *("    - {deviceId: root, mountPoint: /}",),
        *("    - {deviceId: trident, source: new, type: ext4, mountPoint: /var/lib/trident}",),
        *(f"    - {{deviceId: {name}, mountPoint: /srv/{name}}}" for name in names),
        *("os:", "  hostname: large", "  users:"),
        *(f"    - {{name: user{number}, sshMode: key-only}}" for number in range(volumes)),
    ]
    return "\n".join(lines) + "\n"


def _partition(name: str) -> list[str]:
    return [f"        - id: {name}", "          type: linux-generic", "          size: 512M"]
