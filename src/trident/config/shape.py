"""Turning a tree of nodes into the typed model, noting every mistake on the way.

The rules of conversion are serde's, as upstream's types and reader apply them: where text is expected any
scalar is its own text (``hostname: 123`` is fine); where something optional is expected a plain ``null``,
``~`` or nothing is "not given"; where a list or an object is expected nothing at all (``users:``) is an
empty one, but ``users: null`` is a mistake; a boolean is only ``true`` or ``false``, unquoted.
"""

from __future__ import annotations

import contextlib
import enum
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any, get_args, get_origin

import msgspec

from trident.config import scalars, values
from trident.config.mend import Mend, leave_out
from trident.config.model.base import Model
from trident.config.nearest import meant_by, nearest
from trident.config.nodes import ListNode, MapNode, Node, Path, ScalarNode, scalars_below, shortened
from trident.config.spelling import UUID, ByKey, Judged, OrUuid, Secret, Shorthand, Spelling
from trident.config.suggestion import for_unknown_field


class _Bad:
    """Stands for a value that could not be read; the mistake is noted."""


BAD = _Bad()


class Complaint(msgspec.Struct, frozen=True):
    """A mistake in the shape: what, where, whether the key or the value is to blame, how to mend it."""

    code: str
    message: str
    path: Path
    suggestion: str | None = None
    at_key: bool = False
    mend: Mend | None = None


MOST_COMPLAINTS = 1000


