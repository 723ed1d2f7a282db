"""Commands in a machine, over ssh on loopback."""

from __future__ import annotations

import shlex
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.cache import cached
from lab.errors import CommandFailed, LabError, TimedOut
from lab.tool import run_tool

# The cheapest algorithms under emulation; the machine is disposable and the network is loopback.
_OPTIONS = {
    "StrictHostKeyChecking": "no",
    "UserKnownHostsFile": "/dev/null",
    "GlobalKnownHostsFile": "/dev/null",
    "LogLevel": "ERROR",
    "BatchMode": "yes",
    "IdentitiesOnly": "yes",
    "PreferredAuthentications": "publickey",
    "KexAlgorithms": "curve25519-sha256",
    "Ciphers": "aes128-ctr,chacha20-poly1305@openssh.com",
    "ConnectTimeout": "20",
    "ServerAliveInterval": "5",
    "ServerAliveCountMax": "12",
    "ControlMaster": "auto",
    "ControlPersist": "600",
}


@dataclass(frozen=True)
class Result:
    """How a command in a machine ended."""

    returncode: int
    stdout: str
    stderr: str


def private_key() -> Path:
    """The lab's key, made once for each cache."""

    def build(path: Path) -> None:
        path.mkdir()
        run_tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", path / "id")

    return cached("ssh", "key", build) / "id"


def public_key() -> str:
    """The line for ``authorized_keys``."""
    return private_key().with_suffix(".pub").read_text(encoding="ascii").strip()


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def speaks_ssh(port: int, seconds: float = 3.0) -> bool:
    """Whether an ssh server answers on a port. QEMU accepts for the guest at once, so ask for the banner."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
            connection.settimeout(seconds)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


class Ssh:
    """Commands as one user of one machine, over one shared connection."""

    def __init__(self, port: int, user: str, control: Path) -> None:
        self.port = port
        self.user = user
        self._control = control

    def command_line(self) -> list[str]:
        """The ssh client's command line, without a command."""
        return self._command_line({**_OPTIONS, "ControlPath": str(self._control)})

    def for_people(self) -> str:
        """What a person types to log in."""
        return shlex.join(
            self._command_line({"StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null"})
        )

    def _command_line(self, options: Mapping[str, str]) -> list[str]:
        flags = [flag for key, value in options.items() for flag in ("-o", f"{key}={value}")]
        return ["ssh", "-p", str(self.port), "-i", str(private_key()), *flags, f"{self.user}@127.0.0.1"]

    def run(self, command: str, *, seconds: float, check: bool = True, stdin: bytes | None = None) -> Result:
        """Run a shell command as root and wait for its end.

        Raises:
            CommandFailed: it ended with a non-zero code and ``check`` is set.
            LabError: the connection failed (ssh's own exit code 255).
            TimedOut: it ran for more than ``seconds``.
        """
        with self.start(
            command, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL
        ) as process:
            try:
                out, err = process.communicate(stdin, timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                said = (out + err).decode(errors="replace")[-2000:]
                raise TimedOut(f"'{command}' did not end within {seconds} s. It said:\n{said}") from None
        result = Result(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))
        if result.returncode == 255:
            raise LabError(f"The ssh connection failed during '{command}': {result.stderr.strip()}")
        if check and result.returncode != 0:
            raise CommandFailed(command, result.returncode, result.stdout, result.stderr)
        return result

    def start(self, command: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start a shell command as root, its output in pipes, and do not wait."""
        if self.user != "root":
            command = f"sudo -n sh -c {shlex.quote(command)}"
        return subprocess.Popen(
            [*self.command_line(), command], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def wait(self, *, seconds: float) -> None:
        """Wait until a command can be run.

        Raises:
            TimedOut: none could be run within ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if speaks_ssh(self.port):
                try:
                    self.run("true", seconds=max(1.0, deadline - time.monotonic()))
                except (LabError, CommandFailed):
                    pass  # it is on its way up or down
                else:
                    return
            time.sleep(0.2)
        raise TimedOut(f"No ssh as {self.user} within {seconds:.0f} s.")

    def disconnect(self) -> None:
        """End the shared connection, so that the next command makes a new one."""
        if self._control.exists():
            subprocess.run(
                ["ssh", "-o", f"ControlPath={self._control}", "-O", "exit", "lab"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
            )  # fmt: skip
            self._control.unlink(missing_ok=True)
