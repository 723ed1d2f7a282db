"""Valid configurations with mistakes made in them: each is told at its place, and all of them at once."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import strategies
from tests.fuzz import targets
from tests.strategies.configuration import spelled
from tests.strategies.mistakes import mistaken
from trident.config.load import judge_host_configuration
from trident.config.model import HostConfiguration
from trident.config.problems import ConfigurationErrors

MANY = settings(
    max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None
)


@MANY
@given(mistaken(), st.sampled_from([False, None, True]))
def test_whatever_is_changed_in_a_valid_configuration_gets_a_verdict(
    document: dict[str, Any], flow: bool | None
) -> None:
    """Never an exception; every problem has a place within the text and words (see tests/fuzz/targets.py)."""
    targets.judge(spelled(document, flow=flow).encode(errors="replace"))


@MANY
@given(mistaken())
def test_plain_data_with_mistakes_is_a_model_or_an_error_of_its_kind(document: dict[str, Any]) -> None:
    try:
        HostConfiguration.from_document(document)
    except ConfigurationErrors as error:
        assert error.problems


INDEPENDENT = {
    "unknown-field": ("internalParms", {}),
    "wrong-type": ("scripts", []),
    "invalid-value": ("image", {"url": "not a url", "sha384": "ignored"}),
    "missing-field": ("managementOs", {"users": [{"uid": 1000}]}),
    "unknown-value": ("os", {"uefiFallback": "sometimes"}),
}
"""Mistakes of which each is made in a section of its own."""


@MANY
@given(strategies.documents(), st.sets(st.sampled_from([*INDEPENDENT]), min_size=2))
def test_independent_mistakes_are_all_told_at_once(document: dict[str, Any], mistakes: set[str]) -> None:
    for code in mistakes:
        section, value = INDEPENDENT[code]
        document[section] = value
    problems = judge_host_configuration(spelled(document), "host.yaml").problems
    assert mistakes <= {problem.code for problem in problems}


@MANY
@given(strategies.documents())
def test_a_mistake_in_storage_is_told_beside_one_in_the_os_section(document: dict[str, Any]) -> None:
    """Rules judge what could be read, although another section could not be."""
    document["storage"]["disks"].append(document["storage"]["disks"][0] | {"id": "another"})
    document["os"] = {"hostnme": "a"}
    codes = {problem.code for problem in judge_host_configuration(spelled(document), "host.yaml").problems}
    assert {"unknown-field", "unique-field-constraint-error"} <= codes
