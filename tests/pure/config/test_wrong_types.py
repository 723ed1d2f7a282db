"""Every field of every object, given every kind of value that it does not take: told where it stands."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest

from tests.fuzz import targets
from trident.config.load import judge_host_configuration
from trident.config.model import HostConfiguration, Model
from trident.config.problems import Severity
from trident.config.shape import fields_of
from trident.config.spelling import ByKey, Shorthand

Step = str | int

VALUES = {
    "a list": "[a, [b]]",
    "a mapping": "{zz: [1]}",
    "a text": "'some text'",
    "a word": "word",
    "a huge number": "123456789012345678901234567890",
    "a fraction": "1.5",
    "infinity": "-.inf",
    "a truth": "true",
    "a quoted truth": "'true'",
    "null": "null",
    "an empty text": "''",
    "a line break": '"a\\nb"',
    "a NUL": '"\\0"',
    "a path that climbs": "/../../etc/../..",
    "a list of lists": "[[[[]]]]",
}


def takes(annotation: Any) -> set[str]:
    """Which of a scalar, a list and a mapping a field can hold; ``{'open'}`` if it holds anything."""
    if get_origin(annotation) is typing.Annotated:
        inner, *marks = get_args(annotation)
        if any(isinstance(mark, Shorthand) for mark in marks):
            return {"scalar", "mapping"}
        if any(isinstance(mark, ByKey) for mark in marks):
            return {"mapping"}
        return takes(inner)
    if get_origin(annotation) in (typing.Union, types.UnionType):
        return {kind for part in get_args(annotation) if part is not type(None) for kind in takes(part)}
    if get_origin(annotation) is tuple:
        return {"list"}
    if get_origin(annotation) is dict:
        return {"open"} if get_args(annotation)[1] is Any else {"mapping"}
    return {"mapping"} if isinstance(annotation, type) and issubclass(annotation, Model) else {"scalar"}


def models_in(annotation: Any, steps: tuple[Step, ...]) -> Iterator[tuple[type[Model], tuple[Step, ...]]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation, steps
    for mark in get_args(annotation)[1:]:
        if isinstance(mark, ByKey):  # without its key, it is always the one
            yield mark.without, steps
            return
    for part in get_args(annotation):
        yield from models_in(part, (*steps, 0) if get_origin(annotation) is tuple else steps)


def fields(model: type[Model], steps: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], Any]]:
    """The way to every field of every object, and its type."""
    for key, spec in fields_of(model).items():
        here = (*steps, key)
        yield here, spec.annotation
        for inner, place in models_in(spec.annotation, here):
            yield from fields(inner, place)


def text_with(steps: tuple[Step, ...], value: str) -> tuple[str, int]:
    """A document of one line that holds the value there, and the column of the value."""
    before = "".join("[" if isinstance(step, int) else f"{{{step}: " for step in steps)
    after = "".join("]" if isinstance(step, int) else "}" for step in reversed(steps))
    return before + value + after, len(before)


FIELDS = dict(fields(HostConfiguration))


@pytest.mark.parametrize("steps", FIELDS, ids=lambda steps: ".".join(map(str, steps)))
def test_a_field_given_what_it_does_not_take_says_so_at_that_place(steps: tuple[Step, ...]) -> None:
    kinds = takes(FIELDS[steps])
    for name, value in VALUES.items():
        text, column = text_with(steps, value)
        targets.judge(text.encode())  # whatever it is: a verdict with places and words
        kind = "list" if value.startswith("[") else "mapping" if value.startswith("{") else "scalar"
        if "open" in kinds or (kind in kinds and name != "a mapping") or name == "null":
            continue  # it may be right, or stand for nothing
        problems = judge_host_configuration(text, "host.yaml").problems
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        there = [error for error in errors if column < error.column <= column + len(value)]
        assert there, f"{name} is taken"


def test_every_object_is_walked_through() -> None:
    assert len(FIELDS) > 140
