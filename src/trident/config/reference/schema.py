"""The Host Configuration as a JSON Schema, for editors and for schema validators.

Draft 7: the newest draft that every consumer applies in full. yaml-language-server and Visual Studio Code
are built on it, check-jsonschema and upstream's own schema use it too. Beside the standard's words it
carries those of the editors (``markdownDescription``, ``enumDescriptions``, ``patternErrorMessage``), which
others ignore.

The schema knows the shape, not the rules: what it accepts can still be refused by ``trident validate``.
Where one value may be written in several ways it admits those that a YAML 1.2 reader tells apart.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from msgspec import UNSET

from trident.config import spelling
from trident.config.model import HostConfiguration, Model, Script
from trident.config.netplan import kinds as netplan
from trident.config.netplan.devices import NETWORK
from trident.config.pcr import Pcr
from trident.config.quantities import PARTITION_ALIGNMENT
from trident.config.reference import kinds
from trident.config.reference.kinds import Field, Kind
from trident.config.reference.places import models

DRAFT = "http://json-schema.org/draft-07/schema#"
Schema = dict[str, Any]

_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_UUIDS = rf"^(\{{{_UUID}\}}|(urn:uuid:)?{_UUID}|[0-9a-fA-F]{{32}})$"
_HEX96 = "[0-9a-fA-F]{96}"
_WORD: Schema = {"type": "string"}
# A number is the text that stands there: 'hostname: 123' is a host name.
_TEXT: Schema = {"type": ["string", "number"]}
_PATH: Schema = {"type": "string"}

_SPELLINGS: tuple[tuple[spelling.Spelling, Schema], ...] = (
    (spelling.NAME, _TEXT),
    (spelling.PATH, _PATH),
    (spelling.MOUNT_PATH, _PATH),
    (spelling.STRICT_PATH, _PATH),
    (spelling.QUOTED_TEXT, _WORD),
    (spelling.UUID, {"type": "string", "pattern": _UUIDS}),
    (spelling.SHA384, {"type": "string", "pattern": f"^({_HEX96}|ignored)$"}),
    (spelling.PLAIN_SHA384, {"type": "string", "pattern": f"^{_HEX96}$"}),
    (
        spelling.URL,
        {"type": "string", "pattern": r"^\s*[a-zA-Z][a-zA-Z0-9+.-]*:"},
    ),
    (spelling.INT32, {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}),
    (spelling.UINT64, {"type": "integer", "minimum": 0, "maximum": 2**64 - 1}),
    (
        spelling.PARTITION_SIZE,
        {
            "type": ["string", "integer"],
            "pattern": r"^\s*\+?[0-9]+\s*[KMGT]?\s*$|^grow$",
            "minimum": PARTITION_ALIGNMENT,
            "multipleOf": PARTITION_ALIGNMENT,
        },
    ),
    (
        spelling.PCR,
        {
            "anyOf": [
                {"enum": [pcr.word for pcr in Pcr]},
                {"type": "integer", "minimum": min(Pcr), "maximum": max(Pcr)},
            ]
        },
    ),
)


_NAMES: tuple[tuple[spelling.Spelling, str], ...] = (
    (spelling.PARTITION_SIZE, "PartitionSize"),
    (spelling.SHA384, "ImageSha384"),
    (spelling.PCR, "Pcr"),
)
"""Spellings that have a definition of their own, by upstream's names. So have all words to choose from."""
_CHECK = "Check"


def schema() -> Schema:
    """The whole schema, as plain data."""
    definitions = {model.__name__: _object_definition(model) for model in models()}
    root = definitions.pop(HostConfiguration.__name__)
    for model in models():
        for field in kinds.fields(model).values():
            _define(field.kind, definitions)
    return {"$schema": DRAFT, **root, "definitions": dict(sorted(definitions.items()))}


def _object_definition(model: type[Model]) -> Schema:
    return {
        "title": model.__name__,
        **_described(kinds.sentence(model)),
        **_object(model),
        **_FURTHER.get(model, {}),
    }


def _define(kind: Kind, definitions: dict[str, Schema]) -> None:
    """Add the definitions that a field refers to, but for objects."""
    match kind:
        case kinds.Sequence(inner) | kinds.Mapping(inner):
            _define(inner, definitions)
        case kinds.Choice(values):
            meaning = {"title": values.__name__, **_described(kinds.sentence(values))}
            definitions[values.__name__] = {**meaning, **_choice(kind)}
        case kinds.Either(key, with_key, without):
            described = _described(f"A {with_key.__name__} if it has `{key}`, else a {without.__name__}.")
            definitions[_CHECK] = {"title": _CHECK, **described, **_either(kind)}
        case kinds.Spelt(one) if name := _name(one):
            definitions[name] = {"title": name, **_described(f"{one.noun}."), **_spelt(one)}


