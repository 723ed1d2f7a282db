"""The Debian package, really built: twice the same, and what a machine gets from it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

import trident
from tests.pure.repository.completion import FIXED_LISTS, completed

pytestmark = [pytest.mark.machine, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[3]


def run(*command: str | Path, umask: int = -1) -> str:
    """What a command prints; the test fails with all that it said if it fails."""
    result = subprocess.run(command, check=False, capture_output=True, text=True, umask=umask)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def builder() -> ModuleType:
    """packaging/build.py as a module."""
    spec = importlib.util.spec_from_file_location("trident_package_build", ROOT / "packaging/build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build_copy(project: Path, umask: int, when: int) -> Path:
    """Build from a copy of the sources whose files were changed at ``when``."""
    for path in builder().sources():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, project / path)
        os.utime(project / path, (when, when))
    return Path(run("/usr/bin/python3", project / "packaging/build.py", umask=umask).strip())


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_copy(tmp_path_factory.mktemp("first"), umask=0o022, when=1_800_000_000)


@pytest.fixture(scope="module")
def tree(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the package, laid out."""
    root = tmp_path_factory.mktemp("tree")
    run("dpkg-deb", "--extract", package, root)
    return root


def test_the_same_sources_give_the_same_bytes_elsewhere_and_at_another_time(
    package: Path, tmp_path: Path
) -> None:
    again = build_copy(tmp_path / "elsewhere", umask=0o077, when=1_700_000_000)
    assert again.read_bytes() == package.read_bytes()


def test_nothing_is_built_when_nothing_changed(package: Path) -> None:
    before = package.stat().st_ino
    script = package.parents[2] / "packaging/build.py"
    assert run("/usr/bin/python3", script).strip() == str(package)
    assert package.stat().st_ino == before


def test_a_changed_source_is_built_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = builder()
    for path in module.sources():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    monkeypatch.setattr(module, "PROJECT", tmp_path)
    before = module.digest()
    with (tmp_path / "src/trident/errors.py").open("a") as file:
        file.write("# changed\n")
    assert module.digest() != before


def test_it_is_named_after_the_version_and_for_every_architecture(package: Path) -> None:
    assert package.name == f"trident_{trident.__version__}_all.deb"
    assert run("dpkg-deb", "--field", package, "Version").strip() == trident.__version__


def test_it_depends_on_the_python_that_the_machine_has(package: Path) -> None:
    """Built on Debian 12 it must install on 13: no dependency on one minor version."""
    depends = run("dpkg-deb", "--field", package, "Depends")
    assert "python3 (>= 3.11)" in depends
    assert "<<" not in depends


def test_every_module_of_the_agent_is_in_it(tree: Path) -> None:
    installed = tree / "usr/lib/python3/dist-packages"
    modules = {path.relative_to(ROOT / "src") for path in (ROOT / "src/trident").rglob("*.py")}
    assert {path.relative_to(installed) for path in (installed / "trident").rglob("*.py")} == modules


def test_the_samples_come_with_it_as_they_are(tree: Path) -> None:
    samples = tree / "usr/share/doc/trident/examples"
    for path in (ROOT / "docs/samples").iterdir():
        assert (samples / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(("words", "offered"), FIXED_LISTS)
def test_bash_completes_what_is_chosen_from_a_list(tree: Path, words: list[str], offered: list[str]) -> None:
    """The pure tests ask the shtab of the lock; the package is built with the distribution's."""
    script = (tree / "usr/share/bash-completion/completions/trident").read_text()
    assert completed(script, words) == offered


def test_the_command_ignores_the_environment_of_its_caller(tree: Path) -> None:
    first, *_ = (tree / "usr/bin/trident").read_text().splitlines()
    assert first.replace("#! ", "#!") == "#!/usr/bin/python3 -I"


def test_nothing_lies_where_debian_13_has_only_a_link(tree: Path) -> None:
    assert {path.name for path in tree.iterdir()} == {"etc", "usr", "var"}
    assert (tree / "usr/lib/systemd/system/trident.service").is_file()


def test_the_datastore_is_for_root_alone(tree: Path) -> None:
    assert (tree / "var/lib/trident").stat().st_mode & 0o777 == 0o700


def test_the_unit_is_enabled_but_not_started_by_the_installation(package: Path, tmp_path: Path) -> None:
    """A commit belongs to a boot; an upgrade of the package is none."""
    run("dpkg-deb", "--control", package, tmp_path)
    scripts = "".join((tmp_path / name).read_text() for name in ("postinst", "prerm"))
    assert "deb-systemd-helper enable 'trident.service'" in scripts
    assert "deb-systemd-invoke" not in scripts


@pytest.mark.parametrize("page", ["man1/trident.1.gz", "man5/trident.conf.5.gz"])
def test_a_manual_page_is_formatted_without_a_warning(tree: Path, page: str) -> None:
    command = ["man", "--warnings", "-E", "UTF-8", "-Tutf8", "-l", str(tree / "usr/share/man" / page)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "TRIDENT" in result.stdout
    assert result.stderr == ""
