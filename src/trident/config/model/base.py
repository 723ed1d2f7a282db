"""What every object of the Host Configuration has in common."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

import msgspec

from trident.config.spelling import NAME


class Model(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A configuration object: immutable, closed, camelCase outside.

    Attributes:
        noun: what people call it in an error: ``a disk``.
    """

    noun: ClassVar[str] = "an object"

    @classmethod
    def from_document(cls, document: Mapping[str, Any], source_name: str = "document") -> Self:
        """This object from plain data in upstream's spelling; only its shape is checked, no rules.

        Raises:
            ConfigurationErrors: ``parse-host-configuration``.
        """
        from trident.config.load import from_document

        return from_document(cls, document, source_name)

    def to_document(self) -> dict[str, Any]:
        """This object as plain data in upstream's spelling, without fields that hold their default."""
        from trident.config.shape import fields_of

        document: dict[str, Any] = {}
        for key, spec in fields_of(type(self)).items():
            value = getattr(self, spec.name)
            if spec.is_required or value != spec.default:
                document[key] = spec.write(value) if spec.write else _plain(value)
        return document

    def evolve(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return msgspec.structs.replace(self, **changes)


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.to_document()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


BlockDeviceId = Annotated[str, NAME]
"""Name of a block device, unique over devices of every kind."""
