"""Documentation: every link leads somewhere, every command that it shows exists."""

from __future__ import annotations

import re

import pytest

from tests.pure.repository.project import ROOT, texts

PAGES = {name: text for name, text in texts().items() if name.endswith(".md")}
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_link_leads_somewhere(name: str) -> None:
    for target in LINK.findall(CODE.sub("", PAGES[name])):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        page = (ROOT / name).parent / path if path else ROOT / name
        assert page.exists(), f"{name} links to {target}, which is not there"
        if anchor:
            assert anchor in anchors(page.read_text()), f"{name} links to {target}: no such heading"


def test_every_dev_command_that_is_shown_exists() -> None:
    from tests.pure.repository.test_dev import commands

    shown = {
        (name, command)
        for name, text in PAGES.items()
        for command in re.findall(r"(?:^|`)\s*(?:\$ |sudo )?\./dev ([a-z]+)", text, re.MULTILINE)
    }
    assert shown, "no page shows how to use ./dev"
    assert {(name, command) for name, command in shown if command not in commands()} == set()
