"""Which fields of two Host Configurations differ, each named as closely as is useful. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from trident.config.model import AdditionalFile, Extension, FileSystem, Model, Script, SystemdCheck, User
from trident.config.model.devices import Swap

How = Literal["added", "removed", "changed"]


@dataclass(frozen=True)
class Difference:
    """A field that differs.

    Attributes:
        field: with the names of list items, for people: ``os.users[ops].sshPublicKeys``.
        path: without them: ``os.users.sshPublicKeys``.
        how: whether it was added, removed or changed.
    """

    field: str
    path: str
    how: How


def differences(old: Model, new: Model) -> tuple[Difference, ...]:
    """Every field in which two objects of one kind differ, in the order of the model.

    Objects are compared field by field. Items of a list are told by their name; a list whose items have
    no names, or the same ones twice, or the same ones in another order, differs as a whole.
    """
    return tuple(_objects(old, new, "", ""))


def covers(path: str, field: str) -> bool:
    """Whether the field path ``path`` names ``field`` or something around it."""
    return field == path or field.startswith(path + ".")


def _objects(old: Model, new: Model, field: str, path: str) -> Iterator[Difference]:
    for spec in msgspec.structs.fields(type(new)):
        inner = f".{spec.encode_name}" if field else spec.encode_name
        before, after = getattr(old, spec.name), getattr(new, spec.name)
        if before != after:
            yield from _values(before, after, field + inner, path + inner)


def _values(old: Any, new: Any, field: str, path: str) -> Iterator[Difference]:
    if isinstance(old, Model) and type(old) is type(new):
        yield from _objects(old, new, field, path)
        return
    if isinstance(old, tuple) and isinstance(new, tuple):
        before, after = _by_name(old), _by_name(new)
        if before is not None and after is not None and _same_order(before, after):
            yield from _items(before, after, field, path)
            return
    yield Difference(field, path, _how(old, new))


def _items(
    before: Mapping[str, Model], after: Mapping[str, Model], field: str, path: str
) -> Iterator[Difference]:
    for name in {**before, **after}:
        item = f"{field}[{name}]"
        if name not in after:
            yield Difference(item, path, "removed")
        elif name not in before:
            yield Difference(item, path, "added")
        elif before[name] != after[name]:
            yield from _values(before[name], after[name], item, path)


def _how(old: Any, new: Any) -> How:
    if not old and old is not False:
        return "added"
    return "removed" if not new and new is not False else "changed"


def _same_order(before: Mapping[str, Model], after: Mapping[str, Model]) -> bool:
    return [name for name in before if name in after] == [name for name in after if name in before]


def _by_name(items: Sequence[Any]) -> dict[str, Model] | None:
    """Items by name, or ``None`` if that would lose one."""
    named: dict[str, Model] = {}
    for item in items:
        name = _name(item)
        if name is None or name in named:
            return None
        named[name] = item
    return named


def _name(item: Any) -> str | None:
    if not isinstance(item, Model):
        return None
    rule = _NAMES.get(type(item))
    if rule is not None:
        return rule(item)
    return getattr(item, "id", None) or getattr(item, "name", None) or None


def extension_name(extension: Extension) -> str:
    """What people call an extension: the name of its file without the suffix."""
    return PurePosixPath(extension.path or urlsplit(extension.url).path).stem or extension.url


def _filesystem_name(filesystem: FileSystem) -> str | None:
    return filesystem.mount_point.path if filesystem.mount_point else filesystem.device_id


# How people call the items of a list that have no 'id'.
_NAMES: dict[type[Model], Callable[[Any], str | None]] = {
    AdditionalFile: lambda file: file.destination,
    Extension: extension_name,
    FileSystem: _filesystem_name,
    Script: lambda script: script.name or None,
    Swap: lambda swap: swap.device_id,
    SystemdCheck: lambda check: check.name or None,
    User: lambda user: user.name,
}
