"""Writes the reference page of the Host Configuration from the model and the rules.

``python -m trident.config.reference > docs/host-configuration.md``; a test fails when the page is stale.
"""

from __future__ import annotations

import enum
import inspect
import sys
import types
import typing
from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_origin

import msgspec

from trident.config import document
from trident.config.model import HostConfiguration, Model
from trident.config.model.meanings import MEANINGS
from trident.config.rules import all_rules, tables
from trident.config.shape import FieldSpec, fields_of
from trident.config.spelling import Shorthand, Spelling

_OPENING = """\
# Host Configuration

A Host Configuration is one YAML document that says what state a machine should have. `trident validate FILE`
judges it on any machine, as any user. [samples/ab-vm.yaml](samples/ab-vm.yaml) is a complete one.

Every field that is not marked as required can be left out. A field that is not on this page is a mistake.

*This page is written by `python -m trident.config.reference`; change the model or the rules instead.*
"""

_YAML = """\
## How the YAML is read

The text is UTF-8, one document, YAML 1.2. Plain (unquoted) values mean what the core schema makes of them
where a kind of value is asked for:

| written | where text is expected | where a number is expected | where true or false is expected |
| --- | --- | --- | --- |
| `on`, `yes`, `off`, `no` | that text | a mistake | a mistake |
| `true`, `True`, `TRUE` | that text | a mistake | true |
| `12`, `+12`, `0xC`, `0o14`, `0b1100` | that text | 12 | a mistake |
| `0755`, `1_000`, `12:30`, `2024-01-31` | that text | a mistake | a mistake |
| `1e3`, `.inf` | that text | a mistake: no field holds fractions | a mistake |
| `"12"`, `'true'` | that text | a mistake | a mistake |
| `null`, `~`, or nothing | that text; "not given" if the field may be left out | likewise | a mistake |

Nothing after the colon (`users:`) is an empty list or object where one is expected; `users: null` is a
mistake.
In `image.sha384`, `content` and `path` of a script, and a mount point, text that looks like a number needs
quotes. Inside `os.netplan` every plain value is what the core schema makes of it.

A key that stands twice in one mapping is a mistake, as are merge keys (`<<`), tags other than those of the
core schema, and keys that are lists or mappings. Anchors and aliases work. A file may have {megabytes} MiB,
{depth} levels and {values} values with aliases written out. A byte order mark at the start is a warning.
"""


def reference_page() -> str:
    """The whole page."""
    parts = [_OPENING, "## Objects\n"]
    models = list(_models(HostConfiguration))
    parts.extend(_object(model) for model in models)
    parts.append("## Values\n")
    parts.extend(_enumeration(kind) for kind in _enumerations(models))
    limits = {
        "megabytes": document.MAX_BYTES // 1024**2,
        "depth": document.MAX_DEPTH,
        "values": f"{document.MAX_VALUES:,}",
    }
    parts.append(_YAML.format(**limits))
    parts.append(_storage_rules())
    parts.append(_rules())
    return "\n".join(parts)


def _models(model: type[Model]) -> Iterator[type[Model]]:
    """A model and all below it, each once, outermost first."""
    waiting, seen = [model], set()
    while waiting:
        current = waiting.pop(0)
        if current in seen:
            continue
        seen.add(current)
        yield current
        for spec in fields_of(current).values():
            waiting.extend(part for part in _parts(spec.annotation) if _is(part, Model))


def _enumerations(models: Iterable[type[Model]]) -> Iterator[type[enum.StrEnum]]:
    seen = set()
    for model in models:
        for spec in fields_of(model).values():
            for part in _parts(spec.annotation):
                if _is(part, enum.StrEnum) and part not in seen and not _spelling(spec.annotation):
                    seen.add(part)
                    yield part


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _is(part: Any, base: type[Any]) -> bool:
    return isinstance(part, type) and issubclass(part, base)


def _marks(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation)[1:] if get_origin(annotation) is typing.Annotated else ()


def _spelling(annotation: Any) -> Spelling | None:
    return next((mark for mark in _marks(annotation) if isinstance(mark, Spelling)), None)


