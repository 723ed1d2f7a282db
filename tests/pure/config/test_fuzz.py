"""Whatever stands in the file: a verdict, never anything else."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.pure.config.sample import VALID
from trident.config.load import judge_host_configuration
from trident.config.model import HostConfiguration
from trident.config.nodes import node_of
from trident.config.problems import Severity
from trident.config.report import render_problems
from trident.config.scalars import meaning
from trident.config.suggestion import places

KEYS = sorted({key for _place, key in places(HostConfiguration)})
WORDS = [
    *KEYS, "grow", "new", "esp", "root", "gpt", "all", "ignored", "/", "/boot/efi", "..", "~", "null",
    "true", "0755", "1e3", "-", ": ", "[", "]", "{", "}", "&a", "*a", "!!int", "<<", "|", ">", "'", '"', "\t",
    "\n  ", "#", "---\n", "\ufeff", "\x00", "\ud800", "99999999999999999999", "64M", "os", "root-a",
]  # fmt: skip
LINES = st.sampled_from(VALID.splitlines(keepends=True))
FRAGMENTS = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=4)), max_size=6).map("".join)
NUMBERS = st.one_of(st.integers(-5, 2**70), st.floats(allow_nan=False))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.sampled_from(WORDS), st.text(max_size=8))
CONTAINERS: st.SearchStrategy[Any] = st.sampled_from([[], {}, [[]], [{}], {"a": []}])


def verdict_on(text: str | bytes) -> None:
    """What holds for every verdict: it is complete, located, printable, and says yes or no."""
    verdict = judge_host_configuration(text, "fuzz.yaml")
    errors = [problem for problem in verdict.problems if problem.severity is Severity.ERROR]
    assert (verdict.configuration is None) == bool(errors)
    for problem in verdict.problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.width >= 1
        assert problem.message.endswith(".")
        assert problem.message.isprintable()
        assert problem.suggestion is None or problem.suggestion.isprintable()
    render_problems(verdict.problems, colour=True).encode()
    json.dumps([problem.to_document() for problem in verdict.problems]).encode()
    if verdict.configuration is not None:
        document = verdict.configuration.to_document()
        assert HostConfiguration.from_document(document) == verdict.configuration


@given(st.text())
@example("a: &a\n  *a : *a\n")
@example('? "a\\0b"\n: 1\n')
def test_any_text(text: str) -> None:
    verdict_on(text)


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    verdict_on(data)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(FRAGMENTS, LINES), max_size=30).map("".join))
def test_any_mixture_of_what_looks_like_a_configuration(text: str) -> None:
    verdict_on(text)


@settings(max_examples=300)
@given(st.integers(0, len(VALID)), st.integers(0, 30), FRAGMENTS)
def test_the_valid_sample_with_any_piece_replaced(start: int, length: int, piece: str) -> None:
    verdict_on(VALID[:start] + piece + VALID[start + length :])


@settings(max_examples=300)
@given(st.data())
def test_the_valid_sample_with_any_value_replaced(data: st.DataObject) -> None:
    document = json.loads(json.dumps(judge_host_configuration(VALID, "x").configuration.to_document()))  # type: ignore[union-attr]
    for _ in range(data.draw(st.integers(1, 3))):
        _replace_somewhere(document, data)
    verdict_on(json.dumps(document, ensure_ascii=False))


def _replace_somewhere(node: Any, data: st.DataObject) -> None:
    """Walk into the document at random, and put something else, or something more, where the walk ends."""
    while True:
        keys: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        child = node[key]
        if isinstance(child, dict | list) and child and data.draw(st.booleans()):
            node = child
            continue
        action = data.draw(st.sampled_from(["replace", "remove", "add", "duplicate"]))
        value = copy.deepcopy(data.draw(st.one_of(SCALARS, CONTAINERS, st.just(child))))
        if action == "remove":
            del node[key]
        elif action == "add" and isinstance(node, dict):
            node[data.draw(st.sampled_from(KEYS))] = value
        elif action == "duplicate" and isinstance(node, list):
            node.append(copy.deepcopy(child))
        else:
            node[key] = value
        return


PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(KEYS), PLAIN))
def test_any_plain_data_is_a_configuration_or_an_error_of_its_kind(document: dict[str, Any]) -> None:
    from trident.config.problems import ConfigurationErrors

    try:
        HostConfiguration.from_document(document)
    except ConfigurationErrors as error:
        assert error.problems


@given(st.text())
def test_every_plain_scalar_means_something(text: str) -> None:
    assert meaning(text) is None or isinstance(meaning(text), str | int | float)


def test_data_that_is_not_plain_is_a_defect_of_the_caller() -> None:
    with pytest.raises(TypeError):
        node_of({"a": object()})
