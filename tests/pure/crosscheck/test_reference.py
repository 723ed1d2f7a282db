"""The reference page of the rules is never stale, and ``trident explain`` knows each of them."""

from __future__ import annotations

import json

import pytest

from tests.pure.repository.project import ROOT
from trident.cli.main import main
from trident.config.reference.topics import names
from trident.crosscheck import all_rules
from trident.crosscheck.reference import codes, page


def test_the_page_is_what_the_generator_writes() -> None:
    assert (ROOT / "docs/configuration-and-image.md").read_text() == page(), "run: ./dev docs"


def test_every_rule_can_be_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for rule in all_rules():
        assert main(["explain", rule.code, "--output", "json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert (document["kind"], document["sentence"]) == ("image-rule", rule.sentence)
        assert main(["explain", rule.code]) == 0
        assert rule.source in capsys.readouterr().out


def test_explain_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--list"]) == 0
    assert set(codes()) <= set(capsys.readouterr().out.splitlines())


def test_no_code_means_two_things() -> None:
    assert set(codes()).isdisjoint(names())
