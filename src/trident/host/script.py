"""A user's script: put where its interpreter finds it, run under supervision, and taken away again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trident.errors import InvalidInput, Servicing
from trident.host.files import Tree, open_regular
from trident.host.supervise import Ending, describe, supervise
from trident.host.tools import SEARCH_PATH

DEFAULT_INTERPRETER = "/bin/sh"
# Inside the target this is on a fresh tmpfs: nothing of the script stays on the target's volumes.
_DIRECTORY = "/run/trident"
_TAIL_CHARACTERS = 1000


@dataclass(frozen=True)
class ScriptFile:
    """What to run.

    Attributes:
        content: the script itself, or ``None`` if ``path`` names it.
        path: file on the running system that holds it.
        interpreter: program that is handed the script: a path, or a name that is looked for.
        arguments: what the script is given; the log does not show them.
        environment: variables for it.
    """

    content: str | None = field(repr=False)
    path: str | None
    interpreter: str | None = None
    arguments: tuple[str, ...] = field(default=(), repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ScriptResult:
    """How a script ended.

    Attributes:
        problem: what is wrong, for people, to follow "the script", without a full stop; empty if nothing is.
        tail: the last lines that it printed.
        left: what it left running: ``pid (name)``.
    """

    problem: str = ""
    tail: str = ""
    left: tuple[str, ...] = ()


def run_script(
    script: ScriptFile,
    *,
    root: Path | None = None,
    on_line: Callable[[str], None],
    timeout: float | None = None,
) -> ScriptResult:
    """Run a script to its end.

    Inside a ``root`` nothing of it goes on running afterwards: that tree is about to be unmounted.

    Args:
        script: what to run.
        root: run it inside this directory tree.
        on_line: called with each line that it prints.
        timeout: seconds after which it is killed with all that it started; ``None`` waits for ever.

    Raises:
        InvalidInput: ``invalid-host-configuration-dynamic`` if its file cannot be read.
        Servicing: ``command-could-not-execute`` if it cannot be written down or started.
    """
    content = script.content.encode(errors="surrogateescape") if script.content is not None else None
    if content is None:
        content = read_script(str(script.path))
    interpreter = script.interpreter or DEFAULT_INTERPRETER
    program, problem = _looked_for(interpreter, root)
    if problem:
        return ScriptResult(f"cannot be started: {problem}")
    with _noted() as mark, _lying(content, root) as path:
        ending: Ending = supervise(
            [program, path, *script.arguments],
            root=root,
            environment={"HOME": "/root", **script.environment, **mark},
            on_line=on_line,
            timeout=timeout,
            secret=len(script.arguments),
            leave_children=root is None,
        )
    tail = "\n".join(ending.tail)[-_TAIL_CHARACTERS:]
    return ScriptResult("" if ending.well else describe(ending, timeout), tail, ending.left)


def read_script(path: str) -> bytes:
    """The content of a script's file.

    Raises:
        InvalidInput: ``invalid-host-configuration-dynamic`` if it cannot be read.
    """
    try:
        with open_regular(Path(path)) as file:
            return file.read()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its path holds a null character"
        raise InvalidInput(
            "invalid-host-configuration-dynamic",
            f"The script {path} cannot be read: {reason}.",
            details={"inner": {"load-script": {"path": path}}},
        ) from error


def interpreter_problem(interpreter: str, root: Path | None = None) -> str:
    """Why nothing can be run with ``interpreter`` (inside ``root``), for people; empty if all is well."""
    return _looked_for(interpreter, root)[1]


def _looked_for(interpreter: str, root: Path | None) -> tuple[str, str]:
    """Where an interpreter lies, and why it cannot be used; one of the two is empty."""
    tree = Tree(root or Path("/"))
    where = "the target OS" if root is not None else "this system"
    if "/" not in interpreter:
        candidates = [f"{directory}/{interpreter}" for directory in SEARCH_PATH.split(":")]
    else:
        candidates = [interpreter]
    found = [path for path in candidates if tree.exists(path)]
    if not found:
        return "", f"{where} has no interpreter '{interpreter}'"
    for path in found:
        real = tree.real_path(path)
        if real.is_file() and os.access(real, os.X_OK):
            return path, ""
    return "", f"the interpreter '{found[0]}' of {where} is not an executable file"


@contextlib.contextmanager
def _noted() -> Iterator[Mapping[str, str]]:
    """A note for the body that a script runs, see :mod:`trident.host.left_scripts`."""
    from trident.host.left_scripts import NOTES, noted

    with contextlib.ExitStack() as stack:
        try:
            mark = stack.enter_context(noted())
        except OSError as error:
            raise _no_room(NOTES, error) from error
        yield mark


@contextlib.contextmanager
def _lying(content: bytes, root: Path | None) -> Iterator[str]:
    """The script in a file for the body; gives the path as the interpreter sees it."""
    import secrets

    tree = Tree(root or Path("/"))
    path = f"{_DIRECTORY}/script-{secrets.token_hex(4)}"
    try:
        tree.write(path, content, mode=0o700)
    except OSError as error:
        raise _no_room(_DIRECTORY, error) from error
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            tree.remove(path)


def _no_room(directory: str | Path, error: OSError) -> Servicing:
    return Servicing(
        "command-could-not-execute",
        f"The script cannot be put into {directory} to run it: {error.strerror}.",
        hint=f"Make room on the file system of {directory}, which must be writable.",
    )
