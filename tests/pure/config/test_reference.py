"""The reference page and the samples: never stale, never wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trident.config.load import judge_host_configuration
from trident.config.reference import reference_page

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/host-configuration.md"
SAMPLES = sorted((ROOT / "docs/samples").glob("*.yaml"))


def test_the_page_is_what_the_generator_writes() -> None:
    assert PAGE.read_text() == reference_page(), (
        "run: python -m trident.config.reference > docs/host-configuration.md"
    )


def test_links_lead_to_headings() -> None:
    text = PAGE.read_text()
    headings = {heading.lower() for heading in re.findall(r"^### (\w+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\(#(\w+)\)", text)) <= headings


def test_there_are_samples() -> None:
    assert [path.name for path in SAMPLES] == ["ab-vm.yaml"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_each_sample_is_valid_without_a_warning(path: Path) -> None:
    assert judge_host_configuration(path.read_bytes(), path.name).problems == ()
