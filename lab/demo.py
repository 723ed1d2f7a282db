"""``./dev demo``: one machine is installed, updated, and survives an update that cannot boot.

Everything is real: the firmware, Debian, the agent's package, the web server. It leaves in
``build/demo`` the machine's disk, its UEFI variables, its console log and the timeline.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from lab import accel, agent, disk, emulator, images, life, system
from lab.disk import Disk
from lab.errors import LabError
from lab.host_configuration import PATH
from lab.http import Server
from lab.machine import Machine
from lab.paths import BUILD
from lab.servicing_os import servicing_os
from lab.stage import Stage
from lab.timeline import Entry
from trident.errors import TridentError

OUTPUT = BUILD / "demo"


def main() -> int:
    """Tell the story; the exit code of the command."""
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--keep", action="store_true", help="leave the machine running, and print how to reach it"
    )
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("The demo needs root: Debian trees hold other owners' files. sudo ./dev demo", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _clear()
    with Server() as server, Stage(server.bytes_served) as stage:
        outcome = "failed"
        try:
            told = _tell(server, stage, keep=options.keep)
            outcome = "done"
        except (LabError, TridentError) as error:
            stage.console.print(f"\n{error}", markup=False)
            for note in getattr(error, "__notes__", ()):
                stage.console.print(note, markup=False)
            return 1
        except KeyboardInterrupt:
            outcome = "interrupted"
            return 130
        finally:
            stage.timeline.write(OUTPUT / "timeline.json", outcome=outcome, accelerator=accel.name())
    stage.console.print()
    stage.timeline.show(stage.console)
    for name in ("disk.raw", "efivars.fd", "timeline.json", "console.log"):
        stage.console.print(f"  {_shown(OUTPUT / name)}")
    if told:
        stage.console.print(f"\n{told}", markup=False)
    return 0


def _tell(server: Server, stage: Stage, *, keep: bool) -> str:
    """The whole story. Returns what to say at the end."""
    directory = OUTPUT / "machine"
    directory.mkdir(parents=True)
    with stage.step("Fetch QEMU, OVMF and Debian"):
        emulator.root()
        system.archive(agent.package())
    with stage.step("Make the servicing OS"):
        boot = servicing_os()
    with stage.step("Build image v1"):
        v1 = images.good(1)
    with stage.step("Build image v2"):
        v2 = images.good(2)
    with stage.step("Build image v3, which cannot start"):
        v3 = images.panics(3)
    machine = Machine(Disk.blank(life.DISK_SIZE), boot=boot, directory=directory, outlive=keep, processors=2)
    with machine:
        with stage.step("Boot the servicing OS from RAM") as entry:
            machine.wait_for_ssh()
            _note(entry, machine)
        _install(machine, v1, server, stage)
        _update(machine, v2, server, stage)
        _failed_update(machine, v3, server, stage)
        with stage.step("Switch off; keep disk and UEFI variables") as entry:
            machine.ssh.run("systemctl poweroff", seconds=30, check=False)
            machine.wait_for_exit()
            entry.boot_order = _ours(machine.boot_variables().order_labels)
            _export(machine)
        if not keep:
            shutil.rmtree(directory)
            return ""
        with stage.step("Switch on again") as entry:
            life.boot_from_disk(machine)
            _note(entry, machine)
        (directory / "pid").write_text(str(machine.pid), encoding="ascii")
        told = (
            f"The machine runs on; root by sudo. Reach it:\n  {machine.ssh.for_people()}\n"
            f"End it:\n  kill {machine.pid}"
        )
        machine.leave_running()
    return told


def _install(machine: Machine, image: images.Image, server: Server, stage: Stage) -> None:
    with stage.step("trident install v1 onto a blank disk") as entry:
        life.install(machine, image, server)
        entry.boot_order = _ours(machine.boot_variables().order_labels)
    with stage.step("Boot A; trident.service commits") as entry:
        life.boot_from_disk(machine)
        _expect(_note(entry, machine), slot="A", version="1", first="trident-a")
    _quote_commit(machine, stage)


def _update(machine: Machine, image: images.Image, server: Server, stage: Stage) -> None:
    life.configure(machine, image, server)
    command = f"trident plan {PATH}"
    with stage.step("trident plan v2"):
        planned = machine.read(command)
    stage.quote(command, planned)
    with stage.step("trident update to v2, from A") as entry:
        life.update(machine, image, server)
        entry.running = "A, v1"
    with stage.step("Boot B; trident.service commits") as entry:
        life.settle(machine)
        _expect(_note(entry, machine), slot="B", version="2", first="trident-b")
    _quote_commit(machine, stage)


def _failed_update(machine: Machine, image: images.Image, server: Server, stage: Stage) -> None:
    with stage.step("trident update to v3, from B") as entry:
        since = machine.console.mark()
        life.update(machine, image, server)
        entry.running = "B, v2"
    with stage.step("Boot A: v3 panics"):
        machine.wait_for_console(r"starting Boot.*trident-a", since=since)
        machine.wait_for_console(r"Kernel panic", since=since)
    with stage.step("The firmware returns to B; trident.service records why") as entry:
        life.settle(machine)
        now = _note(entry, machine)
        _expect(now, slot="B", version="2", first="trident-b")
        if "update failed" not in now.last_error:
            raise LabError(f"The failed update was not recorded; lastError is '{now.last_error}'.")
    stage.quote("trident get last-error", machine.read("trident get last-error"))


def _quote_commit(machine: Machine, stage: Stage) -> None:
    command = "journalctl --identifier trident --output cat --grep Committed"
    stage.quote(command, machine.read(command))


def _note(entry: Entry, machine: Machine) -> life.Standing:
    now = life.standing(machine)
    entry.running = f"{now.slot}, v{now.version}" if now.version else now.slot
    entry.boot_order = _ours(now.boot_order)
    return now


def _ours(labels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(label for label in labels if label.startswith("trident"))


def _expect(now: life.Standing, *, slot: str, version: str, first: str) -> None:
    """The story must be true.

    Raises:
        LabError: the machine is not what the story says.
    """
    if (now.slot, now.version, now.servicing_state) != (slot, version, "provisioned"):
        raise LabError(
            f"The machine should run v{version} from {slot} and be 'provisioned', but it runs v{now.version} "
            f"from {now.slot} and is '{now.servicing_state}'. {now.last_error}"
        )
    if now.boot_order[:1] != (first,):
        raise LabError(f"{first} should be first in BootOrder, which is {', '.join(now.boot_order)}.")


def _export(machine: Machine) -> None:
    disk.to_raw(machine.disk_path, OUTPUT / "disk.raw")
    shutil.copyfile(machine.variables_path, OUTPUT / "efivars.fd")
    shutil.copyfile(machine.console.path, OUTPUT / "console.log")


def _clear() -> None:
    """Remove what the last demo left, and end the machine that it may have left running."""
    pid_file = OUTPUT / "machine/pid"
    if pid_file.exists():
        pid = int(pid_file.read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline")
        # The number may be another process's by now.
        if command.exists() and str(OUTPUT / "machine") in command.read_bytes().decode(errors="replace"):
            os.kill(pid, signal.SIGKILL)
            while command.exists() and command.read_bytes():
                time.sleep(0.05)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)


def _shown(path: Path) -> str:
    size = path.stat()
    used = size.st_blocks * 512
    return f"{os.path.relpath(path)}  ({size.st_size / 1024:.0f} KiB, {used / 1024:.0f} KiB on disk)"


if __name__ == "__main__":
    sys.exit(main())
