"""Showing the mistakes of a Host Configuration to people: the source line, and a caret below the mistake."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from trident.config.problems import Problem, Severity

_MOST_TOPICS = 3


def render_problems(problems: Iterable[Problem], *, colour: bool = False) -> str:
    """Text for a terminal, one block a problem, with a count at the end; it holds no control characters.

    Args:
        problems: in the order in which they are shown.
        colour: use ANSI colours.
    """
    shown = list(problems)
    paint = _Paint(colour)
    blocks = [_block(problem, paint) for problem in shown]
    return "\n\n".join([*blocks, _summary(shown, paint)]) + "\n" + _further(shown) if shown else ""


def _further(problems: list[Problem]) -> str:
    """The commands that tell more about these problems."""
    from trident.config.reference.topics import topic_of

    topics = list(dict.fromkeys(topic for problem in problems if (topic := topic_of(problem))))
    lines = [
        f"{'' if number else 'More:':6}trident explain {topic}\n"
        for number, topic in enumerate(topics[:_MOST_TOPICS])
    ]
    return "".join(lines)


class _Paint:
    """ANSI colours, or nothing."""

    def __init__(self, colour: bool) -> None:
        self.error, self.warning, self.place, self.bold, self.plain = (
            ("\x1b[1;31m", "\x1b[1;33m", "\x1b[34m", "\x1b[1m", "\x1b[0m") if colour else ("", "", "", "", "")
        )

    def of(self, problem: Problem) -> str:
        """The colour of a problem's severity."""
        return self.error if problem.severity is Severity.ERROR else self.warning


def _block(problem: Problem, paint: _Paint) -> str:
    colour = paint.of(problem)
    path = f" ({problem.path})" if problem.path else ""
    head = (
        f"{colour}{problem.severity}[{problem.code}]{paint.plain}{paint.bold}: {problem.message}{paint.plain}"
    )
    if not problem.line:
        advice = f"\n  = {problem.suggestion}" if problem.suggestion else ""
        return f"{head}\n  {paint.place}-->{paint.plain} {problem.place}{path}{advice}"
    number = str(problem.line)
    margin = " " * len(number)
    text, column = problem.source_line, problem.column - 1 - problem.line_start
    indent = " " * display_width(text[:column])
    covered = display_width(text[column : column + problem.width])
    carets = "^" * max(1, covered)
    advice = f" {problem.suggestion}" if problem.suggestion else ""
    bar = f"{paint.place}|{paint.plain}"
    return (
        f"{head}\n"
        f"{margin}{paint.place}-->{paint.plain} {problem.place}{path}\n"
        f"{margin} {bar}\n"
        f"{paint.place}{number}{paint.plain} {bar} {text}\n"
        f"{margin} {bar} {indent}{colour}{carets}{advice}{paint.plain}"
    )


def display_width(text: str) -> int:
    """Columns that the text takes on a terminal: East Asian wide characters take two."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _summary(problems: list[Problem], paint: _Paint) -> str:
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    warnings = len(problems) - errors
    parts = [
        _counted(count, noun)
        for count, noun in ((errors, "error"), (warnings, "warning"))
        if count or (noun == "error" and not warnings)
    ]
    return f"{paint.bold}{' and '.join(parts)} in {problems[0].file}{paint.plain}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
