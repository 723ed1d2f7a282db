"""'trident commit' runs at every boot, before the system is up; mostly there is nothing to commit."""

from __future__ import annotations

import subprocess
import sys

from tests.pure.repository.project import ROOT

LATER = (
    "trident.servicing.concerns",
    "trident.subsystems.osconfig",
    "trident.subsystems.extensions",
    "trident.servicing.image_match",
    "trident.crosscheck",
    "trident.image.cosi.reader",
    "yaml",
)
"""What a plan needs. On a slow host it takes seconds to load."""


def test_commit_loads_what_a_plan_needs_only_when_it_compiles_one() -> None:
    program = f"import sys, trident.cli.commands.commit; print(*{{*{LATER}}} & {{*sys.modules}})"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT / "src"
    )
    assert run.stdout.split() == []
