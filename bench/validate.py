"""``trident validate`` of large configurations, against a bare ``python3 -c pass``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench.large import configuration
from bench.report import Budget, Report, Row, median_ratio
from bench.startup import COMMAND, ROUNDS_FACTOR, interleaved

LIMIT = 20.0
LARGE = 1_000  # lines: the large configuration that the budget is for
HUGE = 10_000  # lines: measured for information


def options(group: argparse._ArgumentGroup) -> None:
    """Add the options of this benchmark."""
    group.add_argument(
        "--lines", type=int, default=LARGE, help=f"lines of the large configuration (default {LARGE})"
    )


def run(arguments: argparse.Namespace) -> Report:
    """Measure."""
    report = Report("validate", {"interpreter": sys.version.split()[0]})
    with tempfile.TemporaryDirectory() as directory:
        files = {name: Path(directory) / f"{name}.yaml" for name in ("large", "huge")}
        for path, lines in zip(files.values(), (arguments.lines, HUGE), strict=True):
            path.write_text(configuration(lines))
        commands = {
            "python3 -c pass": [sys.executable, "-c", "pass"],
            "large": [sys.executable, "-c", COMMAND, "validate", str(files["large"])],
            "huge": [sys.executable, "-c", COMMAND, "validate", str(files["huge"])],
        }
        times = interleaved(commands, arguments.rounds * ROUNDS_FACTOR)
        counts = {name: path.read_text().count("\n") for name, path in files.items()}
    bare = times["python3 -c pass"]
    for name, taken in times.items():
        title = f"trident validate, {counts[name]} lines" if name in counts else name
        note = f"{median_ratio(taken, bare):.1f}x" if name in counts else ""
        report.rows.append(Row(title, tuple(taken), note=note))
    report.budgets = [Budget("startup-validate", median_ratio(times["large"], bare), LIMIT, "x")]
    return report
