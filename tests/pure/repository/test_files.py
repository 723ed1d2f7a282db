"""What every file of the project is held to."""

from __future__ import annotations

import os
import re

import pytest

from tests.pure.repository.project import ROOT, files, texts

GENERATED = {"requirements/dev.txt", "docs/host-configuration/rules.md"}
LONGEST = 600  # lines; people complain of the files of thousands
# Directories below \EFI that are nobody's brand: the specification's, systemd's and our own.
NEUTRAL = {"BOOT", "LINUX", "SYSTEMD", "TRIDENT"}


@pytest.mark.parametrize("name", [name for name in texts() if name not in GENERATED])
def test_a_file_is_short_and_clean(name: str) -> None:
    text = texts()[name]
    lines = text.splitlines()
    # Golden copies are written by the tests, and as long as what they are copies of.
    assert len(lines) < LONGEST or "/golden/" in name, (
        f"{name} has {len(lines)} lines: split it by what it does"
    )
    assert not text or text.endswith("\n"), f"{name} does not end with a line feed"
    assert "\r" not in text, f"{name} has carriage returns"
    trailing = [number for number, line in enumerate(lines, 1) if line != line.rstrip()]
    assert not trailing, f"{name}: white space at the end of lines {trailing}"


def test_what_starts_with_an_interpreter_can_be_started_and_nothing_else() -> None:
    wrong = []
    for path in files():
        # An empty module is neither.
        starts = path.read_bytes().startswith(b"#!")
        # What the guest or dpkg runs gets its mode there.
        if "debian" not in path.parts and starts != os.access(path, os.X_OK):
            wrong.append(path.relative_to(ROOT).as_posix())
    assert wrong == []


def test_no_path_on_the_esp_names_a_vendor() -> None:
    found = {
        (name, directory)
        for name, text in texts().items()
        if name.startswith(("src/", "lab/", "packaging/"))
        for directory in re.findall(r"\bEFI[\\/]+(\w+)[\\/]", text)
        if directory.upper() not in NEUTRAL
    }
    assert found == set()
