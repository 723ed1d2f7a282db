"""Machines kept as they were: disk, UEFI variables and RAM, in the cache, ready to go on in a second.

A snapshot is made once for what went into it and never changes; each machine that starts from it writes
files of its own.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab import accel, disk, emulator, qemu, recording
from lab.cache import Part, cached, digest
from lab.errors import LabError, TimedOut
from lab.machine import Machine

_SAVE_SECONDS = 120.0


@dataclass(frozen=True)
class Snapshot:
    """A machine as it was."""

    path: Path

    def resume(self, name: str = "resumed", *, bad_sector: int | None = None) -> Machine:
        """A machine that goes on where this one stood: logged in by ssh within a second or two.

        Args:
            name: shown in paths and process lists.
            bad_sector: a sector of its disk that it cannot write from now on.
        """
        return self._machine(name, ram=self.path / "ram", bad_sector=bad_sector)

    def recorded(self, directory: Path, name: str = "recorded") -> Machine:
        """A machine that goes on where this one stood, and whose every write lands in a log.

        Args:
            directory: takes ``ground.raw`` and ``writes.log``; see :class:`lab.recording.Recording`.
            name: as for :meth:`resume`.
        """
        record = recording.prepare(directory, self.path / "disk.qcow2", self.path / "variables.fd")
        return self._machine(
            name, self.path / "ram", disk.Disk.copy_of(directory / recording.GROUND, "raw"), record
        )

    def switched_on(self, name: str = "switched-on") -> Machine:
        """A machine with this one's disk and UEFI variables whose power was cut at that moment."""
        return self._machine(name, ram=None)

    def _machine(
        self,
        name: str,
        ram: Path | None,
        begins_as: disk.Disk | None = None,
        record: qemu.Record | None = None,
        bad_sector: int | None = None,
    ) -> Machine:
        facts = json.loads((self.path / "machine.json").read_text(encoding="utf-8"))
        boot = facts["boot"]
        return Machine(
            begins_as or disk.Disk.copy_of(self.path / "disk.qcow2"),
            variables=self.path / "variables.fd",
            boot=qemu.DirectBoot(Path(boot[0]), Path(boot[1]), boot[2]) if boot and ram else None,
            user=facts["user"],
            memory=facts["memory"],
            processors=facts["processors"],
            name=name,
            ram=ram,
            bad_sector=bad_sector,
            record=record,
        )


def cached_snapshot(
    kind: str, parts: tuple[Part, ...], prepare: Callable[[], contextlib.AbstractContextManager[Machine]]
) -> Snapshot:
    """The snapshot for ``parts``; if there is none yet, of the machine that ``prepare`` yields.

    Args:
        kind: a short name for the cache entry.
        parts: everything that decides what the machine becomes; the emulator and its command line are
            added here.
        prepare: a context that yields a running machine in the state to keep.
    """
    ground = (accel.name(), emulator.root().name, Path(qemu.__file__))

    def build(path: Path) -> None:
        with prepare() as machine:
            save(machine, path)

    return Snapshot(cached(f"snapshot-{kind}", digest(*ground, *parts), build))


def save(machine: Machine, path: Path) -> None:
    """Write a running machine's state to a new directory. The machine is off afterwards.

    Raises:
        LabError: QEMU could not save it.
    """
    path.mkdir(parents=True)
    machine.ssh.disconnect()
    control = machine.qmp
    control.execute("stop")
    control.execute("migrate-set-parameters", max_bandwidth=1 << 40)
    control.execute("migrate", uri=f"file:{path / 'ram'}")
    deadline = time.monotonic() + _SAVE_SECONDS
    while (state := control.execute("query-migrate").get("status")) != "completed":
        if state == "failed":
            raise LabError("QEMU could not save the machine's RAM.")
        if time.monotonic() > deadline:
            raise TimedOut(f"Saving the machine took longer than {_SAVE_SECONDS:.0f} s.")
        time.sleep(0.05)
    control.execute("quit")
    machine.wait_for_exit(seconds=60)
    disk.flattened(machine.disk_path, path / "disk.qcow2")
    shutil.copyfile(machine.variables_path, path / "variables.fd")
    boot = machine.booted
    facts = {
        "memory": machine.memory,
        "processors": machine.processors,
        "user": machine.user,
        "boot": [str(boot.kernel), str(boot.initrd), boot.command_line] if boot else None,
    }
    (path / "machine.json").write_text(json.dumps(facts), encoding="utf-8")
