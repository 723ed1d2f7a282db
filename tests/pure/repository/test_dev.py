"""./dev: the command that a newcomer meets first."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pure.repository.project import ROOT, dev

NOBODY = 65534


def commands() -> set[str]:
    """The commands that ./dev knows, from the one place where it takes them apart."""
    script = (ROOT / "dev").read_text()
    cases = script[script.index("case $command in") :]
    return set(re.findall(r"^([a-z]+)(?: \|.*)?\)", cases, re.MULTILINE))


def test_help_teaches_every_command() -> None:
    told = set(re.findall(r"^  ([a-z]+)", dev("help").stdout, re.MULTILINE))
    assert told == commands() - {"help"}


def test_without_a_command_it_tells_what_there_is() -> None:
    assert dev().stdout == dev("help").stdout


def test_an_unknown_command_is_an_error_that_tells_what_there_is() -> None:
    result = dev("tset")
    assert result.returncode == 2
    assert "there is no command 'tset'" in result.stderr
    assert "./dev COMMAND" in result.stderr


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A copy of ./dev and its lists that anybody may reach and write to, which pytest's own place is not."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o777)
        shutil.copy(ROOT / "dev", path)
        shutil.copytree(ROOT / "requirements", path / "requirements")
        shutil.copy(ROOT / "pyproject.toml", path)
        yield path


def test_without_root_it_says_exactly_what_to_install(checkout: Path) -> None:
    (checkout / "requirements/debian.txt").write_text(
        "dpkg                base  is on every Debian\n"
        "no-such-package-a   base  is on none\n"
        "no-such-package-b   lab   is not needed for this\n"
    )
    result = dev("lint", cwd=checkout, user=NOBODY if os.geteuid() == 0 else None)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1].strip()
    assert last.endswith("apt-get install --no-install-recommends no-such-package-a")
    assert not (checkout / ".venv").exists()


def test_clean_removes_what_was_built_and_keeps_the_environment(checkout: Path) -> None:
    (checkout / "build/cache").mkdir(parents=True)
    (checkout / ".venv").mkdir()
    assert dev("clean", cwd=checkout).returncode == 0
    assert not (checkout / "build").exists()
    assert (checkout / ".venv").exists()


def test_clean_all_removes_the_environment_too(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / "src/__pycache__").mkdir(parents=True)
    assert dev("clean", "--all", cwd=checkout).returncode == 0
    assert not (checkout / ".venv").exists()
    assert not (checkout / "src/__pycache__").exists()
    assert (checkout / "dev").exists()


@pytest.mark.parametrize("script", ["dev", ".ci/run"])
def test_a_script_is_read_without_an_error(script: str) -> None:
    shell = (ROOT / script).read_text().splitlines()[0].removeprefix("#!")
    assert subprocess.run([shell, "-n", ROOT / script], check=False).returncode == 0
