"""What the package makes from the argument parser, and what it says of itself."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

import trident
from tests.pure.repository.completion import COMMANDS, FIXED_LISTS, completed
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
        *FIXED_LISTS,
        (["trident", "plan", "--outp"], ["--output"]),
        (["trident", "validate", "pyproj"], ["pyproject.toml"]),
        (["trident", "validate", "README.md", "pyproj"], ["pyproject.toml"]),
        (["trident", "explain", "storage.disks.partitions.s"], ["storage.disks.partitions.size"]),
        (["trident", "explain", "duplicate-d"], ["duplicate-device-id"]),
    ],
)
def test_bash_completes(words: list[str], offered: list[str]) -> None:
    assert completed(generated("completion.py", "bash"), words) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_commands_that_help_explains_are_offered(shell: str) -> None:
    assert " ".join(COMMANDS) in generated("completion.py", shell)


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


def test_the_unit_leaves_health_checks_their_time_and_the_hosts_mounts() -> None:
    """Scripts of health checks may do what root may do; merged extensions are for everybody to see."""
    unit = (ROOT / "packaging/debian/trident.service").read_text().splitlines()
    settings = [line for line in unit if line and line[0] not in "#["]
    assert "TimeoutStartSec=infinity" in settings
    assert "Restart=no" in settings
    sandbox = ("Private", "Protect", "Restrict", "NoNewPrivileges", "Lock", "SystemCall", "ReadOnly", "Capab")
    assert [line for line in settings if line.startswith(sandbox)] == []


def test_the_unit_comes_after_what_a_health_check_may_look_at_and_waits_for_no_network() -> None:
    unit = (ROOT / "packaging/debian/trident.service").read_text().splitlines()
    after = {name for line in unit if line.startswith("After=") for name in line[6:].split()}
    assert {"local-fs.target", "systemd-sysext.service", "systemd-confext.service"} <= after
    assert "network-online.target" in after
    assert not any("network" in line for line in unit if line.startswith(("Wants=", "Requires=")))
