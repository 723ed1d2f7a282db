"""What the package makes from the argument parser, and what it says of itself."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import trident
from tests.pure.repository.project import ROOT
from trident.cli.parser import build_parser


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser and those of all its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from parsers(command)


def generated(script: str, *arguments: str) -> str:
    """What one of packaging's generators prints."""
    command = [sys.executable, str(ROOT / "packaging" / script), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_shtab_of_debian_12_can_read_every_choice() -> None:
    """It asks for the first of them, which a mapping does not have."""
    for parser in parsers(build_parser()):
        for action in parser._actions:
            if not isinstance(action, argparse._SubParsersAction):
                assert action.choices is None or isinstance(action.choices, tuple | list), action.dest


def completed(words: list[str]) -> set[str]:
    """What bash offers for the last of these words."""
    quoted = " ".join(f"'{word}'" for word in words)
    press_tab = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _shtab_trident"
    script = f'{generated("completion.py", "bash")}\n{press_tab}\nprintf "%s\\n" "${{COMPREPLY[@]}}"'
    bash = ["bash", "--norc"]
    # Completion of fields and rules asks the program itself.
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    run = subprocess.run(bash, input=script, check=True, capture_output=True, text=True, cwd=ROOT, env=env)
    return set(run.stdout.split())


def test_the_changelog_opens_with_the_version_of_the_program() -> None:
    first = (ROOT / "packaging/debian/changelog").read_text().splitlines()[0]
    assert first.startswith(f"trident ({trident.__version__}) ")


def test_the_manual_names_every_command_and_option() -> None:
    page = generated("manual.py").replace(r"\-", "-")
    for parser in parsers(build_parser()):
        groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        assert groups or f".SS {parser.prog}\n" in page
        for action in parser._actions:
            for option in action.option_strings:
                assert option in page


def test_the_manual_has_no_argparse_placeholders_left() -> None:
    assert re.findall(r"%\(\w+\)s|==SUPPRESS==", generated("manual.py")) == []


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["trident", "up"], {"update"}),
        (["trident", "image", "v"], {"verify"}),
        (["trident", "get", "last"], {"last-error"}),
        (["trident", "plan", "--outp"], {"--output"}),
        (["trident", "validate", "pyproj"], {"pyproject.toml"}),
        (["trident", "graph", "--format", "s"], {"svg"}),
        (["trident", "validate", "README.md", "pyproj"], {"pyproject.toml"}),
        (["trident", "explain", "storage.disks.partitions.s"], {"storage.disks.partitions.size"}),
        (["trident", "explain", "duplicate-d"], {"duplicate-device-id"}),
    ],
)
def test_bash_completes(words: list[str], offered: set[str]) -> None:
    assert completed(words) == offered


def test_fish_is_told_every_command_and_option() -> None:
    script = generated("completion.py", "fish")
    for parser in parsers(build_parser()):
        for action in parser._actions:
            for option in action.option_strings:
                flag = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
                assert f"{flag} " in script
            if isinstance(action, argparse._SubParsersAction):
                assert all(f" -a {name} " in script for name in action.choices)


def test_the_unit_is_wanted_by_every_boot_and_waits_for_the_datastore() -> None:
    unit = (ROOT / "packaging/debian/trident.service").read_text()
    for line in ("ExecStart=/usr/bin/trident commit", "Type=oneshot", "WantedBy=multi-user.target"):
        assert line in unit.splitlines()
    from trident.state.agent import DEFAULT_DATASTORE_PATH

    assert f"RequiresMountsFor={DEFAULT_DATASTORE_PATH.parent}" in unit.splitlines()
    assert f"ConditionPathExists=|{DEFAULT_DATASTORE_PATH}" in unit.splitlines()
