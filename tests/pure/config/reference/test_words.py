"""The texts of the model: nothing is left without a word of explanation."""

from __future__ import annotations

import enum

import pytest

from trident.config.model.meanings import MEANINGS
from trident.config.reference import kinds
from trident.config.reference.advice import ADVICE
from trident.config.reference.places import Place, models, places
from trident.config.rules import all_rules
from trident.config.rules.rule import Rule

PLACES = sorted(places().values(), key=lambda place: place.path)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.path)
def test_every_field_is_described_in_sentences(place: Place) -> None:
    assert place.field.description.endswith(".")
    assert place.field.description[0].isupper() or place.field.description[0] == "`"


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.path)
def test_every_field_that_is_no_object_shows_an_example(place: Place) -> None:
    is_explained_below = kinds.objects_in(place.field.kind) or kinds.choice_in(place.field.kind)
    if place.path != "internalParams" and not is_explained_below:
        assert place.field.examples


def test_every_object_says_what_it_is() -> None:
    for model in models():
        assert kinds.sentence(model).endswith("."), model


def test_every_word_has_a_meaning_and_no_other_has() -> None:
    used: set[type[enum.StrEnum]] = set()
    for place in PLACES:
        choice = kinds.choice_in(place.field.kind)
        if choice is not None:
            used.add(choice.values)
            assert kinds.sentence(choice.values)
            assert list(kinds.meanings(choice)) == [member.value for member in choice.values]
            assert all(meaning.endswith(".") for meaning in kinds.meanings(choice).values())
    assert used == set(MEANINGS)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_every_rule_names_the_fields_that_it_is_about(rule: Rule) -> None:
    assert rule.fields, "give it 'fields', by which 'trident explain' finds it"
    assert set(rule.fields) <= set(places())
    read = {".".join(str(step) for step in path) for path in rule.reads}
    assert any(field.startswith(section) for field in rule.fields for section in read)


def test_advice_is_for_rules_that_exist() -> None:
    assert set(ADVICE) <= {rule.code for rule in all_rules()}


def test_an_example_differs_from_the_default() -> None:
    """One that repeats the default shows nothing, unless nothing else can stand there."""
    same = {place.path for place in PLACES if [place.field.default] == list(place.field.examples)}
    assert {path.rpartition(".")[2] for path in same} <= {"password", "datastorePath"}
