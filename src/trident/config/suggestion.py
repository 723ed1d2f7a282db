"""Guessing what was meant by a field that an object does not have."""

from __future__ import annotations

import functools
import typing
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from trident.config.model.base import Model
from trident.config.nodes import Path, spelled

MERGE_ADVICE = "YAML 1.2 has no merge keys; write the merged values out."


def for_unknown_field(model: type[Model], key: str, path: Path, close: str | None) -> str:
    """What to do about a field that an object does not have; ``close`` is its own field nearest to it."""
    from trident.config.model import HostConfiguration
    from trident.config.shape import fields_of

    if model is HostConfiguration and key == "hostConfiguration":
        return "Remove this line and indent what follows one level less."
    if model is HostConfiguration and key == "allowedOperations":
        return "Remove it, and use the option --allowed-operations of install and update."
    if key == "<<":
        return MERGE_ADVICE
    known = fields_of(model)
    if close is not None:
        return f"Did you mean '{close}'?"
    place = _outermost_places().get(key)
    if place is not None and not (place and spelled(path).startswith(place)):
        return f"'{key}' is a field of '{place}'." if place else f"'{key}' belongs at the top of the file."
    return f"Its fields are: {', '.join(known)}."


@functools.cache
def _outermost_places() -> dict[str, str]:
    from trident.config.model import HostConfiguration

    found: dict[str, str] = {}
    for place, key in places(HostConfiguration):
        found.setdefault(key, place)
    return found


def places(model: type[Model], place: str = "") -> Iterator[tuple[str, str]]:
    """Every field below a model: where its object is (``storage.disks[]``), its key. Outermost first."""
    from trident.config.shape import fields_of

    specs = fields_of(model)
    for key in specs:
        yield place, key
    for key, spec in specs.items():
        inner, suffix = _object_in(spec.annotation)
        if inner is not None:
            yield from places(inner, f"{place}.{key}{suffix}".lstrip("."))


def _object_in(annotation: Any) -> tuple[type[Model] | None, str]:
    """The object that a field holds, and ``[]`` if it holds a list of them."""
    origin = get_origin(annotation)
    if origin is typing.Annotated:
        return _object_in(get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation, ""
    for part in get_args(annotation):
        inner, suffix = _object_in(part)
        if inner is not None:
            return inner, "[]" if origin is tuple else suffix
    return None, ""
