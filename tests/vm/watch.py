"""What a test watches in a machine: work that must not be disturbed, boots, and what is left lying about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self

import yaml

from lab.host_configuration import Additions, host_configuration, with_additions
from lab.http import Server
from lab.images import Image
from lab.machine import Machine
from lab.ssh import Result

HOST = "/tmp/host.yaml"
"""Where these tests put a Host Configuration: a merged confext makes /etc read-only."""

ADDRESS = "10.9.9.9/24"
PING = {"name": "gateway", "runOn": ["runtime-update"], "content": "ping -c 1 -W 2 10.0.2.2\n"}
"""A health check that fails once the network is cut."""


# To the last byte: a file system keeps some back that only small writes get.
FILL_SHARED = """
dd if=/dev/zero of=/var/lib/trident/ballast bs=1M 2>/dev/null
sync
dd if=/dev/zero of=/var/lib/trident/crumbs bs=512 2>/dev/null
sync
df --output=avail /var/lib/trident | tail -1
"""
EMPTY_SHARED = "rm /var/lib/trident/ballast /var/lib/trident/crumbs"


@dataclass(frozen=True)
class Work:
    """A process of a machine, and the boot and the moment in which it was started."""

    machine: Machine
    pid: str
    told: str

    @classmethod
    def start(cls, machine: Machine) -> Self:
        """Start a process that has nothing to do with Trident."""
        pid = machine.read("setsid sleep infinity </dev/null >/dev/null 2>&1 & echo $!")
        return cls(machine, pid, _told(machine, pid))

    def assert_undisturbed(self) -> None:
        """It runs, it is the same process, and the machine was not rebooted."""
        assert _told(self.machine, self.pid) == self.told


def _told(machine: Machine, pid: str) -> str:
    return machine.read(f"cat /proc/sys/kernel/random/boot_id; cut -d' ' -f1,22 /proc/{pid}/stat")


def put(machine: Machine, image: Image, server: Server, additions: Additions) -> None:
    """Put a Host Configuration into the machine, and what it names onto the server.

    The URL of an image that the machine runs stays what it was: another one would mean another image.
    """
    running = yaml.safe_load(machine.read("trident get configuration"))["image"]
    url = running["url"] if running["sha384"] == image.sha384 else server.publish(image.path)
    machine.put(with_additions(host_configuration(image, url), additions, server.publish), HOST)


def apply(
    machine: Machine, image: Image, server: Server, additions: Additions, operations: str = ""
) -> Result:
    """Make a running machine what a Host Configuration says, without a reboot."""
    put(machine, image, server, additions)
    allowed = f"--allowed-operations {operations}" if operations else ""
    return machine.run(f"trident update {HOST} {allowed}", seconds=240, check=False)


def last_error(machine: Machine) -> dict[str, Any]:
    """The document of ``trident get last-error``."""
    return yaml.safe_load(machine.read("trident get last-error")) or {}


def started(machine: Machine, since: int) -> list[str]:
    """Labels of the entries that the firmware started since then, in order."""
    return re.findall(r"starting Boot\S+ \"(\S+)\"", machine.console.text(since))


def failed(result: Result, code: str) -> None:
    """The command failed with this one error and exit code 2, and showed no traceback."""
    assert result.returncode == 2, result.stdout + result.stderr
    assert f"/{code}]:" in result.stderr, result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def left_over(machine: Machine) -> dict[str, list[str]]:
    """Everything that a servicing might forget: mounts, loops, mappings, files of the ESP, boot entries."""
    text = machine.read(
        r"""
echo mounts; findmnt --list --noheadings --output TARGET | grep -E '^/(run/trident|mnt|tmp/)' || true
echo loops; losetup --list --noheadings --output BACK-FILE | grep -v deleted || true
echo mappings; ls /dev/mapper | grep -v control || true
echo scratch; find /run/trident -type f ! -name lock
echo esp; cd /boot/efi && find . -type f | sort
echo entries; ls /sys/firmware/efi/efivars | grep -E '^Boot[0-9A-F]{4}-'
"""
    )
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line in {"mounts", "loops", "mappings", "scratch", "esp", "entries"}:
            found[line] = []
        else:
            found[next(reversed(found))].append(line.strip())
    return found
