"""Where each field of the Host Configuration is: ``storage.disks.partitions.size``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import msgspec

from trident.config.model import HostConfiguration, Model
from trident.config.reference.kinds import Either, Field, Mapping, Sequence, fields, objects_in


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
        value: object = {**self._company(), self.field.key: self.field.examples[0]}
        for field in reversed(self.above):
            value = {field.key: [value] if isinstance(field.kind, Sequence) else value}
        return value

    def _company(self) -> dict[str, object]:
        """The field that makes the object above the one that has this field, where there are two."""
        kind = self.above[-1].kind if self.above else None
        kind = kind.item if isinstance(kind, Sequence) else kind
        if not isinstance(kind, Either) or self.owner is not kind.with_key:
            return {}
        return {kind.key: fields(kind.with_key)[kind.key].examples[0]}


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
