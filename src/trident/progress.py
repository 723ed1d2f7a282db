"""One stream of progress events: the CLI draws it, the daemon sends it, the log keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Ending = Literal["done", "failed", "interrupted"]
# So many of the changes that decide what is done stand in one line.
_REASONS = 4


@dataclass(frozen=True, slots=True)
class ServicingBegun:
    """A verb (``update``) starts. What kind of servicing it comes to is not known yet."""

    verb: str


@dataclass(frozen=True, slots=True)
class ServicingSelected:
    """What kind of servicing an update comes to is decided.

    Attributes:
        servicing: its type.
        changes: each change and what it forces, as a plan's document has them.
    """

    servicing: str
    changes: tuple[Mapping[str, str], ...]

    @property
    def reason(self) -> str:
        """What decides, in one line for people; empty where nothing is done or nothing differs."""
        deciding = [change for change in self.changes if change["forces"] == self.servicing]
        if not deciding or self.servicing == "no-active-servicing":
            return ""
        shown = [f"{_what(change)} ({change['reason']})" for change in deciding[:_REASONS]]
        more = len(deciding) - len(shown)
        return f"{self.servicing}, because: {'; '.join(shown)}" + (f"; and {more} more" if more else "")


def _what(change: Mapping[str, str]) -> str:
    return change["field"] if change["change"] == "present" else f"{change['field']} {change['change']}"


@dataclass(frozen=True, slots=True)
class OperationBegun:
    """An operation of a servicing of type ``servicing`` starts; it has ``steps`` steps."""

    operation: str
    servicing: str
    steps: int


@dataclass(frozen=True, slots=True)
class StepBegun:
    """A step of the plan starts. ``index`` counts from 1 to ``total``."""

    step: str
    title: str
    index: int
    total: int


@dataclass(frozen=True, slots=True)
class BytesMoved:
    """``done`` of ``total`` bytes of the step's work are through."""

    step: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step ended after ``seconds``; ``failed`` carries no error, that travels as an exception."""

    step: str
    outcome: Ending
    seconds: float


@dataclass(frozen=True, slots=True)
class OperationEnded:
    """An operation ended after ``seconds``, its mounts undone."""

    operation: str
    servicing: str
    outcome: Ending
    seconds: float


@dataclass(frozen=True, slots=True)
class Undone:
    """What an operation had changed of the running system was undone by itself.

    Attributes:
        servicing: the type of the servicing that had failed or was cut off.
        outcome: ``failed`` if undoing it did not succeed: the running system is half-way.
    """

    servicing: str
    outcome: Ending


@dataclass(frozen=True, slots=True)
class ServicingEnded:
    """A verb ended after ``seconds``.

    Attributes:
        servicing: the servicing type that it came to; ``None`` if it ended before that was known.
        summary: one sentence for people.
        needs_reboot: whether the host reboots now.
        error: the error document of one that was not done, as in Host Status.
    """

    verb: str
    servicing: str | None
    outcome: Ending
    seconds: float
    summary: str
    needs_reboot: bool = False
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A line for people that belongs to no step, such as a script's output or a warning."""

    level: Literal["debug", "info", "warning"]
    text: str


Event = (
    ServicingBegun
    | ServicingSelected
    | OperationBegun
    | StepBegun
    | BytesMoved
    | StepEnded
    | OperationEnded
    | Undone
    | ServicingEnded
    | Notice
)
Progress = Callable[[Event], None]


def silent(_event: Event) -> None:
    """A sink that drops every event."""
