"""``python -m bench [NAMES...] [--output json]``: run benchmarks and print what they found."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from bench.report import Report

# Each is a module of this package with ``run(arguments) -> Report`` and ``options(parser)``.
NAMES = ("stream", "startup", "validate")


def main() -> int:
    """Run what is asked for. Exit code 0 even where a budget is broken: measuring is no test."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure the design's budgets, as ratios.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--output", choices=["text", "json"], default="text", help="how to print the results")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved repetitions (default 7)")
    parser.add_argument(
        "--work", type=Path, default=Path("build/bench"), help="directory for images (default build/bench)"
    )
    modules = {name: importlib.import_module(f"bench.{name}") for name in NAMES}
    for name in NAMES:
        modules[name].options(parser.add_argument_group(name))
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark '{unknown[0]}'; there are: {', '.join(NAMES)}")
    arguments.work.mkdir(parents=True, exist_ok=True)
    reports: list[Report] = []
    for name in arguments.names or NAMES:
        report: Report = modules[name].run(arguments)
        reports.append(report)
        if arguments.output == "text":
            print(report.text(), flush=True)  # noqa: T201 - this is its output
    if arguments.output == "json":
        json.dump({"benchmarks": [report.document() for report in reports]}, sys.stdout, indent=2)
        sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
