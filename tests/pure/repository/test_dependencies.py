"""What the agent imports and runs is what its package depends on."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.pure.repository.project import ROOT, pyproject
from trident.host.tools import PACKAGES

# Import name -> the name on PyPI and that of the Debian package, where they differ.
PYPI_NAMES = {"yaml": "PyYAML"}
DEBIAN_NAMES = {"PyYAML": "python3-yaml"}
ESSENTIAL = {"coreutils", "dpkg", "util-linux"}  # part of every Debian system; policy says not to name them


def imported() -> set[str]:
    """The top-level names of every module that src/ imports, however late."""
    names: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return names


def field(name: str) -> dict[str, str]:
    """Packages and their version conditions in one field of the package's debian/control."""
    control = (ROOT / "packaging/debian/control").read_text().split("\n\n", 1)[1]
    match = re.search(rf"^{name}:\n((?: .+\n)+)", control, re.MULTILINE)
    assert match is not None
    entries = (line.strip().rstrip(",") for line in match[1].splitlines())
    return {entry.split()[0]: entry.partition("(")[2].rstrip(")") for entry in entries}


def test_the_agent_imports_what_it_declares_and_declares_what_it_imports() -> None:
    third_party = imported() - set(sys.stdlib_module_names) - {"trident"}
    declared = {dependency.split(">=")[0] for dependency in pyproject()["project"]["dependencies"]}
    assert {PYPI_NAMES.get(name, name) for name in third_party} == declared


def test_the_debian_package_depends_on_the_same_libraries_from_the_same_versions() -> None:
    declared = dict(dependency.split(">=") for dependency in pyproject()["project"]["dependencies"])
    wanted = {DEBIAN_NAMES.get(n, f"python3-{n}"): f">= {version}" for n, version in declared.items()}
    ours = {name: condition for name, condition in field("Depends").items() if name.startswith("python3-")}
    assert ours == wanted


def test_the_debian_package_brings_every_tool_that_the_agent_starts() -> None:
    brought = field("Depends").keys() | field("Recommends").keys() | field("Suggests").keys() | ESSENTIAL
    assert set(PACKAGES.values()) - brought == set()


def test_imports_go_down_only() -> None:
    """The import contract of pyproject.toml, which `./dev lint` shows in full."""
    # A process of its own: the linter silences every logger that exists where it runs.
    program = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    linted = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout
