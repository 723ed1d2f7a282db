"""A set aside: configurations of our own, each with the verdict that it must get.

``verdicts/whole.yaml`` uses every kind of device and section; ``verdicts/cases.yaml`` holds edits of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pure.config.sample import edited, problems_of
from trident.config.problems import Severity

FOLDER = Path(__file__).with_name("verdicts")
WHOLE = (FOLDER / "whole.yaml").read_text()
CASES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "cases.yaml").read_text())


def mistakes_of(text: str) -> list[str]:
    return [problem.code for problem in problems_of(text) if problem.severity is Severity.ERROR]


def test_the_whole_is_accepted_without_a_warning() -> None:
    assert problems_of(WHOLE) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case["edit"].values())[:60])
def test_the_verdict(case: dict[str, Any]) -> None:
    found = mistakes_of(edited(*case["edit"].items(), text=WHOLE))
    assert found == ([] if case["verdict"] == "accepted" else case["verdict"])


def test_no_verdict_is_given_twice() -> None:
    edits = [tuple(case["edit"].items()) for case in CASES]
    assert len(set(edits)) == len(edits)
