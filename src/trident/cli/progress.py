"""Drawing the progress stream: bars on a terminal, plain lines in a pipe, JSON Lines on a descriptor."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from trident.cli.lines import json_lines
from trident.cli.log import is_told_by_journal, without_secrets
from trident.cli.messages import LoggedEvents
from trident.cli.report import human_bytes
from trident.config.problems import escaped_lines
from trident.progress import (
    BytesMoved,
    Event,
    Notice,
    Progress,
    ServicingEnded,
    ServicingSelected,
    StepBegun,
    StepEnded,
)

if TYPE_CHECKING:
    from rich.progress import TaskID


@contextlib.contextmanager
def drawn(descriptor: int | None = None) -> Iterator[Progress]:
    """A sink that shows events on stderr, and on ``descriptor`` as JSON Lines if one is given.

    Raises:
        InvalidInput: ``progress-fd`` if the descriptor is not open for writing.
    """
    with contextlib.ExitStack() as stack:
        sinks: list[Progress] = [LoggedEvents()]
        if sys.stderr.isatty():
            sinks.append(stack.enter_context(_bars()))
        elif not is_told_by_journal():
            sinks.append(PlainLines())
        told = tuple(sinks)
        if descriptor is not None:
            sinks.append(
                stack.enter_context(json_lines(descriptor, lambda notice: [sink(notice) for sink in told]))
            )

        def send(event: Event) -> None:
            event = _shown(event)
            for sink in sinks:
                # A terminal or a reader that went away must not stop a servicing.
                with contextlib.suppress(OSError):
                    sink(event)

        yield send


def _shown(event: Event) -> Event:
    """The event without secrets that a script may have printed."""
    match event:
        case Notice():
            return replace(event, text=without_secrets(event.text))
        case ServicingSelected():
            return replace(event, changes=tuple(map(without_secrets, event.changes)))
        case ServicingEnded():
            error = without_secrets(event.error) if event.error is not None else None
            return replace(event, summary=without_secrets(event.summary), error=error)
        case _:
            return event


class PlainLines:
    """A line when a step begins and ends, and one for every tenth of a long transfer."""

    def __init__(self) -> None:
        self._tenth = 0

    def __call__(self, event: Event) -> None:
        """Print what the event calls for."""
        match event:
            case StepBegun():
                self._tenth = 0
                self._say(f"[{event.index}/{event.total}] {event.title}")
            case BytesMoved(total=total) if total:
                tenth = event.done * 10 // total
                if tenth > self._tenth:
                    self._tenth = tenth
                    self._say(f"    {tenth * 10} % ({human_bytes(event.done)} of {human_bytes(total)})")
            case StepEnded() if event.seconds >= 1 or event.outcome != "done":
                self._say(f"    {event.outcome} after {event.seconds:.1f} s")
            case Notice(level="warning"):
                self._say(f"    {event.text}")
            case ServicingSelected() if event.reason:
                self._say(event.reason)
            case _:
                pass

    @staticmethod
    def _say(line: str) -> None:
        sys.stderr.write(escaped_lines(line) + "\n")
        sys.stderr.flush()


@contextlib.contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Display

    console = Console(stderr=True, highlight=False)
    display = Display(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(binary_units=True),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    running: TaskID | None = None
    title = ""

    def draw(event: Event) -> None:
        nonlocal running, title
        match event:
            case StepBegun():
                title = escaped_lines(f"[{event.index}/{event.total}] {event.title}")
                running = display.add_task(title, total=None)
            case BytesMoved() if running is not None:
                display.update(running, completed=event.done, total=event.total)
            case StepEnded():
                if running is not None:
                    display.remove_task(running)
                    running = None
                mark = "✓" if event.outcome == "done" else "✗"
                console.print(f"{mark} {title}  {event.seconds:.1f} s", markup=False)
            case Notice(level="warning"):
                console.print(escaped_lines(f"  {event.text}"), markup=False)
            case ServicingSelected() if event.reason:
                console.print(escaped_lines(event.reason), markup=False)
            case _:
                pass

    with display:
        yield draw
