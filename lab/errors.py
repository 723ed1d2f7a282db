"""What goes wrong in the lab."""

from __future__ import annotations


class LabError(Exception):
    """The lab itself could not do its work: a tool is missing, a machine died, a wait ran out of time."""


class TimedOut(LabError):
    """Something did not happen within its time limit."""


class CommandFailed(LabError):
    """A command, here or in a machine, ended with a non-zero exit code.

    Attributes:
        command: what was run, as a person would type it.
        returncode: its exit code.
        stdout: what it printed.
        stderr: what it complained of.
    """

    def __init__(self, command: str, returncode: int, stdout: str, stderr: str) -> None:
        shown = (stderr.strip() or stdout.strip())[-2000:]
        super().__init__(f"'{command}' ended with {returncode}:\n{shown}")
        self.command = command
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr
