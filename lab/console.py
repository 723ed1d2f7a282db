"""The serial console: QEMU appends to a file, the lab reads it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from lab.errors import LabError, TimedOut

_ESCAPES = re.compile(r"\x1b(\[[0-9;?=!]*[A-Za-z]|\][^\x07]*\x07|[()][AB012]|[=>78c])|[\x00\r]")


class Console:
    """What a machine wrote to its serial port, over all its boots."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def text(self, since: int = 0) -> str:
        """The log from byte ``since`` on, without terminal control sequences."""
        try:
            with self.path.open("rb") as file:
                file.seek(since)
                return _ESCAPES.sub("", file.read().decode(errors="replace"))
        except FileNotFoundError:
            return ""

    def mark(self) -> int:
        """The length of the log now, for ``since``."""
        return self.path.stat().st_size if self.path.exists() else 0

    def tail(self, lines: int = 40) -> str:
        """The last lines, for error messages."""
        return "\n".join(self.text().splitlines()[-lines:])

    def wait_for(self, pattern: str, *, seconds: float, since: int = 0, alive: Callable[[], bool]) -> str:
        """The first match of a regular expression after byte ``since``.

        Raises:
            TimedOut: it did not appear within ``seconds``.
            LabError: the machine ended first.
        """
        wanted = re.compile(pattern, re.MULTILINE)
        deadline = time.monotonic() + seconds
        while True:
            living = alive()
            found = wanted.search(self.text(since))
            if found:
                return found[0]
            if not living:
                raise LabError(f"The machine ended before its console said /{pattern}/:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise TimedOut(
                    f"The console did not say /{pattern}/ within {seconds:.0f} s. Its end:\n{self.tail()}"
                )
            time.sleep(0.2)
