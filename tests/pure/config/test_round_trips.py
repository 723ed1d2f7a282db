"""Whole configurations, drawn at random: written and read again they are the same."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from tests import strategies
from tests.strategies.configuration import spelled
from trident.config.load import judge_host_configuration, load_host_configuration
from trident.config.model import HostConfiguration
from trident.config.problems import Severity
from trident.config.suggestion import places

FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@FEW
@given(strategies.configurations())
def test_a_model_becomes_a_document_and_the_same_model_again(configuration: HostConfiguration) -> None:
    document = configuration.to_document()
    assert HostConfiguration.from_document(document) == configuration
    assert HostConfiguration.from_document(document).to_document() == document


@FEW
@given(strategies.configurations(), st.sampled_from([False, None, True]))
def test_a_model_becomes_a_text_and_the_same_model_again(
    configuration: HostConfiguration, flow: bool | None
) -> None:
    text = spelled(configuration.to_document(), flow=flow)
    assert load_host_configuration(text, "host.yaml") == configuration


@FEW
@given(strategies.documents(), st.sampled_from([False, None, True]))
def test_text_and_plain_data_of_one_spelling_are_one_model(
    document: dict[str, Any], flow: bool | None
) -> None:
    text = spelled(document, flow=flow)
    assert load_host_configuration(text, "host.yaml") == HostConfiguration.from_document(document)


@FEW
@given(strategies.texts())
def test_every_drawn_configuration_is_accepted(text: str) -> None:
    problems = judge_host_configuration(text, "host.yaml").problems
    assert [problem for problem in problems if problem.severity is Severity.ERROR] == []


@FEW
@given(strategies.texts())
def test_judging_twice_says_the_same(text: str) -> None:
    assert judge_host_configuration(text, "host.yaml") == judge_host_configuration(text.encode(), "host.yaml")


@FEW
@given(strategies.changes())
def test_two_configurations_of_one_host_differ_in_no_storage(
    change: tuple[HostConfiguration, HostConfiguration],
) -> None:
    old, new = change
    assert old.storage == new.storage


@FEW
@given(st.data())
def test_a_status_survives_being_written(data: st.DataObject) -> None:
    from trident.state.status import HostStatus

    old, new = data.draw(strategies.changes())
    status = data.draw(strategies.statuses(old, new))
    assert HostStatus.from_document(yaml.safe_load(yaml.safe_dump(status.to_document()))) == status


@pytest.mark.timeout(180)
def test_the_strategies_use_every_field() -> None:
    """A field that no drawn configuration has is one that no property is shown for."""
    unused = {f"{place}.{key}" for place, key in places(HostConfiguration)}

    @settings(FEW, max_examples=150)
    @given(strategies.documents())
    def draw(document: dict[str, Any]) -> None:
        unused.difference_update(_used(document, ""))

    draw()
    for field in sorted(unused):  # the few that chance has left over; NoSuchExample if one is never drawn
        find(
            strategies.documents(),
            partial(_uses, field),
            settings=settings(FEW, max_examples=5000, phases=[Phase.generate]),
        )


def _uses(field: str, document: dict[str, Any]) -> bool:
    return field in _used(document, "")


def _used(value: Any, place: str) -> set[str]:
    if isinstance(value, list):
        return {use for item in value for use in _used(item, place)}
    if not isinstance(value, dict):
        return set()
    found = {f"{place}.{key}" for key in value}
    for key, inner in value.items():
        suffix = "[]" if isinstance(inner, list) else ""
        found |= _used(inner, f"{place}.{key}{suffix}".lstrip("."))
    return found
