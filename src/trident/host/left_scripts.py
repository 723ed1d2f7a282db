"""Ending what a user's script of a killed run still does.

The kernel lets a program live on when the agent that started it is killed (SIGKILL, out of memory). A note
stands in ``/run`` for as long as a script runs, and the script gets its name in an environment variable. A
note that is found later belongs to a killed run, and so does every process with that variable: it is ended
with its children. What a script leaves running on purpose has the variable, too, but no note.

``PR_SET_PDEATHSIG`` would end the script at once, but only its first process: what that has started goes on,
and nothing is left by which to know it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from trident.errors import Servicing
from trident.host.mount import RUN_DIRECTORY
from trident.host.processes import descendants, name_of, parents, runs, was_given

VARIABLE = "TRIDENT_SCRIPT_ID"
NOTES = RUN_DIRECTORY / "scripts"

_ATTEMPTS = 250
_PAUSE = 0.02


@contextlib.contextmanager
def noted(directory: Path = NOTES) -> Iterator[Mapping[str, str]]:
    """Note for the body that a script runs; gives the variable for its environment.

    Raises:
        OSError: the note cannot be written.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    note = directory / secrets.token_hex(16)
    note.touch(mode=0o600)
    try:
        yield {VARIABLE: note.name}
    finally:
        with contextlib.suppress(OSError):
            note.unlink()


def end_left_scripts(directory: Path = NOTES) -> tuple[str, ...]:
    """Kill what scripts of killed runs still do; returns each process as ``pid (name)``.

    Only for a caller that holds the servicing lock: nobody else runs a script then. What a script has
    started with another environment (``sudo``, ``env -i``) and whose parent has ended is not found.

    Raises:
        Servicing: ``script-still-runs`` if one does not end.
    """
    try:
        notes = tuple(directory.iterdir())
    except OSError:
        return ()
    ended = _end({note.name for note in notes}) if notes else {}
    # The scripts themselves lie beside their notes, and may hold what is secret.
    for left in (*directory.parent.glob("script-*"), *notes):
        with contextlib.suppress(OSError):
            left.unlink()
    return tuple(f"{pid} ({name})" for pid, name in sorted(ended.items()))


def _end(names: set[str]) -> dict[int, str]:
    """Kill what these scripts still do, until none of it is left; returns the names of the processes."""
    ended: dict[int, str] = {}
    for _attempt in range(_ATTEMPTS):
        found = _started_by(names)
        if not found:
            return ended
        for pid in found:
            ended.setdefault(pid, name_of(pid))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE)
    raise _still_runs(_started_by(names))


def _started_by(names: set[str]) -> set[int]:
    """The processes of these scripts that run, but for this one."""
    tree = parents()
    given = {pid for pid in tree if was_given(pid, VARIABLE) in names}
    return {pid for pid in descendants(given, tree) if runs(pid)} - {os.getpid()}


def _still_runs(pids: set[int]) -> Servicing:
    shown = ", ".join(f"{pid} ({name_of(pid)})" for pid in sorted(pids))
    return Servicing(
        "script-still-runs",
        f"A script of a run that was killed still runs and does not end, although it was killed: {shown}.",
        hint="It waits for a device or a server, as a rule. When it has ended, run the command again.",
    )
