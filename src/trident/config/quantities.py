"""Byte counts and partition sizes as the Host Configuration spells them."""

from __future__ import annotations

import enum
import re

_BYTE_COUNT = re.compile(r"\+?([0-9]+)\s*([KMGT]?)", re.ASCII)
_ALMOST = re.compile(r"([0-9]+)\s*([kmgtKMGT])(?:[iI]?[bB])?", re.ASCII)
_UNIT_SHIFT = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_MOST = 2**64 - 1
PARTITION_ALIGNMENT = 4096
_PARTITION_ADVICE = (
    "Write a number, optionally with K, M, G or T (powers of 1024), such as 512M; "
    "or grow, for the space left."
)


class Grow(enum.StrEnum):
    """A partition that takes the space left over."""

    GROW = "grow"


class SizeError(ValueError):
    """A size that cannot be read.

    Attributes:
        suggestion: what to do, if that is known.
        instead: the size that was probably meant.
    """

    def __init__(self, message: str, suggestion: str | None = None, instead: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion
        self.instead = instead


def parse_byte_count(value: str | int) -> int:
    """Bytes from a number or a text such as ``5G`` (K, M, G, T to the base of 1024; upstream ByteCount).

    Raises:
        SizeError: the text is not of that form, or the number is negative or does not fit into 64 bits.
    """
    if isinstance(value, bool):
        raise SizeError("a size is needed, not true or false")
    size = value if isinstance(value, int) else _from_text(value)
    if size < 0:
        raise SizeError("a size cannot be negative")
    if size > _MOST:
        raise SizeError("this size does not fit into 64 bits")
    return size


def _from_text(text: str) -> int:
    match = _BYTE_COUNT.fullmatch(text.strip()) if len(text) <= 100 else None
    if match is not None:
        return int(match[1]) << _UNIT_SHIFT[match[2]]
    shown = text if len(text) <= 60 else text[:57] + "..."
    almost = _ALMOST.fullmatch(text.strip()) if len(text) <= 100 else None
    if almost is not None:
        instead = f"{almost[1]}{almost[2].upper()}"
        raise SizeError(f"'{shown}' is not a size", f"Write {instead}.", instead)
    raise SizeError(
        f"'{shown}' is not a size",
        "Write a number, optionally with K, M, G or T (powers of 1024), such as 512M.",
    )


def parse_partition_size(value: object) -> int | Grow:
    """A partition size: ``grow``, or a non-zero multiple of 4096 bytes (upstream PartitionSize).

    Raises:
        SizeError: neither of the two.
    """
    if isinstance(value, Grow) or value == "grow":
        return Grow.GROW
    if not isinstance(value, str | int):
        raise SizeError("a size such as 512M, or grow, is needed")
    if isinstance(value, str) and value.strip().lower() == "grow":
        raise SizeError(f"'{value}' is not a size", "Write grow.", "grow")
    try:
        size = parse_byte_count(value)
    except SizeError as error:
        if error.instead is None:
            raise SizeError(str(error), _PARTITION_ADVICE) from error
        raise
    if size == 0:
        raise SizeError("a partition cannot have the size 0", "Write grow for the space that is left.")
    if size % PARTITION_ALIGNMENT:
        nearest = -(-size // PARTITION_ALIGNMENT) * PARTITION_ALIGNMENT
        raise SizeError(
            f"a partition size must be a multiple of {PARTITION_ALIGNMENT} bytes, and {size} is not",
            f"The next larger one is {spell_byte_count(nearest)}.",
            spell_byte_count(nearest),
        )
    return size


def spell_byte_count(size: int) -> str:
    """The shortest exact spelling: ``1K`` for 1024, ``1025`` for 1025."""
    unit = ""
    for candidate in "KMGT":
        if not size or size % 1024:
            break
        size //= 1024
        unit = candidate
    return f"{size}{unit}"


def spell_partition_size(size: int | Grow) -> str:
    """A partition size as :func:`parse_partition_size` reads it."""
    return size.value if isinstance(size, Grow) else spell_byte_count(size)
