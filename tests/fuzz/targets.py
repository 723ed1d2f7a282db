"""What is fuzzed: each target takes bytes, and whatever it raises is a finding.

No target needs atheris: the corpus is replayed by the tests with these same functions.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable

from trident.config.document import read_document
from trident.config.findings import Finding
from trident.config.load import judge_host_configuration
from trident.config.model import HostConfiguration
from trident.config.problems import Problem, Severity
from trident.config.report import render_problems
from trident.errors import TridentError

MOST_SECONDS = 2.0
"""Processor time that one input may take."""


def read(data: bytes) -> None:
    """The YAML reader: a tree, or findings that lie within the text."""
    document = read_document(data)
    lines = _lines(document.text or data.decode(errors="replace"))
    for finding in document.findings:
        _check_finding(finding, lines)


def judge(data: bytes) -> None:
    """The whole way of ``trident validate``: a configuration that can be written, or located problems."""
    verdict = judge_host_configuration(data, "fuzz.yaml")
    check_problems(verdict.problems, data.decode(errors="replace"))
    errors = [problem for problem in verdict.problems if problem.severity is Severity.ERROR]
    assert (verdict.configuration is None) == bool(errors), "neither accepted nor refused"
    render_problems(verdict.problems, colour=True).encode()
    json.dumps([problem.to_document() for problem in verdict.problems]).encode()
    if verdict.configuration is not None:
        document = verdict.configuration.to_document()
        assert HostConfiguration.from_document(document) == verdict.configuration, "not the same when written"


def explain(data: bytes) -> None:
    """The lookup of ``trident explain``: a page, or the error that it declares."""
    from trident.config.reference.explain import explanation, render

    try:
        json.dumps(document := explanation(data.decode(errors="replace")))
        render(document, colour=True)
    except TridentError as error:
        assert str(error), "an error without words"


TARGETS: dict[str, Callable[[bytes], None]] = {"read": read, "judge": judge, "explain": explain}


def run(name: str, data: bytes) -> None:
    """Give one input to a target.

    Raises:
        TimeoutError: it took more processor time than any input may.
        Exception: whatever else the target found.
    """
    begun = time.process_time()
    TARGETS[name](data)
    taken = time.process_time() - begun
    if taken > MOST_SECONDS:
        raise TimeoutError(f"{taken:.1f} seconds for {len(data)} bytes")


def check_problems(problems: Iterable[Problem], text: str) -> None:
    """That every problem has a place within the text, and words that can be printed."""
    lines = _lines(text)
    for problem in problems:
        _check_place(problem.line - 1, problem.column - 1, lines, problem.code)
        assert problem.message.strip(), f"{problem.code} says nothing"
        assert problem.message.isprintable(), f"{problem.code} cannot be printed"
        assert problem.suggestion is None or problem.suggestion.isprintable(), f"{problem.code}: suggestion"


def _check_finding(finding: Finding, lines: list[str]) -> None:
    _check_place(finding.line, finding.column, lines, finding.code)
    assert finding.message.strip(), f"{finding.code} says nothing"


def _check_place(line: int, column: int, lines: list[str], code: str) -> None:
    assert 0 <= line < len(lines), f"{code} is at line {line + 1} of {len(lines)}"
    assert 0 <= column <= len(lines[line]), f"{code} is at column {column + 1} of {len(lines[line])}"


def _lines(text: str) -> list[str]:
    """The lines as YAML splits them, and the empty one behind the last."""
    for end in ("\r\n", "\r", "\x85", "\u2028", "\u2029"):
        text = text.replace(end, "\n")
    return text.removeprefix("\ufeff").split("\n")
