"""`./dev test powercut`: cut the power at every boundary of every servicing, and say what became of it."""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import sys
import time

from lab.errors import LabError
from lab.paths import BUILD
from lab.powercut.moment import moments
from lab.powercut.report import Report
from lab.powercut.run import cut
from lab.powercut.story import STORIES
from lab.powercut.take import taken

OUTPUT = BUILD / "powercut"
_NOT_DONE = 3


def main() -> int:
    """Run; the exit code of the command."""
    options = _options()
    if os.geteuid() != 0:
        print(
            "Cutting the power needs root, as all of the lab does: sudo ./dev test powercut", file=sys.stderr
        )
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not options.go_on:
        shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    report = Report(OUTPUT / "report.json", options.seed)
    print(f"seed of the random moments: {report.seed}", flush=True)
    try:
        left = _run(options, report)
    except LabError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    cuts = len(report.cuts)
    if left:
        print(f"{left} cuts are left; './dev test powercut --continue' makes them.")
    print(f"power cuts: {cuts}, survived: {cuts - report.lost}, lost: {report.lost}")
    return 1 if report.lost else _NOT_DONE if left else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev test powercut", description=__doc__.partition(": ")[2])
    names = [story.name for story in STORIES]
    parser.add_argument("--story", action="append", choices=names, help="only this servicing")
    parser.add_argument("--only", metavar="REGEX", default="", help="only moments whose line matches")
    parser.add_argument(
        "--every-line", action="store_true", help="cut after both lines at a boundary, not after one by turns"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(10000), help="of the random moments")
    parser.add_argument("--jobs", type=int, default=2, help="machines that run at once (2)")
    parser.add_argument("--minutes", type=float, help="begin no cut after so long")
    parser.add_argument(
        "--continue",
        dest="go_on",
        action="store_true",
        help="keep what an earlier run found; make the rest",
    )
    return parser.parse_args()


def _run(options: argparse.Namespace, report: Report) -> int:
    """Go through the stories; how many cuts there was no time for."""
    deadline = time.monotonic() + options.minutes * 60 if options.minutes else float("inf")
    left = 0
    for story in STORIES:
        if options.story and story.name not in options.story:
            continue
        if time.monotonic() > deadline:
            print(f"{story.name}: not begun", flush=True)
            left += 1
            continue
        take = taken(story, OUTPUT / story.name)
        wanted = [
            each
            for each in moments(take, report.seed, every_line=options.every_line)
            if re.search(options.only, each.name)
        ]
        todo = [moment for moment in wanted if not report.has(story, moment)]
        print(f"{story.name}: {len(wanted)} moments, {len(todo)} to come", flush=True)
        cut(take, todo, report, jobs=options.jobs, more=lambda: time.monotonic() < deadline)
        left += sum(not report.has(story, moment) for moment in todo)
    return left


if __name__ == "__main__":
    sys.exit(main())
