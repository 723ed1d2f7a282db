"""What may stand in a field, taken from the model's annotations."""

from __future__ import annotations

import enum
import inspect
import types
import typing
from typing import Any, get_args, get_origin

import msgspec
from msgspec import UNSET, Meta

from trident.config.model import Model
from trident.config.model.meanings import MEANINGS
from trident.config.shape import fields_of
from trident.config.spelling import ByKey, OrUuid, Own, Shorthand, Spelling

OWN_MARK = "Trident's own: upstream does not have it."


class Text(msgspec.Struct, frozen=True):
    """Text."""


class Flag(msgspec.Struct, frozen=True):
    """True or false."""


class Anything(msgspec.Struct, frozen=True):
    """A value that this program hands on as it is."""


class Spelt(msgspec.Struct, frozen=True):
    """A value with a spelling of its own."""

    spelling: Spelling


class Choice(msgspec.Struct, frozen=True):
    """One of some words, or a UUID where ``or_uuid`` says so."""

    values: type[enum.StrEnum]
    or_uuid: bool = False


class Object(msgspec.Struct, frozen=True):
    """An object; ``shorthand`` is the key of the field whose value alone may stand for it."""

    model: type[Model]
    shorthand: str | None = None


class Either(msgspec.Struct, frozen=True):
    """One of two objects: ``with_key`` if the mapping has ``key``, else ``without``."""

    key: str
    with_key: type[Model]
    without: type[Model]


class Sequence(msgspec.Struct, frozen=True):
    """A list."""

    item: Kind


class Mapping(msgspec.Struct, frozen=True):
    """A mapping with keys of the user's own."""

    value: Kind


Kind = Text | Flag | Anything | Spelt | Choice | Object | Either | Sequence | Mapping


class Field(msgspec.Struct, frozen=True):
    """One field of an object, as people need to know it.

    Attributes:
        key: as YAML spells it.
        takes_null: whether a plain ``null`` there means "not given".
        default: plain data in YAML's spelling, or ``UNSET`` where the field is required or has none.
        examples: plain data that may stand there.
    """

    key: str
    kind: Kind
    description: str
    is_required: bool
    takes_null: bool
    default: Any
    examples: tuple[Any, ...]


def fields(model: type[Model]) -> dict[str, Field]:
    """The fields of an object by their key, in the model's order."""
    return {
        key: Field(
            key,
            kind_of(spec.annotation),
            _description(spec.annotation),
            spec.is_required,
            _takes_null(spec.annotation),
            UNSET if spec.is_required or spec.default is None else _plain(spec.default, spec.write),
            tuple(_meta(spec.annotation, "examples") or ()),
        )
        for key, spec in fields_of(model).items()
    }


def kind_of(annotation: Any) -> Kind:
    """What an annotation of the model admits.

    Raises:
        TypeError: the model uses a type that this module does not know (a defect of the model).
    """
    marked = _marked(annotation)
    if marked is not None:
        return marked
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is typing.Annotated:
        return kind_of(inner[0])
    if origin is tuple:
        return Sequence(kind_of(inner[0]))
    if origin is dict:
        return Mapping(Anything() if inner[1] is Any else kind_of(inner[1]))
    if origin in (typing.Union, types.UnionType):
        return kind_of(next(part for part in inner if part is not type(None)))
    return _bare(annotation)


def _marked(annotation: Any) -> Kind | None:
    for mark in _marks(annotation):
        if isinstance(mark, Spelling):
            return Spelt(mark)
        if isinstance(mark, Shorthand):
            key = next(k for k, spec in fields_of(mark.model).items() if spec.name == mark.field)
            return Object(mark.model, key)
        if isinstance(mark, OrUuid):
            return Choice(mark.kind, or_uuid=True)
        if isinstance(mark, ByKey):
            return Either(mark.key, mark.with_key, mark.without)
    return None


def _bare(annotation: Any) -> Kind:
    if isinstance(annotation, type):
        if issubclass(annotation, Model):
            return Object(annotation)
        if issubclass(annotation, enum.StrEnum):
            return Choice(annotation)
        if annotation is bool:
            return Flag()
        if annotation is str:
            return Text()
    raise TypeError(f"no kind for {annotation!r}")


def _marks(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation)[1:] if get_origin(annotation) is typing.Annotated else ()


def _description(annotation: Any) -> str:
    text = _meta(annotation, "description") or ""
    return f"{text} {OWN_MARK}" if any(isinstance(mark, Own) for mark in _marks(annotation)) else text


def _meta(annotation: Any, name: str) -> Any:
    return next((getattr(mark, name) for mark in _marks(annotation) if isinstance(mark, Meta)), None)


def _takes_null(annotation: Any) -> bool:
    if any(isinstance(mark, Spelling) and not mark.takes_null for mark in _marks(annotation)):
        return False
    inner = get_args(annotation)[0] if get_origin(annotation) is typing.Annotated else annotation
    return get_origin(inner) in (typing.Union, types.UnionType) and type(None) in get_args(inner)


def _plain(value: Any, write: Any) -> Any:
    if write is not None:
        return write(value)
    if isinstance(value, Model):
        return value.to_document()
    if isinstance(value, tuple):
        return [_plain(item, None) for item in value]
    return value.value if isinstance(value, enum.Enum) else value


def objects_in(kind: Kind) -> tuple[type[Model], ...]:
    """The objects that stand in a field: none, one, or the two of an ``Either``."""
    match kind:
        case Object(model):
            return (model,)
        case Either(_, with_key, without):
            return (without, with_key)
        case Sequence(inner) | Mapping(inner):
            return objects_in(inner)
    return ()


def choice_in(kind: Kind) -> Choice | None:
    """The words among which a field chooses, also as items of a list."""
    match kind:
        case Choice():
            return kind
        case Sequence(inner) | Mapping(inner):
            return choice_in(inner)
    return None


def meanings(choice: Choice) -> dict[str, str]:
    """What each word of a choice means."""
    return {member.value: MEANINGS[choice.values][member] for member in choice.values}


def words(kind: Kind) -> str:  # noqa: PLR0911 (one line a kind)
    """What may stand there, for people: ``list of Partition``."""
    match kind:
        case Text():
            return "text"
        case Flag():
            return "true or false"
        case Anything():
            return "any value"
        case Spelt(spelling):
            return spelling.noun.removeprefix("a ").removeprefix("an ")
        case Choice(values, or_uuid):
            return values.__name__ + (" or a UUID" if or_uuid else "")
        case Object(model, shorthand):
            return f"{shorthand} or {model.__name__}" if shorthand else model.__name__
        case Either(_, with_key, without):
            return f"{without.__name__} or {with_key.__name__}"
        case Sequence(inner):
            return f"list of {words(inner)}"
        case Mapping(Anything()):
            return "mapping"
        case Mapping(inner):
            return f"mapping of names to {words(inner)}"


def sentence(thing: type[Any]) -> str:
    """What an object or an enumeration is: its docstring in one line each paragraph."""
    return inspect.getdoc(thing) or ""
