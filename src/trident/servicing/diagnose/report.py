"""``report.json``: the host in one document, with upstream's field names (``diagnostics.rs``)."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import trident
from trident.image.os_release import OsRelease
from trident.servicing.diagnose.collect import Collector
from trident.servicing.diagnose.scrub import datastore_documents

_UNIT = "trident.service"
_PCRLOCK = "/usr/lib/systemd/systemd-pcrlock"
# systemctl(1): 3 is a unit that does not run, 4 one that there is not.
_ANY_STATE = (0, 1, 3, 4)
_MICROSOFT = "hyperv"
_COLUMNS = (
    "NAME,PATH,TYPE,SIZE,RO,FSTYPE,FSSIZE,FSUSED,UUID,PARTUUID,PARTLABEL,PARTTYPE,PTTYPE,PTUUID,MOUNTPOINTS"
)


def report(collector: Collector) -> dict[str, Any]:
    """Everything but the lists of what was collected and what was not, which come last."""
    status = collector.attempt("host status", lambda: _status(collector))
    return {
        "timestamp": datetime.now(UTC).isoformat(),
        "version": trident.__version__,
        "hostDescription": _host(collector, status),
        "hostStatus": None if status is None else collector.redactor.document(status),
    }


def _status(collector: Collector) -> dict[str, Any]:
    for path in reversed(collector.datastores):  # The configured one is what the agent works with.
        for document in datastore_documents(path):
            if isinstance(document, dict) and "servicingState" in document:
                return document
    raise LookupError("no datastore holds one")


def _host(collector: Collector, status: dict[str, Any] | None) -> dict[str, Any]:
    attempt = collector.attempt
    virtual = attempt("virtualization info", lambda: _virtualization(collector, "--vm"))
    container = attempt("container environment detection", lambda: _virtualization(collector, "--container"))
    return {
        "isContainer": container is not None and container != "none",
        "isVirtual": virtual is not None and virtual != "none",
        "virtType": None if virtual == "none" else _MICROSOFT if virtual == "microsoft" else virtual,
        "platformInfo": attempt("platform info", lambda: _platform(collector)) or {},
        "blockdevInfo": attempt("block device info", lambda: _block_devices(collector)),
        "mountInfo": attempt("mount info", lambda: collector.json("findmnt", "--json", "--bytes")),
        "healthCheckStatus": None if status is None else _health(collector, status),
        "pcrlockLog": attempt("pcrlock log", lambda: collector.json(_PCRLOCK, "log", "--json=short")),
        "tridentService": {
            "status": attempt(f"service status for {_UNIT}", lambda: _unit_status(collector, _UNIT)[1]),
            "journal": attempt(
                f"{_UNIT} journal",
                lambda: collector.output("journalctl", "--no-pager", "--lines=20000", "-u", _UNIT),
            ),
        },
    }


def _virtualization(collector: Collector, kind: str) -> str:
    return collector.command("systemd-detect-virt", kind, accept=(0, 1)).stdout.strip() or "none"


def _platform(collector: Collector) -> dict[str, Any]:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    release = OsRelease(collector.file(collector.path("/etc/os-release")))
    return {
        "asset_id": _product_uuid(collector),
        "os_release": release.pretty_name,
        "total_cpu": os.cpu_count(),
        "total_memory_gib": round(pages / 2**30),
        "kernel_version": platform.release(),
        "architecture": platform.machine(),
    }


def _product_uuid(collector: Collector) -> str:
    try:
        return collector.file(collector.path("/sys/class/dmi/id/product_uuid")).strip()
    except OSError:
        return "unknown"


def _block_devices(collector: Collector) -> Any:
    return collector.json("lsblk", "--json", "--bytes", "--output", _COLUMNS)["blockdevices"]


def _health(collector: Collector, status: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for service in _checked_services(status):
        state = collector.attempt(
            f"service status for {service}",
            lambda service=service: _unit_status(collector, service),  # type: ignore[misc]
        )
        if state is not None:
            found.append({"service": service, "isActive": state[0], "statusOutput": state[1]})
    return found


def _checked_services(status: dict[str, Any]) -> list[str]:
    """The services of the health checks, in whatever shape an old document has them."""
    try:
        checks: Iterable[Any] = status["spec"]["health"]["checks"]
        return [str(service) for check in checks for service in check.get("systemdServices", ())]
    except (KeyError, TypeError, AttributeError):
        return []


def _unit_status(collector: Collector, unit: str) -> tuple[bool, str]:
    done = collector.command("systemctl", "status", "--no-pager", "--full", "--", unit, accept=_ANY_STATE)
    from trident.servicing.diagnose.scrub import scrubbed_text

    return done.code == 0, scrubbed_text(done.stdout + done.stderr, collector.redactor)


def as_bytes(document: dict[str, Any]) -> bytes:
    """The report as it stands in the bundle."""
    return json.dumps(document, indent=2, default=str).encode() + b"\n"