_FURTHER: dict[type[Model], Schema] = {
    Script: {"oneOf": [{"required": ["content"]}, {"required": ["path"]}]},
}
"""What objects demand beside the kinds of their fields."""


def _object(model: type[Model]) -> Schema:
    fields = kinds.fields(model)
    required = [key for key, field in fields.items() if field.is_required]
    return {
        "type": "object",
        "properties": {key: _field(field) for key, field in fields.items()},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _field(field: Field) -> Schema:
    kind = _kind(field.kind)
    found = {**_described(field.description), **(_or_null(kind) if field.takes_null else kind)}
    if field.default is not UNSET and field.default not in ({}, []):
        found["default"] = field.default
    if field.examples:
        found["examples"] = list(field.examples)
    if field.key == "netplan":
        found |= _network()
    if field.key == "internalParams":
        found["doNotSuggest"] = True  # yaml-language-server then leaves it out of completion
    return found


def _network() -> Schema:
    """Netplan's sections and the keys of their devices; the values of these are left to ``validate``."""
    sections: dict[str, Schema] = {key: {} for key in NETWORK.loose}
    for key, kind in NETWORK.strict.items():
        match kind:
            case netplan.Number(low, high):
                sections[key] = {"type": "integer", "minimum": low, "maximum": high}
            case netplan.MapOf(netplan.Record() as record):
                device: Schema = {
                    "type": "object",
                    "properties": {name: {} for name in {**record.strict, **record.loose}},
                }
                if record.required:
                    device["required"] = list(record.required)
                sections[key] = {"type": ["object", "null"], "additionalProperties": device}
            case _:
                sections[key] = {"type": ["string", "null"]}
    return {"properties": sections, "required": list(NETWORK.required)}


def _or_null(schema: Schema) -> Schema:
    """What may also be ``null``, which means "not given"."""
    if "type" in schema:
        known = schema["type"]
        return {**schema, "type": [*([known] if isinstance(known, str) else known), "null"]}
    if schema.get("$ref", "").removeprefix("#/definitions/") in _object_names():
        return schema  # with 'null' beside it, editors no longer show the field's own text
    return {"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}]}


@cache
def _object_names() -> frozenset[str]:
    return frozenset(model.__name__ for model in models())


def _described(text: str) -> Schema:
    """A text for every reader, and once more for editors, which show its code marks as such."""
    flat = " ".join(text.split())
    bare = flat.replace("`", "")
    return {"description": bare} if bare == flat else {"description": bare, "markdownDescription": flat}


def _kind(kind: Kind) -> Schema:  # noqa: PLR0911 (one line a kind)
    match kind:
        case kinds.Text():
            return _TEXT
        case kinds.Flag():
            return {"type": "boolean"}
        case kinds.Anything():
            return {}
        case kinds.Spelt(one):
            name = _name(one)
            return _reference(name) if name else _spelt(one)
        case kinds.Choice(values):
            return _reference(values.__name__)
        case kinds.Object(model, shorthand):
            return _short_or_object(model, shorthand) if shorthand else _reference(model.__name__)
        case kinds.Either():
            return _reference(_CHECK)
        case kinds.Sequence(item):
            return {"type": "array", "items": _kind(item)}
        case kinds.Mapping(kinds.Anything()):
            return {"type": "object"}
        case kinds.Mapping(value):
            return {"type": "object", "additionalProperties": _loose(_kind(value))}


def _name(one: spelling.Spelling) -> str | None:
    return next((name for known, name in _NAMES if known is one), None)


def _spelt(one: spelling.Spelling) -> Schema:
    found = next((schema for known, schema in _SPELLINGS if known is one), _TEXT)
    if "pattern" in found:
        found = {**found, "patternErrorMessage": f"Here must stand {one.noun}."}
    return found


def _choice(choice: kinds.Choice) -> Schema:
    meanings = kinds.meanings(choice)
    words: Schema = {
        "type": "string",
        "enum": [*meanings],
        "enumDescriptions": [meaning.replace("`", "") for meaning in meanings.values()],
        "markdownEnumDescriptions": [*meanings.values()],
    }
    return {"anyOf": [words, {"type": "string", "pattern": _UUIDS}]} if choice.or_uuid else words


def _either(either: kinds.Either) -> Schema:
    # Draft 7 ignores what stands beside a reference, so 'required' needs a place of its own.
    with_key = {"allOf": [_reference(either.with_key.__name__), {"required": [either.key]}]}
    return {"anyOf": [with_key, _reference(either.without.__name__)]}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _short_or_object(model: type[Model], shorthand: str) -> Schema:
    short = kinds.fields(model)[shorthand]
    return {"anyOf": [{**_kind(short.kind), "type": "string"}, _reference(model.__name__)]}


def _loose(schema: Schema) -> Schema:
    """Text in a mapping of the user's own: 'DEBUG: true' hands on the text 'true'."""
    return {"type": ["string", "number", "boolean"]} if schema is _TEXT else schema
