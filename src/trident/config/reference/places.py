"""Where each field of the Host Configuration is: ``storage.disks.partitions.size``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import msgspec

from trident.config.model import HostConfiguration, Model
from trident.config.reference.kinds import Field, Mapping, Sequence, fields, objects_in


class Place(msgspec.Struct, frozen=True):
    """A field at its place.

    Attributes:
        path: keys from the top, without the marks of lists.
        owner: the object that has the field.
        above: the fields on the way down to it, outermost first.
    """

    path: str
    owner: type[Model]
    field: Field
    above: tuple[Field, ...] = ()

    def example(self) -> object:
        """Plain data from the top of a file down to this field, with one of its examples.

        Of a field that has none the whole is ``None``.
        """
        if not self.field.examples:
            return None
        value: object = {self.field.key: self.field.examples[0]}
        for field in reversed(self.above):
            value = {field.key: [value] if isinstance(field.kind, Sequence) else value}
        return value


@cache
def places() -> dict[str, Place]:
    """Every field by its path, outer fields before inner ones of the same branch."""
    return {place.path: place for place in _below(HostConfiguration, "", ())}


def _below(model: type[Model], path: str, above: tuple[Field, ...]) -> Iterator[Place]:
    for key, field in fields(model).items():
        here = f"{path}.{key}" if path else key
        yield Place(here, model, field, above)
        for inner in objects_in(field.kind):
            yield from _below(inner, here, (*above, field))


@cache
def models() -> tuple[type[Model], ...]:
    """Every object, outermost first."""
    found: dict[type[Model], None] = {}
    waiting: list[type[Model]] = [HostConfiguration]
    while waiting:
        current = waiting.pop(0)
        if current not in found:
            found[current] = None
            for field in fields(current).values():
                waiting.extend(objects_in(field.kind))
    return tuple(found)


def is_open(field: Field) -> bool:
    """Whether the keys below a field are the user's own, so that no path leads further down."""
    return isinstance(field.kind, Mapping)
