"""The one door through which Trident starts programs."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from trident.errors import ExecutionEnvironment, Servicing
from trident.host.tools import SEARCH_PATH, package_of
from trident.trace import TRACE

logger = logging.getLogger(__name__)

_ERROR_LINES = 5
_ERROR_CHARACTERS = 1000
_TRACED_CHARACTERS = 4000


@dataclass(frozen=True)
class Completed:
    """A program that ended: its exit code and what it printed."""

    code: int
    stdout: str
    stderr: str


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    root: Path | None = None,
    input: str | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
    accept: Collection[int] = (0,),
    secret: int = 0,
) -> Completed:
    """Start ``command`` and wait for it to end.

    The program gets an empty environment but for ``PATH`` and ``LC_ALL=C``, no standard input unless
    ``input`` is given, and a process group of its own, so that Ctrl-C reaches it through Trident only.

    Args:
        command: the program and its arguments; never a shell line.
        root: run it inside this directory tree, through ``chroot``.
        input: text for its standard input.
        environment: variables to add.
        timeout: seconds after which it is killed; ``None`` waits for ever.
        accept: exit codes that count as success.
        secret: how many of the last arguments the log must not show.

    Raises:
        Servicing: ``command-failed`` if it ended with another code, ``command-timed-out`` if it was killed.
        ExecutionEnvironment: ``missing-binary`` if the program is not installed.
    """
    arguments = [os.fspath(part) for part in command]
    if root is not None:
        arguments = ["chroot", os.fspath(root), *arguments]
    shown = arguments[: len(arguments) - secret]
    logger.debug("+ %s%s", shlex.join(shown), f" [and {secret} arguments]" if secret else "")
    variables = {"PATH": SEARCH_PATH, "LC_ALL": "C", **(environment or {})}
    child: subprocess.Popen[str] | None = None
    try:
        with interrupts_held_back():
            child = start(
                arguments,
                env=variables,
                stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                process_group=0,
            )
        stdout, stderr = child.communicate(input, timeout=timeout)
    except BaseException as error:  # Ctrl-C above all: no program outlives the step that started it.
        if child is not None:
            _kill(child)
        if isinstance(error, subprocess.TimeoutExpired):
            raise _timed_out(arguments, error.timeout) from error
        raise
    if not secret and input is None:
        logger.log(TRACE, "= %d%s", child.returncode, _quoted(stdout) + _quoted(stderr))
    if child.returncode not in accept:
        raise _failed(arguments, child.returncode, stderr or stdout)
    return Completed(child.returncode, stdout, stderr)


def run_json(command: Sequence[str | os.PathLike[str]], *, timeout: float | None = None) -> Any:
    """Start ``command`` and read its standard output as JSON.

    Raises:
        Servicing: as :func:`run`; also ``command-failed`` if the output is not JSON.
    """
    completed = run(command, timeout=timeout)
    try:
        return json.loads(completed.stdout)
    except ValueError as error:
        name = os.fspath(command[0])
        raise Servicing(
            "command-failed", f"'{name}' printed something that is not JSON.", details={"binary": name}
        ) from error


def start(arguments: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """Start a program, with the options of :class:`subprocess.Popen`; who calls it sees to its end.

    Raises:
        Servicing: ``command-could-not-execute`` if the kernel refuses.
        ExecutionEnvironment: ``missing-binary`` if the program is not installed.
    """
    try:
        return subprocess.Popen(arguments, **options)
    except FileNotFoundError as error:
        raise _not_installed(arguments[0]) from error
    except (OSError, ValueError) as error:
        # A ValueError: an argument or a variable holds what the kernel cannot hand on.
        reason = error.strerror if isinstance(error, OSError) else "an argument or a variable is not valid"
        raise Servicing(
            "command-could-not-execute",
            f"'{arguments[0]}' cannot be started: {reason}.",
            details={"binary": arguments[0]},
        ) from error


@contextlib.contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP wait until the body is through.

    Between the start of a program and the moment at which its handle is stored, an exception would
    leave it running with nobody to end it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python runs signal handlers in the main thread only.
        return
    caught: list[tuple[int, FrameType | None]] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in numbers}
    held = [number for number, handler in handlers.items() if callable(handler)]
    for number in held:
        signal.signal(number, lambda number, frame: caught.append((number, frame)))
    try:
        yield
    finally:
        for number in held:
            signal.signal(number, handlers[number])
    for caught_number, frame in caught:
        handler = handlers[signal.Signals(caught_number)]
        if callable(handler):
            handler(caught_number, frame)


def _quoted(output: str) -> str:
    """What a program printed, for the log; of very much the end."""
    return f"\n{output[-_TRACED_CHARACTERS:].rstrip()}" if output.strip() else ""


def _signal_group(child: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _kill(child: subprocess.Popen[str]) -> None:
    """Kill the program and its children, and reap it."""
    _signal_group(child)
    with contextlib.suppress(OSError), child:  # Closes the pipes and waits for the end.
        pass


def _name(arguments: Sequence[str]) -> str:
    """The program that was meant, looking through ``chroot``."""
    return arguments[2] if arguments[0] == "chroot" and len(arguments) > 2 else arguments[0]


def _not_installed(tool: str) -> ExecutionEnvironment:
    package = package_of(tool)
    return ExecutionEnvironment(
        "missing-binary",
        f"'{tool}' is not installed on this system.",
        hint=f"On Debian: apt-get install {package}" if package else None,
        details={"binary": tool, "packages": [package] if package else []},
    )


def signal_name(number: int) -> str:
    """The name of a signal, or its number where it has none."""
    try:
        return signal.Signals(number).name
    except ValueError:  # Most of the real-time signals have no name.
        return str(number)


def _timed_out(arguments: Sequence[str], timeout: float) -> Servicing:
    return Servicing(
        "command-timed-out",
        f"'{_name(arguments)}' did not end within {timeout:g} seconds and was killed.",
        details={"binary": _name(arguments)},
    )


def _failed(arguments: Sequence[str], code: int, output: str) -> Servicing:
    """The error for an unaccepted exit code, with the last lines that the program printed."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    tail = "\n".join(lines[-_ERROR_LINES:])[-_ERROR_CHARACTERS:]
    ending = f"was killed by signal {signal_name(-code)}" if code < 0 else f"failed with exit code {code}"
    return Servicing(
        "command-failed",
        f"'{_name(arguments)}' {ending}" + (f": {tail}" if tail else "."),
        # The arguments stay out of the recorded error: they may hold what a configuration keeps secret.
        details={"binary": _name(arguments), "exit_code": code},
    )
