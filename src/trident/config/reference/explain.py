"""What a field or a rule means, as a document for programs and as text for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import UNSET

from trident.config.model import HostConfiguration, Model
from trident.config.reference import kinds
from trident.config.reference.advice import ADVICE
from trident.config.reference.codes import READING_CODES
from trident.config.reference.concerns import rules_of
from trident.config.reference.kinds import Field
from trident.config.reference.places import Place
from trident.config.reference.storage_tables import tables_of
from trident.config.reference.topics import Topic, find_topic
from trident.config.reference.yaml_text import block, inline
from trident.config.rules.rule import Rule

_WIDTH = 100
_COLUMN = 24


def explanation(asked: str | None) -> dict[str, Any]:
    """All there is to say about a field or a rule; ``None`` is the Host Configuration itself.

    The document is described in docs/cli.md.

    Raises:
        InvalidInput: ``unknown-topic``.
    """
    return _of_top() if asked is None else _of(find_topic(asked))


def _of(topic: Topic) -> dict[str, Any]:
    if isinstance(topic, Place):
        return _of_field(topic)
    if isinstance(topic, Rule):
        tables = [
            {
                "title": one.title,
                "sentence": one.sentence,
                "headings": list(one.headings),
                "rows": list(one.rows),
            }
            for one in tables_of(topic.code)
        ]
        return {
            "kind": "rule",
            **_of_rule(topic),
            "advice": ADVICE.get(topic.code),
            "fields": list(topic.fields),
            "tables": tables,
        }
    sentence = READING_CODES[topic]
    return {"kind": "reading", "code": str(topic), "sentence": sentence}


def _of_top() -> dict[str, Any]:
    return {
        "kind": "field",
        "path": "",
        "description": kinds.sentence(HostConfiguration),
        "type": HostConfiguration.__name__,
        "required": True,
        "default": None,
        "values": [],
        "examples": [],
        "example": None,
        "fields": [_of_subfield(field) for field in kinds.fields(HostConfiguration).values()],
        "rules": [],
    }


def _of_field(place: Place) -> dict[str, Any]:
    field = place.field
    models = kinds.objects_in(field.kind)
    choice = kinds.choice_in(field.kind)
    rules = dict.fromkeys(rules_of(place.path))
    rules |= dict.fromkeys(
        rule for model in models for key in kinds.fields(model) for rule in rules_of(f"{place.path}.{key}")
    )
    example = place.example()
    return {
        "kind": "field",
        "path": place.path,
        "description": field.description,
        "type": kinds.words(field.kind),
        "required": field.is_required,
        "default": None if field.default is UNSET else field.default,
        "values": [{"value": v, "meaning": m} for v, m in (kinds.meanings(choice) if choice else {}).items()],
        "examples": list(field.examples),
        "example": None if example is None else block(example),
        "fields": [_of_subfield(field) for field in _subfields(models)],
        "rules": [_of_rule(rule) for rule in rules],
    }


def _subfields(models: Iterable[type[Model]]) -> Iterable[Field]:
    found: dict[str, Field] = {}
    for model in models:
        for key, field in kinds.fields(model).items():
            found.setdefault(key, field)
    return found.values()


def _of_subfield(field: Field) -> dict[str, Any]:
    return {
        "name": field.key,
        "type": kinds.words(field.kind),
        "required": field.is_required,
        "description": field.description,
    }


def _of_rule(rule: Rule) -> dict[str, Any]:
    return {
        "code": rule.code,
        "severity": str(rule.severity),
        "sentence": rule.sentence,
        "source": rule.source,
    }


def render(document: dict[str, Any], *, colour: bool = False) -> str:
    """An explanation as text for a terminal."""
    paint = _Paint(colour)
    lines = _field(document, paint) if document["kind"] == "field" else _code(document, paint)
    return "\n".join(lines) + "\n"


class _Paint:
    """ANSI colours, or nothing."""

    def __init__(self, colour: bool) -> None:
        self.name, self.title, self.plain = ("\x1b[1;36m", "\x1b[1m", "\x1b[0m") if colour else ("", "", "")


def _field(document: dict[str, Any], paint: _Paint) -> Iterator[str]:
    path = document["path"]
    yield f"{paint.name}{path or 'Host Configuration'}{paint.plain}"
    yield from _wrapped(document["description"], "  ")
    if path:
        yield ""
        below = ", of the values below" if document["values"] else ""
        yield f"  type:     {document['type']}{below}"
        yield f"  default:  {_default(document)}"
    if document["values"]:
        yield from _title("Values", paint)
        yield from _list((one["value"], one["meaning"]) for one in document["values"])
    if document["fields"]:
        yield from _title("Fields (* is required)", paint)
        for one in document["fields"]:
            name = one["name"] + ("*" if one["required"] else "")
            yield from _list([(name, f"<{one['type']}> {one['description']}")])
    if document["example"]:
        yield from _title("Example", paint)
        yield from textwrap.indent(document["example"].rstrip("\n"), "  ").splitlines()
    if document["rules"]:
        yield from _title("Rules", paint)
        for one in document["rules"]:
            warns = " (a warning)" if one["severity"] == "warning" else ""
            yield from _list([(one["code"], one["sentence"] + warns)])
    if document["fields"]:
        yield ""
        yield f"Further down: trident explain {path + '.' if path else ''}{document['fields'][0]['name']}"


def _default(document: dict[str, Any]) -> str:
    if document["required"]:
        return "none, the field is required"
    value = document["default"]
    if value is None:
        return "none"
    if value in ([], {}):
        return "empty" if value == [] or not document["fields"] else "the defaults of its fields"
    return inline(value)


def _code(document: dict[str, Any], paint: _Paint) -> Iterator[str]:
    yield f"{paint.name}{document['code']}{paint.plain}"
    yield from _wrapped(document["sentence"], "  ")
    if document["kind"] == "reading":
        yield ""
        yield "  Found while reading, before any rule; an error where nothing else is said."
        return
    yield ""
    is_error = document["severity"] == "error"
    yield f"  breaking it:  {'an error' if is_error else 'a warning'}"
    if document["advice"]:
        yield f"  what to do:   {document['advice']}"
    yield f"  source:       {document['source']}"
    if not document["fields"]:
        return
    yield from _title("Fields", paint)
    for path in document["fields"]:
        yield f"  {path}"
    for one in document["tables"]:
        yield from _title(one["title"], paint)
        yield from _wrapped(one["sentence"], "  ")
        yield ""
        yield from _columns([one["headings"], *one["rows"]])
    yield ""
    yield f"About a field: trident explain {document['fields'][0]}"


def _columns(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Rows of a table with their cells below each other."""
    shown = [[cell.replace("`", "'") for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(len(shown[0]))]
    for row in shown:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _title(text: str, paint: _Paint) -> Iterator[str]:
    yield ""
    yield f"{paint.title}{text}{paint.plain}"


def _list(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Names in a column, what they mean beside it; below it where a name is too long."""
    for name, meaning in rows:
        start = f"  {name}"
        wrapped = list(_wrapped(meaning, " " * _COLUMN))
        if len(start) < _COLUMN - 1:
            wrapped[0] = start.ljust(_COLUMN) + wrapped[0].lstrip()
            yield from wrapped
        else:
            yield start
            yield from wrapped


def _wrapped(text: str, indent: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        yield from textwrap.wrap(
            paragraph.replace("`", "'"), _WIDTH, initial_indent=indent, subsequent_indent=indent,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
