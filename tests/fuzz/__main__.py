"""``./dev fuzz [TARGET] [SECONDS]``: look for inputs that a target does not bear, guided by coverage."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.fuzz import targets

WORK = Path("build/fuzz")


def main() -> int:
    """Fuzz until the time is over. Exit code 1 if anything was found, with the inputs in build/fuzz."""
    parser = argparse.ArgumentParser(prog="./dev fuzz", description="Fuzz one target, guided by coverage.")
    parser.add_argument("target", nargs="?", choices=[*targets.TARGETS], default="judge")
    parser.add_argument("seconds", nargs="?", type=int, default=60)
    arguments = parser.parse_args()
    findings = WORK / "findings" / arguments.target
    findings.mkdir(parents=True, exist_ok=True)
    for old in findings.iterdir():
        old.unlink()
    # libFuzzer ends its process without returning, so what comes after needs another one.
    command = [sys.executable, "-m", "tests.fuzz.fuzzer", arguments.target, str(arguments.seconds), str(WORK)]
    code = subprocess.run(command, check=False).returncode
    found = sorted(findings.iterdir())
    for path in found:
        print(f"found: {path}")  # noqa: T201 - this is its output
    return 1 if found or code else 0


if __name__ == "__main__":
    sys.exit(main())