def _object(model: type[Model]) -> str:
    rows = [
        (f"`{key}`", _type(spec.annotation), _default(spec), _description(spec))
        for key, spec in fields_of(model).items()
    ]
    text = f"### {model.__name__}\n\n{inspect.getdoc(model)}\n\n"
    text += _table(("field", "type", "default", "meaning"), rows)
    return text


def _type(annotation: Any) -> str:  # noqa: PLR0911 (one line a type)
    for mark in _marks(annotation):
        if isinstance(mark, Spelling):
            return mark.noun.removeprefix("a ").removeprefix("an ")
        if isinstance(mark, Shorthand):
            name = mark.model.__name__
            return f"{mark.field} or {_link(name)}"
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is typing.Annotated:
        return _type(inner[0])
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return "mapping" if inner[1] is Any else f"mapping of text to {_type(inner[1])}"
    if origin in (typing.Union, types.UnionType):
        return _type(next(part for part in inner if part is not type(None)))
    if _is(annotation, Model) or _is(annotation, enum.StrEnum):
        return _link(annotation.__name__)
    return {str: "text", bool: "`true` or `false`"}[annotation]


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _default(spec: FieldSpec) -> str:
    if spec.is_required:
        return "**required**"
    value = spec.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f"`{value}`"
    if isinstance(value, tuple | dict) and not value:
        return "empty"
    return "its defaults" if isinstance(value, Model) else ""


def _description(spec: FieldSpec) -> str:
    meta = next(
        mark for mark in _marks(spec.annotation) if isinstance(mark, msgspec.Meta) and mark.description
    )
    return str(meta.description)


def _enumeration(kind: type[enum.StrEnum]) -> str:
    rows = [(f"`{member}`", MEANINGS[kind][member]) for member in kind]
    return f"### {kind.__name__}\n\n{inspect.getdoc(kind)}\n\n{_table(('value', 'meaning'), rows)}"


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _storage_rules() -> str:
    devices, referrers = list(tables.DeviceKind), list(tables.ReferrerKind)
    validity = [
        (kind, *(_yes(device in tables.REFERENCE_VALIDITY[kind]) for device in devices)) for kind in referrers
    ]
    per_referrer = [
        (
            kind,
            _count(tables.REFERENCE_COUNT[kind]),
            ", ".join(sorted(tables.SHARING_PEERS[kind])) or "none",
            str(tables.ALLOWED_PARTITION_TYPES[kind]),
            _yes(kind in tables.HOMOGENEOUS_PARTITION_TYPES),
            _yes(kind in tables.HOMOGENEOUS_PARTITION_SIZES),
        )
        for kind in referrers
    ]
    usual = [
        (kind, "anywhere" if paths is None else " or ".join(f"`{path}`" for path in paths) or "nowhere")
        for kind, paths in tables.USUAL_MOUNT_PATHS.items()
    ]
    headings = ("referrer", "devices", "may share with", "partition types", "one type", "one size")
    return "\n".join(
        (
            "## Storage rules\n",
            "Who may refer to which kind of block device:\n",
            _table(("referrer", *devices), validity),
            "How many devices each refers to, and what the partitions beneath it must be like:\n",
            _table(headings, per_referrer),
            "Fields whose value is unique among devices of a kind:\n",
            _table(("device", "field"), [(kind, f"`{field}`") for kind, field in tables.UNIQUE_FIELDS]),
            "File system types that need a block device:\n",
            _table(("type", "block device"), [(k, _yes(v)) for k, v in tables.EXPECTS_BLOCK_DEVICE.items()]),
            "Where partitions of a type are usually mounted (anything else is a warning):\n",
            _table(("partition type", "mount paths"), usual),
        )
    )


def _count(count: tables.Count) -> str:
    return str(count.least) if count.least == count.most else f"{count.least} to {count.most}"


def _rules() -> str:
    rows = [(f"`{rule.code}`", str(rule.severity), rule.sentence, rule.source) for rule in all_rules()]
    opening = "## All rules\n\nAn error refuses the configuration, a warning does not.\n\n"
    return opening + _table(("code", "kind", "rule", "source"), rows)


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(headings)
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(reference_page())
