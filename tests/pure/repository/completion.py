"""What bash offers, asked of a real bash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.pure.repository.project import ROOT

COMMANDS = [
    "install",
    "update",
    "commit",
    "rollback",
    "plan",
    "validate",
    "explain",
    "schema",
    "graph",
    "get",
    "history",
    "diagnose",
    "image",
    "help",
]

# What is typed, and what is offered for its last word: arguments that are chosen from a fixed list.
FIXED_LISTS = [
    (["trident", ""], COMMANDS),
    (["trident", "val"], ["validate"]),
    (["trident", "up"], ["update"]),
    (["trident", "help", ""], COMMANDS),
    (
        ["trident", "get", ""],
        ["configuration", "status", "last-error", "rollback-chain", "rollback-target"],
    ),
    (["trident", "get", "last"], ["last-error"]),
    (["trident", "get", "rollback-t"], ["rollback-target"]),
    (["trident", "image", ""], ["build", "inspect", "verify", "write"]),
    (["trident", "plan", "--output", ""], ["text", "json"]),
    (["trident", "graph", "--format", "s"], ["svg"]),
    (["trident", "-v", "D"], ["DEBUG"]),
]


def completed(script: str, words: list[str]) -> list[str]:
    """What bash offers for the last of these words once it has read the script."""
    quoted = " ".join(f"'{word}'" for word in words)
    press_tab = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _shtab_trident"
    # Completion of fields and rules asks the program itself.
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    run = subprocess.run(
        ["bash", "--norc"], input=f'{script}\n{press_tab}\nprintf "%s\\n" "${{COMPREPLY[@]}}"',
        check=True, capture_output=True, text=True, cwd=ROOT, env=env,
    )  # fmt: skip
    assert run.stderr == ""
    return run.stdout.split()
