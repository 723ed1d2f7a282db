"""A virtual machine: start it, talk to it, cut its power, keep its state.

with Machine(disk=Disk.blank("8G"), boot=servicing_os()) as vm:
    vm.wait_for_ssh()
    vm.run("trident install host.yaml")
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from lab import emulator, firmware, qemu
from lab.console import Console
from lab.disk import Disk
from lab.errors import LabError, TimedOut
from lab.paths import MACHINES
from lab.qmp import Qmp
from lab.ssh import Result, Ssh, free_port


class Machine:
    """One machine with UEFI firmware, a disk, a variable store, a network and a serial console.

    Its files lie in ``directory``: ``disk.qcow2``, ``variables.fd``, ``console.log``, ``qemu.log``.
    Leaving the context ends the machine as a power cut would; the directory stays if an error ended it.

    Args:
        disk: what the disk starts as.
        boot: a kernel and initrd for the first start instead of the disk; see :meth:`start`.
        variables: a variable store to start from, or ``None`` for a blank one.
        user: who logs in over ssh. Commands run as root all the same, by sudo.
        memory: in MiB.
        processors: virtual CPUs.
        name: shown in paths and process lists.
        directory: where its files go, instead of a fresh one under ``build/machines``.
        ram: a saved RAM state to go on from; see :mod:`lab.snapshot`.
        record: record every write; ``disk`` then holds the variables too, and ``variables`` goes unused.
        outlive: let the machine go on when this process dies.
        bad_sector: a sector of the disk that cannot be written; see :class:`qemu.Hardware`.
    """

    def __init__(
        self,
        disk: Disk,
        *,
        boot: qemu.DirectBoot | None = None,
        variables: Path | None = None,
        user: str = "root",
        memory: int = 2048,
        processors: int = 1,
        name: str = "machine",
        directory: Path | None = None,
        ram: Path | None = None,
        record: qemu.Record | None = None,
        outlive: bool = False,
        bad_sector: int | None = None,
    ) -> None:
        MACHINES.mkdir(parents=True, exist_ok=True)
        self._own_directory = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix=f"{name}-", dir=MACHINES))
        self.memory, self.processors, self.boot = memory, processors, boot
        self.disk_path = self.directory / "disk.qcow2"
        self.variables_path = self.directory / "variables.fd"
        self.console = Console(self.directory / "console.log")
        self.user = user
        self.ssh_port = free_port()
        self.booted: qemu.DirectBoot | None = None
        self._outlive = outlive
        self._bad_sector = bad_sector
        self._left_running = False
        self._ram = ram
        self._record = record
        # Socket paths are limited to 108 bytes, so they live in a short place.
        self._sockets = Path(tempfile.mkdtemp(prefix="trident-lab-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._qmp: Qmp | None = None
        disk.create(self.disk_path)
        if variables is None:
            self.forget_variables()
        else:
            shutil.copyfile(variables, self.variables_path)

    # Life

    def __enter__(self) -> Self:
        try:
            self.start(self.boot)
        except BaseException:
            self._remove_sockets()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.alive and not self._left_running:
            self.power_cut()
        self._remove_sockets()
        if self._own_directory and kind is None:
            shutil.rmtree(self.directory, ignore_errors=True)
        elif isinstance(error, Exception):
            error.add_note(f"The machine's console log and disk are in {self.directory}")

    def start(self, boot: qemu.DirectBoot | None = None) -> None:
        """Press the power button: the firmware starts ``boot``, or follows its boot order.

        A machine started with ``boot`` ends when the guest reboots (as if the installation medium had
        been taken out): :meth:`wait_for_exit`, then :meth:`start` again.
        """
        if self.alive:
            raise LabError("The machine is on already.")
        hardware = qemu.Hardware(
            self.disk_path,
            self.variables_path,
            self.ssh_port,
            self.memory,
            self.processors,
            boot,
            self._ram,
            self._bad_sector,
            self._record,
        )
        control = self._sockets / "qmp"
        control.unlink(missing_ok=True)
        arguments = qemu.command_line(hardware, self.directory, control)
        if not self._outlive:
            arguments = ["setpriv", "--pdeathsig", "KILL", *arguments]
        with (self.directory / "qemu.log").open("ab") as log:
            log.write(shlex.join(arguments).encode() + b"\n")
            log.flush()
            # A session of its own: Ctrl-C reaches the lab, which then ends the machine in its own time.
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._qmp = Qmp(control, lambda: self.alive)
        except LabError as error:
            said = (self.directory / "qemu.log").read_text(errors="replace")[-1500:]
            raise LabError(f"QEMU did not start:\n{said}") from error
        self.booted = boot
        if boot is not None:
            self._qmp.execute("set-action", reboot="shutdown")
        if self._ram is not None:
            self._ram = None
            self._resume()

    def _resume(self) -> None:
        # The machine was stopped when it was saved, so it stays so once the whole state is in.
        for _ in range(600):
            if self.qmp.execute("query-status")["status"] != "inmigrate":
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                assert self._process is not None
                self._process.wait(0.05)
        self.qmp.execute("cont")

    @property
    def alive(self) -> bool:
        """Whether the machine has power."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of QEMU."""
        if self._process is None:
            raise LabError("The machine was never started.")
        return self._process.pid

    @property
    def qmp(self) -> Qmp:
        """The control connection."""
        if self._qmp is None:
            raise LabError("The machine is off.")
        return self._qmp

    def power_cut(self) -> None:
        """Take the power away now. What the guest had not flushed is lost, as on a real machine."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)
        self._off()

    def reset(self) -> None:
        """Press the reset button."""
        self.ssh.disconnect()
        self.qmp.execute("system_reset")

    def leave_running(self) -> None:
        """Let the machine go on when the context ends; it must have been made with ``outlive``."""
        self._left_running = True

    def wait_for_exit(self, *, seconds: float = 120) -> None:
        """Wait until the guest has switched the machine off (or rebooted, if it was started with ``boot``).

        Raises:
            TimedOut: it is still on after ``seconds``.
        """
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimedOut(
                f"The machine is still on after {seconds:.0f} s. Its console:\n{self.console.tail()}"
            ) from None
        self._off()

    def _off(self) -> None:
        self.ssh.disconnect()
        if self._qmp is not None:
            self._qmp.close()
        self._qmp = None
        self._process = None

    def _remove_sockets(self) -> None:
        self.ssh.disconnect()
        shutil.rmtree(self._sockets, ignore_errors=True)

    # Conversation

    @property
    def ssh(self) -> Ssh:
        """The way in, as ``user``."""
        return Ssh(self.ssh_port, self.user, self._sockets / f"ssh-{self.user}")

    def wait_for_ssh(self, *, seconds: float = 240) -> None:
        """Wait until commands can be run.

        Raises:
            TimedOut: not within ``seconds``; the error shows the console's end.
        """
        try:
            self.ssh.wait(seconds=seconds)
        except TimedOut as error:
            raise TimedOut(f"{error} The console's end:\n{self.console.tail()}") from None

    def run(
        self, command: str, *, seconds: float = 120, check: bool = True, stdin: bytes | None = None
    ) -> Result:
        """Run a shell command as root in the machine."""
        return self.ssh.run(command, seconds=seconds, check=check, stdin=stdin)

    def read(self, command: str, *, seconds: float = 120) -> str:
        """What a shell command prints, stripped."""
        return self.run(command, seconds=seconds).stdout.strip()

    def put(self, content: str | bytes, path: str) -> None:
        """Write a file in the machine, so that it outlives a power cut."""
        data = content.encode() if isinstance(content, str) else content
        self.run(f"cat > {shlex.quote(path)} && sync {shlex.quote(path)}", stdin=data)

    def wait_for_console(self, pattern: str, *, seconds: float = 240, since: int = 0) -> str:
        """The first match of a regular expression in the console log after byte ``since``."""
        return self.console.wait_for(pattern, seconds=seconds, since=since, alive=lambda: self.alive)

    def reboot(self, *, seconds: float = 300) -> None:
        """Reboot from inside, and wait until commands can be run again.

        Raises:
            TimedOut: not within ``seconds`` each for going down and coming up.
        """
        since = self.qmp.mark()
        with contextlib.suppress(LabError):
            self.run("systemctl reboot", check=False)
        self.qmp.wait_for_event("RESET", seconds=seconds, since=since)
        self.ssh.disconnect()
        self.wait_for_ssh(seconds=seconds)

    # What is left when the power is off

    def forget_variables(self) -> None:
        """Give the machine a blank variable store, as after a firmware update or an empty battery."""
        if self.alive:
            raise LabError("Variables can be replaced only while the machine is off.")
        shutil.copyfile(emulator.blank_variables(), self.variables_path)

    def boot_variables(self) -> firmware.BootVariables:
        """BootOrder and its entries, read from the store, whether the machine is on or off."""
        return firmware.read_boot_variables(self.variables_path)
