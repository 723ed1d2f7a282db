"""What happened when: the steps of a story with their time, bytes and what the machine was afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass
class Entry:
    """One step.

    Attributes:
        step: its title.
        seconds: how long it took.
        bytes: content fetched from the web server meanwhile.
        running: the slot that ran at its end, and the version in it; empty while the machine was off.
        boot_order: labels of Trident's own entries in the firmware's BootOrder at its end.
    """

    step: str
    seconds: float = 0.0
    bytes: int = 0
    running: str = ""
    boot_order: tuple[str, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "step": self.step,
            "seconds": round(self.seconds, 1),
            "bytes": self.bytes,
            "running": self.running or None,
            "bootOrder": list(self.boot_order),
        }


@dataclass
class Timeline:
    """All steps so far."""

    entries: list[Entry] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """All steps together."""
        return sum(entry.seconds for entry in self.entries)

    def write(self, path: Path, **facts: Any) -> None:
        """Write it as JSON, with ``facts`` beside the steps."""
        document = {
            **facts,
            "seconds": round(self.seconds, 1),
            "steps": [entry.to_document() for entry in self.entries],
        }
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")

    def show(self, console: Console) -> None:
        """Print it as a table."""
        table = Table(title="Timeline", title_justify="left")
        table.add_column("step")
        table.add_column("seconds", justify="right")
        table.add_column("bytes", justify="right")
        table.add_column("running")
        table.add_column("BootOrder")
        for entry in self.entries:
            table.add_row(
                entry.step,
                f"{entry.seconds:.1f}",
                f"{entry.bytes:,}".replace(",", " ") if entry.bytes else "",
                entry.running,
                ", ".join(entry.boot_order),
            )
        table.add_section()
        table.add_row("all", f"{self.seconds:.1f}")
        console.print(table)
