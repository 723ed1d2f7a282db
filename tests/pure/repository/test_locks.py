"""Locks: what is installed is what was locked, wherever it comes from."""

from __future__ import annotations

import json
import re

import pytest

from tests.pure.repository.project import ROOT, pyproject, texts

LOCK = (ROOT / "requirements/dev.txt").read_text()
EDITOR = ROOT / "requirements/editor"
ASKED_FOR = (ROOT / "requirements/dev.in").read_text()
REQUIREMENT = re.compile(r"^([A-Za-z0-9][\w.-]*)", re.MULTILINE)


def canonical(name: str) -> str:
    """The one spelling of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def entries(lock: str = LOCK) -> dict[str, str]:
    """Each locked package with its whole entry."""
    blocks = re.split(r"\n(?=[A-Za-z0-9])", lock[lock.index("\n") :])
    return {canonical(match[1]): block for block in blocks if (match := REQUIREMENT.match(block.strip()))}


ALL_ENTRIES = {**entries(), **entries((EDITOR / "requirements.txt").read_text())}


@pytest.mark.parametrize("package", sorted(ALL_ENTRIES))
def test_a_locked_package_has_one_version_and_hashes(package: str) -> None:
    entry = ALL_ENTRIES[package].strip()
    assert re.match(r"[\w.-]+==[\w.]+( ;.*)? \\$", entry.splitlines()[0])
    assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry)


def test_the_lock_holds_all_that_is_asked_for() -> None:
    asked = {canonical(name) for name in REQUIREMENT.findall(ASKED_FOR)}
    assert asked <= entries().keys()


def test_each_locked_npm_package_has_a_hash_and_no_address() -> None:
    packages = json.loads((EDITOR / "package-lock.json").read_text())["packages"]
    locked = {name: entry for name, entry in packages.items() if name}
    assert "node_modules/yaml-language-server" in locked
    for name, entry in locked.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name


def test_the_lock_holds_every_run_time_dependency_at_a_version_that_the_project_accepts() -> None:
    for dependency in pyproject()["project"]["dependencies"]:
        name, minimum = dependency.split(">=")
        locked = re.search(r"==([\d.]+)", entries()[canonical(name)])
        assert locked is not None
        assert _numbers(locked[1]) >= _numbers(minimum)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def test_neither_locks_nor_scripts_name_an_address_to_download_from() -> None:
    """Where packages come from is the machine's business: its apt and pip are set up already."""
    fetching = {
        name: text
        for name, text in texts().items()
        if name == "dev" or name.startswith((".ci/", "requirements/", "lab/", "packaging/", "bench/"))
    }
    assert "requirements/dev.txt" in fetching
    index = re.compile(r"--(extra-)?index-url|--find-links|--trusted-host|@ (https?|git)")
    registry = re.compile(r"https?://[\w.-]*(debian|pypi|pythonhosted|ubuntu)[\w.-]*/(?!doc/)", re.IGNORECASE)
    assert [name for name, text in fetching.items() if registry.search(text)] == []
    assert [name for name, text in fetching.items() if name != "dev" and index.search(text)] == []