class Complaints(list[Complaint]):
    """Mistakes, of which only the first thousand are kept; guesses are made for the first hundred.

    Attributes:
        dropped: how many were not kept.
        warnings: what is no mistake, but should be told.
        secrets: values that no message may show.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dropped = 0
        self.warnings: list[Complaint] = []
        self.secrets: list[ScalarNode] = []

    def append(self, complaint: Complaint) -> None:
        """Note a mistake, or only count it."""
        if len(self) < MOST_COMPLAINTS:
            super().append(complaint)
        else:
            self.dropped += 1

    def warn(self, complaint: Complaint) -> None:
        """Note what is no mistake; beyond the first thousand it is forgotten."""
        if len(self.warnings) < MOST_COMPLAINTS:
            self.warnings.append(complaint)

    @property
    def may_guess(self) -> bool:
        """Whether it is still worth guessing what was meant."""
        return len(self) < MOST_COMPLAINTS // 10


Reader = Callable[[Node, Path, Complaints], Any]


class FieldSpec(msgspec.Struct, frozen=True):
    """One field of an object, ready for reading and for the reference page."""

    name: str
    key: str
    reader: Reader
    default: Any
    is_required: bool
    annotation: Any
    write: Callable[[Any], Any] | None


_FIELDS: dict[type[Model], dict[str, FieldSpec]] = {}


def fields_of(model: type[Model]) -> dict[str, FieldSpec]:
    """The fields of an object by the key that YAML uses."""
    specs = _FIELDS.get(model)
    if specs is None:
        specs = {
            field.encode_name: FieldSpec(
                field.name,
                field.encode_name,
                reader_of(field.type),
                None if field.required else _default(field),
                field.required,
                field.type,
                _writer(field.type),
            )
            for field in msgspec.structs.fields(model)
        }
        _FIELDS[model] = specs
    return specs


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if field.default is msgspec.NODEFAULT else field.default


def _writer(annotation: Any) -> Callable[[Any], Any] | None:
    marks = get_args(annotation)[1:] if get_origin(annotation) is typing.Annotated else ()
    return next((mark.write for mark in marks if isinstance(mark, Spelling)), None)


def reader_of(annotation: Any) -> Reader:
    """What reads values of a type.

    Raises:
        TypeError: the model uses a type that this module does not know (a defect of the model).
    """
    marks: list[Any] = []
    while get_origin(annotation) is typing.Annotated:
        annotation, *more = get_args(annotation)
        marks.extend(more)
    reader = _marked_reader(annotation, marks)
    for mark in marks:
        if isinstance(mark, Secret):
            reader = _hiding(reader, mark)
    return reader


def _marked_reader(annotation: Any, marks: Iterable[Any]) -> Reader:
    optional, inner = _without_none(annotation)
    for mark in marks:
        if isinstance(mark, Spelling):
            return _maybe(_spelt(mark), optional and mark.takes_null)
        if isinstance(mark, Shorthand):
            return _maybe(_short_or_object(mark), optional)
        if isinstance(mark, OrUuid):
            return _maybe(_one_of(mark.kind, or_uuid=True), optional)
        if isinstance(mark, ByKey):
            return _maybe(_by_key(mark), optional)
        if isinstance(mark, Judged):
            return _maybe(_judged(mark), optional)
    return _maybe(_plain_reader(inner), optional)


def _hiding(reader: Reader, secret: Secret) -> Reader:
    def read(node: Node, path: Path, complaints: Complaints) -> Any:
        complaints.secrets += (scalar for scalar in scalars_below(node) if secret.hides(scalar.text))
        return reader(node, path, complaints)

    return read


def _without_none(annotation: Any) -> tuple[bool, Any]:
    if get_origin(annotation) in (typing.Union, types.UnionType):
        rest = [part for part in get_args(annotation) if part is not type(None)]
        if len(rest) < len(get_args(annotation)):
            inner = rest[0] if len(rest) == 1 else typing.Union[tuple(rest)]  # noqa: UP007
            return True, inner
    return False, annotation


def _plain_reader(annotation: Any) -> Reader:  # noqa: PLR0911 (one line a type)
    origin = get_origin(annotation)
    if origin is typing.Annotated:
        return reader_of(annotation)
    if origin is tuple:
        return _list_of(reader_of(get_args(annotation)[0]))
    if origin is dict:
        return _any_map if get_args(annotation)[1] is Any else _map_of(reader_of(get_args(annotation)[1]))
    if isinstance(annotation, type):
        if issubclass(annotation, Model):
            return _object(annotation)
        if issubclass(annotation, enum.StrEnum):
            return _one_of(annotation)
        if annotation is bool:
            return _boolean
        if annotation is str:
            return _text
    raise TypeError(f"no reader for {annotation!r}")


def _maybe(reader: Reader, optional: bool) -> Reader:
    if not optional:
        return reader

    def read(node: Node, path: Path, complaints: Complaints) -> Any:
        try:
            if values.is_nothing(node):
                return None
        except values.MistaggedError as error:
            return _mistagged(error, path, complaints)
        return reader(node, path, complaints)

    return read


def _mistagged(error: values.MistaggedError, path: Path, complaints: Complaints) -> Any:
    message = f"{str(error)[0].upper()}{str(error)[1:]}."
    complaints.append(Complaint("yaml-tag", message, path, "Remove the tag."))
    return BAD


def _text(node: Node, path: Path, complaints: Complaints) -> Any:
    if isinstance(node, ScalarNode):
        if node.is_settled and not values.is_text(node):
            return _wrong(node, path, complaints, "text", f"Put it in quotes: '{shortened(node.text)}'.")
        return node.text
    return _wrong(node, path, complaints, "text")


def _boolean(node: Node, path: Path, complaints: Complaints) -> Any:
    if isinstance(node, ScalarNode):
        value = scalars.boolean(node.text) if node.plain else None
        if value is not None:
            return value
        meant = {"yes": "true", "on": "true", "y": "true", "1": "true", "true": "true"}
        meant |= {"no": "false", "off": "false", "n": "false", "0": "false", "false": "false"}
        word = meant.get(node.text.lower())
        suggestion = f"Write {word}{'' if node.plain else ', without quotes'}." if word else None
        return _wrong(node, path, complaints, "true or false", suggestion, mend=_by_value(word))
    return _wrong(node, path, complaints, "true or false")


def _spelt(spelling: Spelling) -> Reader:
    def read(node: Node, path: Path, complaints: Complaints) -> Any:
        scalar = values.loose_word(node) if isinstance(node, MapNode) and spelling.takes_key else node
        if not isinstance(scalar, ScalarNode):
            return _wrong(node, path, complaints, spelling.noun)
        try:
            return spelling.read(scalar)
        except ValueError as error:
            message = str(error)
            complaints.append(
                Complaint(
                    "invalid-value",
                    message[0].upper() + message[1:] + ".",
                    path,
                    getattr(error, "suggestion", None),
                    mend=_by_value(getattr(error, "instead", None)),
                )
            )
            return BAD

    return read


def _one_of(kind: type[enum.StrEnum], *, or_uuid: bool = False) -> Reader:
    members = {member.value: member for member in kind}
    listed = _listed([*members]) + (", or a UUID" if or_uuid else "")

    def read(node: Node, path: Path, complaints: Complaints) -> Any:
        named = values.loose_word(node) if or_uuid else node
        text = values.word(named) if named is not None else None
        if text is None:
            return _wrong(node, path, complaints, listed)
        member = members.get(text)
        if member is not None:
            return member
        if or_uuid and named is node and isinstance(node, ScalarNode):
            with contextlib.suppress(ValueError):
                return UUID.read(node)
        close = meant_by(kind.__name__, text, members) if complaints.may_guess else None
        suggestion = f"Did you mean '{close}'?" if close else None
        return _wrong(node, path, complaints, listed, suggestion, code="unknown-value", mend=_by_value(close))

    return read


def _list_of(item: Reader) -> Reader:
    def read(node: Node, path: Path, complaints: Complaints) -> Any:
        if isinstance(node, ListNode):
            values = [item(child, (*path, index), complaints) for index, child in enumerate(node.items)]
            return BAD if _has_bad(values) else tuple(values)
        if _is_empty(node):
            return ()
        suggestion = "Write an item as '- ' on a line of its own, or [] for none."
        return _wrong(node, path, complaints, "a list", suggestion)

    return read


def _is_empty(node: Node) -> bool:
    """Whether nothing stands where a list or a mapping is expected."""
    if not isinstance(node, ScalarNode):
        return False
    return values.is_null(node) if node.is_settled else node.is_empty


def _has_bad(values: Iterable[Any]) -> bool:
    return any(value is BAD for value in values)


def _map_of(value: Reader) -> Reader:
    def read(node: Node, path: Path, complaints: Complaints) -> Any:
        if isinstance(node, MapNode):
            values = {key: value(child, (*path, key), complaints) for key, child in node.values.items()}
            return BAD if _has_bad(values.values()) else values
        if _is_empty(node):
            return {}
        return _wrong(node, path, complaints, "a mapping")

    return read


def _any_map(node: Node, path: Path, complaints: Complaints) -> Any:
    if _is_empty(node):
        return {}
    if not isinstance(node, MapNode):
        return _wrong(node, path, complaints, "a mapping")
    return _any_value(node, path, complaints)


def _any_value(node: Node, path: Path, complaints: Complaints) -> Any:
    if isinstance(node, MapNode):
        read = {key: _any_value(child, (*path, key), complaints) for key, child in node.values.items()}
        return BAD if _has_bad(read.values()) else read
    if isinstance(node, ListNode):
        items = [_any_value(child, (*path, index), complaints) for index, child in enumerate(node.items)]
        return BAD if _has_bad(items) else items
    try:
        value = values.settled(values.without_own_tag(node))
    except values.MistaggedError as error:
        return _mistagged(error, path, complaints)
    if type(value) is int and value not in values.INT64:
        message = f"{shortened(node.text)} does not fit into 64 bits."
        complaints.append(Complaint("invalid-value", message, path, "Put it in quotes if it is text."))
        return BAD
    return value


def _judged(judged: Judged) -> Reader:
    def read(node: Node, path: Path, complaints: Complaints) -> Any:
        if _is_empty(node):
            node = MapNode(node.line, node.column)
        if not isinstance(node, MapNode):
            return _wrong(node, path, complaints, "a mapping")
        before = len(complaints) + complaints.dropped
        if node.line >= 0:  # plain data was judged when it was text
            judged.judge(node, path, complaints)
        return values.as_written(node) if len(complaints) + complaints.dropped == before else BAD

    return read


def _short_or_object(shorthand: Shorthand) -> Reader:
    whole = _object(shorthand.model)

    def read(node: Node, path: Path, complaints: Complaints) -> Any:
        if node.tag.startswith("!"):
            error = values.MistaggedError(f"the tag '{node.tag}' has no meaning here")
            return _mistagged(error, path, complaints)
        if not isinstance(node, ScalarNode):
            return whole(node, path, complaints)
        if not values.is_text(node):
            return _wrong(node, path, complaints, f"a {_spec(shorthand).key} or an object")
        value = _spec(shorthand).reader(node, path, complaints)
        return BAD if value is BAD else shorthand.model(**{shorthand.field: value})

    return read


def _spec(shorthand: Shorthand) -> FieldSpec:
    return next(spec for spec in fields_of(shorthand.model).values() if spec.name == shorthand.field)


def _by_key(choice: ByKey) -> Reader:
    with_key, without = _object(choice.with_key), _object(choice.without)

    def read(node: Node, path: Path, complaints: Complaints) -> Any:
        if not isinstance(node, MapNode):
            return _wrong(node, path, complaints, "a mapping")
        meant = choice.key if choice.key in node.values else None
        if meant is None and complaints.may_guess:
            meant = next((key for key in node.values if _means(choice, key)), None)
        return (with_key if meant is not None else without)(values.settle(node), path, complaints)

    return read


def _means(choice: ByKey, key: str) -> bool:
    """Whether a field that neither object has is the slip of a pen for the one that tells them apart."""
    known = fields_of(choice.without).keys() | fields_of(choice.with_key).keys()
    return key not in known and nearest(key, known) == choice.key


def _object(model: type[Model]) -> Reader:
    def read(node: Node, path: Path, complaints: Complaints) -> Any:
        if isinstance(node, MapNode):
            return _read_fields(model, node, path, complaints)
        if _is_empty(node):
            return _read_fields(model, MapNode(node.line, node.column), path, complaints)
        return _wrong(node, path, complaints, "a mapping", f"Its fields are: {', '.join(fields_of(model))}.")

    return read


def _read_fields(model: type[Model], node: MapNode, path: Path, complaints: Complaints) -> Any:
    specs = fields_of(model)
    values: dict[str, Any] = {}
    is_whole = True
    meant: set[str | None] = set()
    for key, child in node.values.items():
        spec = specs.get(key)
        if spec is None:
            meant.add(_unknown(model, key, path, complaints))
            is_whole = False
            continue
        before = len(complaints)
        value = spec.reader(child, (*path, key), complaints)
        if value is BAD:
            is_whole = False
            if not spec.is_required:
                leave_out((*path, key), complaints, before)
        values[spec.name] = value
    for key, spec in specs.items():
        if not spec.is_required or spec.name in values:
            continue
        is_whole = False
        if key not in meant:
            message = f"{model.noun[0].upper()}{model.noun[1:]} needs '{key}'."
            complaints.append(Complaint("missing-field", message, path))
    return model(**values) if is_whole else BAD


def _unknown(model: type[Model], key: str, path: Path, complaints: Complaints) -> str | None:
    """Note a field that the object does not have, and say which of its own was probably meant."""
    here = (*path, key)
    close = meant_by(model.__name__, key, fields_of(model)) if complaints.may_guess else None
    suggestion = for_unknown_field(model, key, path, close) if complaints.may_guess else None
    message = f"{model.noun[0].upper()}{model.noun[1:]} has no field '{shortened(key)}'."
    complaints.append(
        Complaint("unknown-field", message, here, suggestion, at_key=True, mend=Mend(key=close))
    )
    return close


def _wrong(
    node: Node,
    path: Path,
    complaints: Complaints,
    wanted: str,
    suggestion: str | None = None,
    *,
    code: str = "wrong-type",
    mend: Mend | None = None,
) -> Any:
    message = f"Here must stand {wanted}, not {describe(node)}."
    complaints.append(Complaint(code, message, path, suggestion, mend=mend))
    return BAD


def _by_value(value: str | None) -> Mend | None:
    return None if value is None else Mend(value)


def describe(node: Node) -> str:
    """What stands at a place, in words."""
    if isinstance(node, ListNode):
        return "a list"
    if isinstance(node, MapNode):
        return "a mapping"
    assert isinstance(node, ScalarNode)
    if node.is_empty:
        return "nothing"
    shown = shortened(node.text)
    return f"'{shown}'" if node.plain else f"the text '{shown}'"


def _listed(words: list[str]) -> str:
    if len(words) == 1:
        return f"'{words[0]}'"
    return ", ".join(f"'{word}'" for word in words[:-1]) + f" or '{words[-1]}'"
