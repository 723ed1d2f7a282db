"""requirements/debian.txt: the one list of Debian packages that ./dev installs from."""

from __future__ import annotations

import re

from tests.pure.repository.project import ROOT

LINES = [
    line
    for line in (ROOT / "requirements/debian.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


def test_every_line_names_a_package_a_group_and_a_reason() -> None:
    for line in LINES:
        name, group, why = line.split(maxsplit=2)
        assert re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name), line
        assert group in {"base", "package", "lab", "off"}, line
        assert len(why.split()) > 2, f"{name}: say why"


def test_no_package_is_listed_twice() -> None:
    packages = [line.split()[0] for line in LINES if line.split()[1] != "off"]
    assert sorted(packages) == sorted(set(packages))


def test_what_the_debian_package_is_built_with_is_listed() -> None:
    control = (ROOT / "packaging/debian/control").read_text()
    build_depends = re.search(r"^Build-Depends:\n((?: .+\n)+)", control, re.MULTILINE)
    assert build_depends is not None
    # Two names that packages provide rather than have.
    provided = {"debhelper-compat": "debhelper", "dh-sequence-python3": "dh-python"}
    needed = {line.split()[0].rstrip(",") for line in build_depends[1].splitlines()}
    listed = {line.split()[0] for line in LINES if line.split()[1] in {"base", "package"}}
    assert {provided.get(name, name) for name in needed} <= listed
