"""The life of a serviced machine, in the words of the demo and the tests: install, boot, update."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from lab.disk import Disk
from lab.errors import CommandFailed, LabError, TimedOut
from lab.host_configuration import NOTHING, PATH, USER, Additions, host_configuration, with_additions
from lab.http import Server
from lab.images import Image
from lab.machine import Machine
from lab.servicing_os import servicing_os
from lab.snapshot import Snapshot, cached_snapshot
from lab.ssh import Result

DISK_SIZE = "8G"
_NO_CONNECTION = 255


@dataclass(frozen=True)
class Standing:
    """What a running machine says of itself.

    Attributes:
        slot: ``A`` or ``B``, whichever root it runs from; ``RAM`` for the servicing OS.
        version: ``IMAGE_VERSION`` of the running system.
        boot_order: labels of the firmware's entries, in order.
        boot_next: label of the entry that the firmware starts once, next.
        status: the Host Status.
    """

    slot: str
    version: str
    boot_order: tuple[str, ...]
    boot_next: str | None
    status: dict[str, Any]

    @property
    def servicing_state(self) -> str:
        """How far servicing has come."""
        return str(self.status.get("servicingState"))

    @property
    def last_error(self) -> str:
        """The message of the last error, or nothing."""
        error = self.status.get("lastError")
        return str(error["message"]) if error else ""


# What a machine is asked in one go: every command is a second under emulation.
_QUESTIONS = r"""
. /etc/os-release; echo "version=$IMAGE_VERSION"
root=$(findmnt --noheadings --output SOURCE --target /); echo "root=$root"
case $root in /dev/*) echo "partition=$(cat /sys/class/block/"${root##*/}"/partition)" ;; esac
cd /sys/firmware/efi/efivars
for file in Boot*-8be4df61-93ca-11d2-aa0d-00e098032b8c; do
  echo "${file%%-*}=$(od -An -v -tx1 "$file" | tr -d ' \n')"
done
echo "status:"; trident get status 2>/dev/null || true
"""


def standing(machine: Machine) -> Standing:
    """Ask a running machine what it is."""
    facts, _, status = machine.read(_QUESTIONS).partition("status:")
    found = dict(line.split("=", 1) for line in facts.strip().splitlines())
    # The first four bytes of a file in efivarfs are the variable's attributes.
    values = {name: bytes.fromhex(text)[4:] for name, text in found.items() if name.startswith("Boot")}
    labels = {
        name[4:]: _label(data) for name, data in values.items() if re.fullmatch(r"Boot[0-9A-F]{4}", name)
    }
    # Partition 1 is the ESP; 2 and 3 are the two roots.
    slot = {"2": "A", "3": "B"}.get(found.get("partition", ""), "RAM")
    boot_next = _numbers(values.get("BootNext", b""))
    return Standing(
        slot,
        found.get("version", ""),
        tuple(labels.get(number, number) for number in _numbers(values.get("BootOrder", b""))),
        labels.get(boot_next[0]) if boot_next else None,
        yaml.safe_load(status) or {},
    )


def _numbers(data: bytes) -> list[str]:
    return [f"{data[i] | data[i + 1] << 8:04X}" for i in range(0, len(data) - 1, 2)]


def _label(load_option: bytes) -> str:
    return load_option[6:].decode("utf-16-le", errors="ignore").partition("\0")[0]


def new_machine(**options: Any) -> Machine:
    """A machine with a blank disk that starts the servicing OS."""
    return Machine(Disk.blank(DISK_SIZE), boot=servicing_os(), **options)


def configure(
    machine: Machine,
    image: Image,
    server: Server,
    name: str | None = None,
    *,
    additions: Additions = NOTHING,
    path: str = PATH,
) -> None:
    """Put the Host Configuration for ``image`` into the machine, and all that it names onto the server."""
    text = host_configuration(image, server.publish(image.path, name))
    machine.put(with_additions(text, additions, server.publish), path)


def servicing(machine: Machine, command: str, *, seconds: float = 300) -> Result:
    """Run a servicing command that ends in a reboot of the machine; returns when it goes down.

    Raises:
        CommandFailed: it ended before that.
        TimedOut: the machine is still up after ``seconds``.
    """
    since = machine.qmp.mark()
    deadline = time.monotonic() + seconds
    process = machine.ssh.start(command)
    ended: tuple[bytes, bytes] | None = None
    # A guest that reboots does not say goodbye: its end of the connection is just gone.
    while not machine.qmp.reported("RESET", since):
        if ended is not None and process.returncode not in (0, _NO_CONNECTION):
            break
        if time.monotonic() > deadline:
            raise TimedOut(f"The machine did not reboot within {seconds:.0f} s after '{command}'.")
        if ended is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                ended = process.communicate(timeout=0.2)
        else:
            time.sleep(0.1)
    went_down = machine.qmp.reported("RESET", since)
    # The shared connection goes first: its process holds the other ends of the command's pipes.
    if went_down:
        machine.ssh.disconnect()
    process.kill()
    out, err = ended or process.communicate()
    result = Result(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))
    if not went_down:
        raise CommandFailed(command, result.returncode, result.stdout, result.stderr)
    if machine.booted is not None:
        machine.wait_for_exit(seconds=60)
    return result


def install(machine: Machine, image: Image, server: Server, additions: Additions = NOTHING) -> Result:
    """From the servicing OS to a machine that is off and has the system on its disk."""
    configure(machine, image, server, additions=additions)
    return servicing(machine, f"trident install {PATH}")


def boot_from_disk(machine: Machine, *, seconds: float = 300) -> None:
    """Switch on an installed machine and wait until the agent's unit has run ``trident commit``."""
    machine.user = USER
    machine.start()
    settle(machine, seconds=seconds)


