"""What goes into a bundle: a table of files, each with what it is and how it is collected.

Upstream's names where upstream has the file (crates/trident/src/diagnostics.rs); the others are ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trident.host.efi import EfiVariables
from trident.host.fulllog import COPY_NAME, FULL_LOG, kept_copies, kept_reports
from trident.servicing.diagnose.collect import Collector
from trident.servicing.diagnose.scrub import scrubbed_datastore, scrubbed_log, scrubbed_yaml
from trident.state.agent import AGENT_CONFIGURATION_PATH, DEFAULT_DATASTORE_PATH

_JOURNAL_SECONDS = 300.0
_JOURNAL_LINES = 200_000
_KEPT_SERVICINGS = 500


@dataclass(frozen=True)
class Item:
    """A file of the bundle.

    Attributes:
        name: its path in the bundle.
        description: what it holds, for people.
        collect: gets its content, without secrets.
        seconds: how long that may take.
    """

    name: str
    description: str
    collect: Callable[[Collector], str | bytes]
    seconds: float = 60.0


def items(collector: Collector, *, journal: bool, selinux: bool) -> Iterator[Item]:
    """The files to collect on this host."""
    yield Item("logs/trident-full.log", "Execution log", lambda c: _log(c, c.path(str(FULL_LOG))))
    yield from _historical_logs(collector)
    yield from _datastores(collector)
    yield from _FILES
    for path in collector.netplan_files():
        name = "files/netplan/" + "-".join(path.relative_to(collector.root).parts)
        yield Item(name, f"Network configuration (/{path.relative_to(collector.root)})", _netplan(path))
    yield from _disks(collector)
    yield from _COMMANDS
    if journal:
        yield Item(
            "full-journal",
            "Full system journal from current boot",
            lambda c: c.output(
                "journalctl", "--no-pager", "--boot", "--lines", str(_JOURNAL_LINES), seconds=_JOURNAL_SECONDS
            ),
            _JOURNAL_SECONDS * 2,
        )
    if selinux:
        yield Item("selinux/audit.log", "SELinux audit log", _text("/var/log/audit/audit.log"))


def _text(path: str) -> Callable[[Collector], str]:
    return lambda collector: collector.text(collector.path(path))


def _output(*command: str, accept: tuple[int, ...] = (0,)) -> Callable[[Collector], str]:
    return lambda collector: collector.output(*command, accept=accept)


def _log(collector: Collector, path: Path) -> str:
    return scrubbed_log(collector.file(path), collector.redactor)


def _netplan(path: Path) -> Callable[[Collector], str]:
    return lambda collector: scrubbed_yaml(collector.file(path), collector.redactor)


def _configuration(collector: Collector) -> str:
    return scrubbed_yaml(collector.file(collector.path("/etc/trident/config.yaml")), collector.redactor)


def _historical_logs(collector: Collector) -> Iterator[Item]:
    for datastore in collector.datastores:
        copies = collector.attempt(
            f"historical logs directory {datastore.parent}",
            lambda directory=datastore.parent: sorted(kept_copies(directory)),  # type: ignore[misc]
        )
        reports = collector.attempt(
            f"health check reports in {datastore.parent}",
            lambda directory=datastore.parent: sorted(kept_reports(directory)),  # type: ignore[misc]
        )
        for path in reports or ():
            yield Item(
                f"logs/historical/{path.name}",
                "Report on health checks that failed",
                lambda c, path=path: c.text(path),  # type: ignore[misc]
            )
        for path in copies or ():
            match = COPY_NAME.fullmatch(path.name)
            when = f" from {match[1]} at {match[2]}" if match else ""
            yield Item(
                f"logs/historical/{path.name}",
                f"Historical Trident log{when}",
                lambda c, path=path: _log(c, path),  # type: ignore[misc]
            )


def _datastores(collector: Collector) -> Iterator[Item]:
    default = collector.path(str(DEFAULT_DATASTORE_PATH))
    for path in collector.datastores:
        is_default = path == default
        yield Item(
            "datastore.sqlite" if is_default else "datastore-configured.sqlite",
            "Default datastore" if is_default else "Configured datastore",
            lambda c, path=path: scrubbed_datastore(path, c.redactor),  # type: ignore[misc]
        )


def _disks(collector: Collector) -> Iterator[Item]:
    """The partition table of each disk, as sfdisk reads it."""
    listed = collector.attempt(
        "list of disks",
        lambda: collector.json("lsblk", "--json", "--bytes", "--nodeps", "--output", "NAME,PATH,TYPE,SIZE"),
    )
    for disk in (listed or {}).get("blockdevices", ()):
        if disk.get("type") == "disk" and disk.get("size"):
            yield Item(
                f"disks/{str(disk['name']).replace('/', '!')}.json",
                f"Partition table of {disk['path']}",
                _output("sfdisk", "--json", str(disk["path"])),
            )


def boot_entries(variables: EfiVariables) -> dict[str, Any]:
    """What the firmware starts, and in which order; not the data that it hands over.

    Raises:
        TridentError: the variables cannot be read.
        OSError: the same.
    """
    return {
        "bootOrder": [f"{number:04X}" for number in variables.boot_order()],
        "bootCurrent": _number(variables.boot_current()),
        "bootNext": _number(variables.boot_next()),
        "secureBoot": variables.secure_boot(),
        "entries": [
            {
                "number": f"{entry.number:04X}",
                "label": entry.label,
                "active": entry.option.active,
                "partition": entry.option.drive.number if entry.option.drive else None,
                "partitionUuid": entry.option.drive.uuid if entry.option.drive else None,
                "file": entry.option.file,
                "dataBytes": len(entry.option.data),
            }
            for entry in variables.entries()
        ],
    }


def _number(number: int | None) -> str | None:
    return None if number is None else f"{number:04X}"


def _boot_entries(collector: Collector) -> str:
    variables = EfiVariables(collector.path("/sys/firmware/efi/efivars"))
    if not variables.directory.is_dir():
        raise OSError("the host was not booted by UEFI, or its variables are not mounted")
    return json.dumps(collector.redactor.document(boot_entries(variables)), indent=2) + "\n"


def _history(collector: Collector) -> str:
    """The servicings, as ``trident history --output json`` prints them, of the datastore that is in use."""
    from trident.servicing.history import history_document
    from trident.state.datastore import Datastore

    with Datastore.open(collector.datastores[-1], read_only=True) as datastore:
        document = history_document(datastore.history.entries(_KEPT_SERVICINGS))
    return json.dumps(collector.redactor.document(document), indent=2, default=str) + "\n"


_FILES = (
    Item("files/fstab", "File system mount configuration (/etc/fstab)", _text("/etc/fstab")),
    Item("files/config.yaml", "Trident agent configuration", _text(str(AGENT_CONFIGURATION_PATH))),
    Item("files/host-configuration.yaml", "Host Configuration (/etc/trident/config.yaml)", _configuration),
    Item("files/os-release", "Distribution and version (/etc/os-release)", _text("/etc/os-release")),
    Item("files/cmdline", "Kernel command line", _text("/proc/cmdline")),
    Item("tpm/pcrlock.json", "TPM 2.0 pcrlock policy (pcrlock.json)", _text("/var/lib/systemd/pcrlock.json")),
    Item("history.json", "The servicings of this host", _history),
    Item("boot-entries.json", "What the firmware boots, and in which order", _boot_entries),
)

_COMMANDS = (
    Item(
        "systemd/units.txt",
        "State of every unit",
        _output("systemctl", "list-units", "--all", "--no-pager", "--plain", "--full"),
    ),
    Item(
        "systemd/failed.txt", "Units that failed", _output("systemctl", "--failed", "--no-pager", "--plain")
    ),
    Item("extensions/sysext.txt", "System extensions", _output("systemd-sysext", "status", "--no-pager")),
    Item(
        "extensions/confext.txt",
        "Configuration extensions",
        _output("systemd-confext", "status", "--no-pager"),
    ),
    Item("package.txt", "The installed package", _output("dpkg-query", "--show", "trident")),
)
