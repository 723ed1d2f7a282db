"""Errors, plans and documents as people and programs read them."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from trident.cli.streams import say, tell
from trident.errors import InvalidInput, TridentError

if TYPE_CHECKING:
    from trident.config.problems import Problem


def print_error(error: TridentError, *, as_json: bool, is_told: bool = False) -> None:
    """Tell an error on stderr: what, why, what to do; with ``as_json`` also as a document on stdout.

    If it ``is_told`` already, where stderr leads to, only the document is left to print.
    """
    from trident.cli.log import without_secrets

    if as_json:
        with contextlib.suppress(TridentError):  # stdout takes nothing; stderr may.
            print_json({"error": without_secrets(_document(error))})
    if is_told:
        return
    problems = getattr(error, "problems", None)
    if problems is not None:
        print_problems(problems)
    from trident.config.problems import escaped_lines

    red, dim, plain = _colours()
    lines = [f"{red}error{plain}[{error.kind}/{error.code}]: {escaped_lines(error.message)}"]
    lines += [
        f"{dim}  because:{plain} {escaped_lines(cause)}"
        for cause in error.causes()
        if cause not in error.message
    ]
    if error.hint:
        lines.append(f"{dim}  hint:{plain} {escaped_lines(error.hint)}")
    tell(without_secrets("\n".join(lines)) + "\n")


def print_problems(problems: Iterable[Problem]) -> None:
    """Show mistakes and oddities of a Host Configuration on stderr, each with its place."""
    from trident.config.report import render_problems

    tell(render_problems(problems, colour=is_colourful(sys.stderr)))


def _document(error: TridentError) -> dict[str, Any]:
    document = error.to_document()
    problems = getattr(error, "problems", None)
    if problems is not None:
        document["problems"] = problem_documents(problems)
    return document


def problem_documents(problems: Iterable[Problem]) -> list[dict[str, object]]:
    """Problems for programs and editors, each with what ``trident explain`` can be asked about it."""
    from trident.config.reference.topics import topic_of

    return [{**problem.to_document(), "explain": topic_of(problem)} for problem in problems]


def _colours() -> tuple[str, str, str]:
    return ("\x1b[1;31m", "\x1b[2m", "\x1b[0m") if is_colourful(sys.stderr) else ("", "", "")


def is_colourful(stream: TextIO) -> bool:
    """Whether a stream leads to a terminal whose user wants colours."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def print_json(document: object) -> None:
    """Print a document as JSON on stdout.

    Raises:
        ExecutionEnvironment: ``write-output`` if stdout takes nothing.
    """
    say(json.dumps(document, indent=2, default=str) + "\n")


def save_document(document: object, path: str) -> None:
    """Write a document as YAML, whole or not at all.

    Raises:
        InvalidInput: ``write-output-file`` if the path cannot be written.
    """
    from trident.state.datastore import dump_yaml

    save_text(dump_yaml(document), path)


def save_text(text: str | bytes, path: str, *, mode: int = 0o600) -> None:
    """Write to a file, whole or not at all; unless ``mode`` says otherwise, only its owner can read it.

    Raises:
        InvalidInput: ``write-output-file`` if the path cannot be written.
    """
    from trident.host.files import write_file

    target = Path(path)
    content = text.encode() if isinstance(text, str) else text
    try:
        if _is_replaceable(target):
            write_file(target, content, mode=mode)
        else:
            with target.open("wb") as file:
                file.write(content)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InvalidInput("write-output-file", f"{path} cannot be written: {reason}.") from error


def _is_replaceable(path: Path) -> bool:
    """Whether a file may take the place of what is there: not of a device, a pipe, or ``/dev/stdout``."""
    place = path.absolute()
    if path.is_symlink() and (place.is_relative_to("/dev") or place.is_relative_to("/proc")):
        return False
    return path.is_file() or not path.exists()


def human_bytes(count: int) -> str:
    """A byte count for people: ``174 MiB``."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError("unreachable")
