"""One stream of progress events: the CLI draws it, the daemon sends it, the journal keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


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
    outcome: Literal["done", "failed", "interrupted"]
    seconds: float


@dataclass(frozen=True, slots=True)
class Notice:
    """A line for people that belongs to no step, such as a script's output or a warning."""

    level: Literal["debug", "info", "warning"]
    text: str


Event = StepBegun | BytesMoved | StepEnded | Notice
Progress = Callable[[Event], None]


def silent(_event: Event) -> None:
    """A sink that drops every event."""
