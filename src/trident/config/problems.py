"""A mistake in a Host Configuration, with its place, and the error that carries all of them."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

from trident.config.nodes import Path
from trident.errors import InvalidInput

_LONGEST = 500


class Severity(enum.StrEnum):
    """Whether a configuration with this problem is refused."""

    ERROR = "error"
    WARNING = "warning"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake.

    Attributes:
        code: stable kebab-case name; for rules it is the rule's, which the reference page explains.
        message: what is wrong, one sentence.
        file: name of the source as the caller gave it.
        line: counted from 1; 0 if the configuration came from no text.
        column: in characters, counted from 1.
        width: how many characters the mistake covers on that line.
        path: field path, such as ``storage.disks[0].partitions[1].size``; empty for the whole document.
        value: the offending value as written, shortened, or ``None`` where that says nothing.
        suggestion: what to write or do instead, or ``None``.
        severity: an error is refused, a warning is not.
        source_line: the line of the source where it stands; of a long line the part around the mistake.
        line_start: the column, counted from 0, at which ``source_line`` starts.
    """

    code: str
    message: str
    file: str
    line: int
    column: int
    width: int = 1
    path: str = ""
    value: str | None = None
    suggestion: str | None = None
    severity: Severity = Severity.ERROR
    source_line: str = ""
    line_start: int = 0

    def __post_init__(self) -> None:
        # Values come from the file, and a terminal must not obey them.
        for field in ("message", "file", "path", "value", "suggestion"):
            text = getattr(self, field)
            if text is not None and (len(text) > _LONGEST or not text.isprintable()):
                msgspec.structs.force_setattr(self, field, escaped(_middle_cut(text)))
        if not self.source_line.isprintable():
            shown = "".join(
                c if c.isprintable() else " " if c == "\t" else "\ufffd" for c in self.source_line
            )
            msgspec.structs.force_setattr(self, "source_line", shown)

    @property
    def place(self) -> str:
        """``file:line:column``, which terminals and editors turn into a link."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def to_document(self) -> dict[str, object]:
        """This problem for programs and editors."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "message": self.message,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "width": self.width,
            "path": self.path,
            "value": self.value,
            "suggestion": self.suggestion,
        }


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """What another room has to say about a configuration: a problem before it has a place.

    Attributes:
        code, message, suggestion, severity: as of the problem.
        path: the field that is to blame, or ``None`` if no field is.
        at_key: the field itself is the mistake, not its value.
        file: where the mistake is, if no field is to blame.
    """

    code: str
    message: str
    path: Path | None
    file: str
    suggestion: str | None = None
    at_key: bool = False
    severity: Severity = Severity.ERROR


def _middle_cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 103]}...{text[-100:]}"


def escaped(text: str) -> str:
    """The text with what a terminal would obey spelt out: an escape character becomes four characters."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def escaped_lines(text: str) -> str:
    """As :func:`escaped`, but the text keeps its lines."""
    return "\n".join(escaped(line) for line in text.split("\n"))


class ConfigurationErrors(InvalidInput):
    """Everything that is wrong with a Host Configuration, in the order of the document.

    Attributes:
        problems: errors and warnings; at least one is an error.
    """

    def __init__(self, code: str, source_name: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        errors = [problem for problem in self.problems if problem.severity is Severity.ERROR]
        first = errors[0]
        where = f"{first.place}: " if first.line else ""
        more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(
            code,
            f"The Host Configuration {source_name} is not valid: {where}{first.message}{more}",
            hint=first.suggestion or "Run 'trident validate' to see every mistake with its place.",
            details={"source": source_name, "mistakes": len(errors)},
        )
