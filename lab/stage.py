"""Showing a story while it happens: a list of steps on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from lab.timeline import Entry, Timeline

_MEBIBYTE = 1024 * 1024


class _Moved(ProgressColumn):
    """Mebibytes fetched since the step began, asked for each time the line is drawn."""

    def render(self, task: Task) -> Text:
        moved: int = task.fields["moved"]() if not task.finished else task.fields["final"]
        return Text(f"{moved / _MEBIBYTE:7.1f} MiB" if moved else "", style="cyan")


class Stage:
    """Where a story is shown. A context manager.

    Args:
        bytes_served: how many bytes of content have been fetched so far, all in all.
    """

    def __init__(self, bytes_served: Callable[[], int]) -> None:
        self.timeline = Timeline()
        self.console = Console(highlight=False, soft_wrap=True)
        if not self.console.is_terminal:
            self.console = Console(highlight=False, soft_wrap=True, width=120)
        self._bytes_served = bytes_served
        self._progress: Progress | None = None
        if self.console.is_terminal:
            self._progress = Progress(
                SpinnerColumn(finished_text="[green]✓"),
                TextColumn("{task.description}"),
                _Moved(),
                TimeElapsedColumn(),
                console=self.console,
                refresh_per_second=5,
            )

    def __enter__(self) -> Stage:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Entry]:
        """One step of the story; the body fills in what it learns."""
        entry = Entry(title)
        begun, before = time.monotonic(), self._bytes_served()
        task = None
        if self._progress is not None:
            task = self._progress.add_task(
                escape(title), total=1, moved=lambda: self._bytes_served() - before, final=0
            )
        else:
            self.console.print(f"… {escape(title)}")
        mark = ""
        try:
            yield entry
        except BaseException:
            mark = " [red]– failed[/red]"
            raise
        finally:
            entry.seconds = time.monotonic() - begun
            entry.bytes = self._bytes_served() - before
            self.timeline.entries.append(entry)
            if self._progress is not None and task is not None:
                self._progress.update(task, completed=1, final=entry.bytes, description=escape(title) + mark)
            else:
                moved = f", {entry.bytes / _MEBIBYTE:.1f} MiB fetched" if entry.bytes else ""
                self.console.print(f"  {entry.seconds:.1f} s{moved}{mark}")

    def quote(self, command: str, said: str) -> None:
        """Show what a command in the machine said."""
        lines = [f"[bold]# {escape(command)}[/bold]", *(escape(line) for line in said.strip().splitlines())]
        self.console.print("\n".join(f"    {line}" for line in lines))
