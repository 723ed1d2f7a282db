"""The reference pages are never stale, and complete."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import pytest

from tests.pure.repository.project import ROOT
from trident.config.reference.codes import READING_CODES
from trident.config.reference.objects import FRONT_PAGE
from trident.config.reference.pages import pages, write
from trident.config.reference.places import models
from trident.config.rules import all_rules, tables

FOLDER = ROOT / "docs/host-configuration"


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_page_is_what_the_generator_writes(name: str) -> None:
    assert (FOLDER / name).read_text() == pages()[name], "run: ./dev docs"


def test_no_other_page_is_there() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(pages()), "run: ./dev docs"


def test_writing_removes_what_is_no_longer_a_page(tmp_path: Path) -> None:
    (tmp_path / "old.md").write_text("")
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(pages())


def test_every_object_and_every_rule_has_a_heading() -> None:
    headings = set(re.findall(r"^## (.+)$", "\n".join(pages().values()), re.MULTILINE))
    assert {model.__name__ for model in models()} <= headings
    assert {rule.code for rule in all_rules()} <= headings


def test_every_table_of_the_storage_rules_is_on_their_page() -> None:
    source = (ROOT / "src/trident/config/reference/storage_tables.py").read_text()
    constants = {
        name for name in vars(tables) if name.isupper() and isinstance(getattr(tables, name), Collection)
    }
    not_tables = {"DEVICE_NOUNS", "REFERRER_NOUNS", "COREOS_USR_TYPE", "_ESP"}
    assert constants - not_tables == set(re.findall(r"tables\.([A-Z_]+)", source))


def test_the_front_page_leads_to_every_other() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", pages()[FRONT_PAGE]))
    assert linked == set(pages()) - {FRONT_PAGE}


def test_every_code_of_reading_is_told() -> None:
    """The source holds them as literals."""
    source = "\n".join((ROOT / "src/trident/config").joinpath(name).read_text() for name in (
        "document.py", "compose.py", "shape.py", "load.py", "netplan/notes.py", "netplan/program.py",
    ))  # fmt: skip
    used = set(re.findall(r'"(yaml-[a-z0-9-]+)"', source))
    used |= set(re.findall(r'(?:Complaint|Finding)\(\s*"([a-z0-9-]+)"', source))
    used |= set(re.findall(r'code(?:: str)? ?= ?"([a-z0-9-]+)"', source))
    assert used | {"load-host-configuration-file"} == set(READING_CODES)
