"""The reference page is never stale."""

from __future__ import annotations

import re
from pathlib import Path

from trident.config.reference import reference_page

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/host-configuration.md"


def test_the_page_is_what_the_generator_writes() -> None:
    assert PAGE.read_text() == reference_page(), (
        "run: python -m trident.config.reference > docs/host-configuration.md"
    )


def test_links_lead_to_headings() -> None:
    text = PAGE.read_text()
    headings = {heading.lower() for heading in re.findall(r"^### (\w+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\(#(\w+)\)", text)) <= headings