def settle(machine: Machine, *, seconds: float = 300) -> None:
    """Wait until a booting machine can be talked to and ``trident.service`` has done its work."""
    machine.wait_for_ssh(seconds=seconds)
    state = "systemctl show --property ActiveState --value trident.service"
    machine.run(
        f'until [ -z "$(systemctl list-jobs --no-legend trident.service)" ] '
        f'&& [ "$({state})" != activating ]; do sleep 0.5; done',
        seconds=seconds,
    )


def update(machine: Machine, image: Image, server: Server, additions: Additions = NOTHING) -> Result:
    """Update an installed machine; returns when it goes down for the reboot."""
    configure(machine, image, server, additions=additions)
    return servicing(machine, f"trident update {PATH}")


def in_servicing_os() -> Snapshot:
    """A machine with a blank disk, the servicing OS up and reachable."""

    @contextlib.contextmanager
    def prepare() -> Iterator[Machine]:
        with new_machine(name="servicing") as machine:
            machine.wait_for_ssh()
            yield machine

    boot = servicing_os()
    return cached_snapshot("servicing", (boot.initrd.parent.name,), prepare)


def installed(image: Image) -> Snapshot:
    """A machine that was installed with ``image``, has booted it from A and committed."""

    @contextlib.contextmanager
    def prepare() -> Iterator[Machine]:
        with Server() as server, in_servicing_os().resume(name="install") as machine:
            install(machine, image, server)
            boot_from_disk(machine)
            _expect(machine, "A")
            yield machine

    parts = (in_servicing_os().path.name, image.path.parent.name)
    return cached_snapshot("installed", parts, prepare)


def updated(first: Image, second: Image) -> Snapshot:
    """A machine that was installed with one image, updated to another, and runs it from B, committed."""

    @contextlib.contextmanager
    def prepare() -> Iterator[Machine]:
        with Server() as server, installed(first).resume(name="update") as machine:
            update(machine, second, server)
            settle(machine)
            _expect(machine, "B")
            yield machine

    return cached_snapshot("updated", (installed(first).path.name, second.path.parent.name), prepare)


def _expect(machine: Machine, slot: str) -> None:
    now = standing(machine)
    if (now.slot, now.servicing_state) != (slot, "provisioned"):
        raise LabError(
            f"The machine runs {now.slot} and is '{now.servicing_state}', not {slot} and 'provisioned'. "
            f"{now.last_error}\n{machine.console.tail()}"
        )
