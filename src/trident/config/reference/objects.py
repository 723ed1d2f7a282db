"""Objects and their fields, a page for each section of the Host Configuration."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from msgspec import UNSET

from trident.config.model import HostConfiguration, Model
from trident.config.reference import kinds
from trident.config.reference.concerns import rules_of
from trident.config.reference.kinds import Field, Kind
from trident.config.reference.markdown import code, link, table
from trident.config.reference.places import places
from trident.config.reference.yaml_text import inline

FRONT_PAGE = "README.md"
_LONGEST_EXAMPLE = 40


def section_page(section: str) -> str:
    """The file name of a section's page: ``management-os.md``."""
    return re.sub(r"([A-Z])", lambda match: "-" + match[1].lower(), section) + ".md"


def sections() -> dict[str, Field]:
    """The sections that have a page of their own."""
    top = kinds.fields(HostConfiguration)
    return {key: field for key, field in top.items() if kinds.objects_in(field.kind)}


@cache
def home() -> dict[type[Any], str]:
    """The page on which each object and enumeration is told: that of the first section that has it."""
    found: dict[type[Any], str] = {HostConfiguration: FRONT_PAGE}
    for path, place in places().items():
        page = section_page(path.split(".")[0])
        choice = kinds.choice_in(place.field.kind)
        inner = kinds.objects_in(place.field.kind)
        for thing in (*inner, *((choice.values,) if choice else ())):
            found.setdefault(thing, page)
    return found


def section(key: str) -> str:
    """The page of one section."""
    page = section_page(key)
    told = [thing for thing, where in home().items() if where == page]
    objects = [thing for thing in told if issubclass(thing, Model)]
    enumerations = [thing for thing in told if issubclass(thing, enum.StrEnum)]
    parts = [f"# {key}\n\n{sections()[key].description}\n"]
    parts += [describe(model, page) for model in objects]
    parts += [_enumeration(kind) for kind in enumerations]
    return "\n".join(parts)


def describe(model: type[Model], page: str) -> str:
    """An object with its fields, as it stands on ``page``."""
    rows = [
        (code(key), _type(field.kind, page), _default(field), field.description, _example(field))
        for key, field in kinds.fields(model).items()
    ]
    where = ", ".join(code(path) for path in _paths(model))
    text = f"## {model.__name__}\n\n{kinds.sentence(model)}"
    text += f" It stands at {where}." if where else ""
    text += "\n\n" + table(("field", "type", "default", "meaning", "example"), rows)
    rules = dict.fromkeys(rule.code for path in _fields(model) for rule in rules_of(path))
    if rules:
        text += "\nRules: " + ", ".join(link(code(rule), "rules.md", rule) for rule in rules) + ".\n"
    return text


def _paths(model: type[Model]) -> list[str]:
    return [path for path, place in places().items() if model in kinds.objects_in(place.field.kind)]


def _fields(model: type[Model]) -> Iterator[str]:
    for path in _paths(model) or [""]:
        yield path
        for key in kinds.fields(model):
            yield f"{path}.{key}".lstrip(".")


def _enumeration(kind: type[enum.StrEnum]) -> str:
    rows = [(code(word), meaning) for word, meaning in kinds.meanings(kinds.Choice(kind)).items()]
    return f"## {kind.__name__}\n\n{kinds.sentence(kind)}\n\n{table(('value', 'meaning'), rows)}"


def _type(kind: Kind, page: str) -> str:
    """What may stand in a field, with links to the objects and words that are told elsewhere."""
    text = kinds.words(kind)
    choice = kinds.choice_in(kind)
    for thing in (*kinds.objects_in(kind), *((choice.values,) if choice else ())):
        where = home()[thing]
        target = link(thing.__name__, "" if where == page else where, thing.__name__)
        text = re.sub(rf"\b{thing.__name__}\b", target, text, count=1)
    return text


def _default(field: Field) -> str:
    if field.is_required:
        return "**required**"
    if field.default is UNSET:
        return ""
    is_object = isinstance(field.kind, kinds.Object) and field.kind.shorthand is None
    if field.default == [] or (field.default == {} and not is_object):
        return "none"
    return "its defaults" if field.default == {} else code(inline(field.default))


def _example(field: Field) -> str:
    shown = [inline(example) for example in field.examples]
    return ", ".join(code(text) for text in shown if len(text) <= _LONGEST_EXAMPLE)
