"""Running a tool of the host."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import CommandFailed, LabError


def run_tool(
    *arguments: str | Path,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float | None = None,
    output: Path | None = None,
) -> str:
    """Run a tool to its end and return what it printed; with ``output``, that goes to the file instead.

    Raises:
        CommandFailed: it ended with a non-zero exit code.
        LabError: it is not installed, or ran for more than ``seconds``.
    """
    command: Sequence[str] = [str(argument) for argument in arguments]
    try:
        with output.open("wb") if output else contextlib.nullcontext(subprocess.PIPE) as stdout_to:
            result = subprocess.run(
                command,
                cwd=cwd,
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                stdout=stdout_to,
                stderr=subprocess.PIPE,
                check=False,
                env=environment,
                timeout=seconds,
            )
    except FileNotFoundError as error:
        raise LabError(
            f"'{command[0]}' is not installed; './dev setup' installs what the lab needs."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"'{shlex.join(command)}' took longer than {seconds} s.") from error
    stdout, stderr = ((stream or b"").decode(errors="replace") for stream in (result.stdout, result.stderr))
    if result.returncode != 0:
        raise CommandFailed(shlex.join(command), result.returncode, stdout, stderr)
    return stdout
