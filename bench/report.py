"""What a benchmark hands back, as a table with budget lines and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Budget:
    """A promise: ``measured`` must not exceed ``limit``, both in ``unit``."""

    name: str
    measured: float
    limit: float
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return self.measured <= self.limit

    def line(self) -> str:
        """The one line that programs and people look for."""
        verdict = "holds" if self.holds else "broken"
        measured, limit = f"{self.measured:.3g}{self.unit}", f"{self.limit:g}{self.unit}"
        return f"budget {self.name} measured {measured} limit {limit} {verdict}"


@dataclass(frozen=True)
class Row:
    """One thing that was measured several times. ``samples`` are seconds unless ``unit`` says otherwise."""

    name: str
    samples: tuple[float, ...]
    unit: str = "s"
    note: str = ""

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.samples)


@dataclass
class Report:
    """Everything that one benchmark found."""

    name: str
    facts: Mapping[str, object] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    budgets: list[Budget] = field(default_factory=list)

    def text(self) -> str:
        """For people."""
        lines = [f"== {self.name} ==", *(f"{name}: {value}" for name, value in self.facts.items()), ""]
        table = [("what", "median", "lowest", "highest", ""), *(_cells(row) for row in self.rows)]
        lines += _aligned(table)
        lines += ["", *(budget.line() for budget in self.budgets)]
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "facts": dict(self.facts),
            "rows": [{**asdict(row), "median": row.median} for row in self.rows],
            "budgets": [{**asdict(budget), "holds": budget.holds} for budget in self.budgets],
        }


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of rounds, which a machine that is slow for a while disturbs least."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def _cells(row: Row) -> tuple[str, ...]:
    numbers = (row.median, min(row.samples), max(row.samples))
    return (row.name, *(f"{number:.3f} {row.unit}" for number in numbers), row.note)


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]
