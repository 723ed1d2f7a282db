"""What may stand at a key of the network settings.

Each kind has two readers: upstream's crate, by type (``crate``), and netplan, which takes every scalar
as text (``program``).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

Format = Callable[[str], "str | None"]
"""What is wrong with a text for netplan, in words that follow "netplan"; ``None`` if nothing."""


class Text(msgspec.Struct, frozen=True):
    """Text; ``format`` is what netplan asks of it."""

    format: Format | None = None


class Flag(msgspec.Struct, frozen=True):
    """Yes or no. ``is_yaml``: upstream's crate takes only ``true`` and ``false`` there."""

    is_yaml: bool = False


class Number(msgspec.Struct, frozen=True):
    """A whole number."""

    low: int
    high: int


class Words(msgspec.Struct, frozen=True):
    """One of some words.

    Attributes:
        words: what upstream's crate takes.
        also: what netplan takes besides.
        unknown: what the crate takes and netplan does not.
    """

    words: tuple[str, ...]
    also: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class ListOf(msgspec.Struct, frozen=True):
    """A list. ``or_one``: netplan takes a single value for a list of one."""

    item: Kind
    or_one: bool = False


class MapOf(msgspec.Struct, frozen=True):
    """A mapping with keys of the user's own, such as interface ids."""

    value: Kind


class Anything(msgspec.Struct, frozen=True):
    """Something that is not looked into."""


class Address(msgspec.Struct, frozen=True):
    """An address with its prefix, or a mapping of one to its options."""


class TunnelKey(msgspec.Struct, frozen=True):
    """The key of a tunnel: upstream's crate wants it tagged ``!Simple`` or ``!Complex``."""


class Unlike(msgspec.Struct, frozen=True):
    """Netplan wants something else than upstream's crate: ``here`` for the crate, ``netplan`` for netplan."""

    here: Kind
    netplan: Kind


class Record(msgspec.Struct, frozen=True):
    """An object.

    Attributes:
        noun: what people call it: ``a bond``.
        strict: keys that upstream's crate reads by their type: what does not fit is refused.
        loose: further keys. The crate does not know them, or drops them if they do not fit.
        required: keys that the crate needs.
        needed: further keys that netplan needs.
        is_buffered: the crate looks at the values of further keys, too: a tag there is refused.
    """

    noun: str
    strict: dict[str, Kind] = msgspec.field(default_factory=dict)
    loose: dict[str, Kind] = msgspec.field(default_factory=dict)
    required: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    is_buffered: bool = False


Kind = Text | Flag | Number | Words | ListOf | MapOf | Anything | Address | TunnelKey | Unlike | Record

U8 = Number(0, 2**8 - 1)
U16 = Number(0, 2**16 - 1)
U32 = Number(0, 2**32 - 1)
U64 = Number(0, 2**64 - 1)
YES = frozenset(("true", "yes", "on", "y"))
NO = frozenset(("false", "no", "off", "n"))

I32 = Number(-(2**31), 2**31 - 1)
TEXTS = ListOf(Text())
