"""Byte counts and partition sizes as the Host Configuration spells them."""

from __future__ import annotations

import enum
import re

_BYTE_COUNT = re.compile(r"(\d+)\s*([KMGT]?)")
_UNIT_POWER = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


class Grow(enum.StrEnum):
    """A partition that takes the space left over."""

    GROW = "grow"


def parse_byte_count(value: str | int) -> int:
    """Bytes from a number or a text such as ``5G`` (K, M, G, T to the base of 1024; upstream ByteCount).

    Raises:
        ValueError: the text is not of that form, or the number is negative.
    """
    if isinstance(value, bool):
        raise ValueError("expected a size, not a boolean")
    if isinstance(value, int):
        if value < 0:
            raise ValueError("a size cannot be negative")
        return value
    match = _BYTE_COUNT.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"'{value}' is not a size: write a number with an optional K, M, G or T, such as 512M")
    return int(match[1]) * 1024 ** _UNIT_POWER[match[2]]


def parse_partition_size(value: object) -> object:
    """A partition size: ``grow`` or a byte count that is a non-zero multiple of 4096 (upstream PartitionSize).

    Raises:
        ValueError: neither of the two.
    """
    if value == "grow" or isinstance(value, Grow):
        return Grow.GROW
    if not isinstance(value, str | int):
        raise ValueError("expected a size such as 512M, or grow")
    size = parse_byte_count(value)
    if size == 0 or size % 4096:
        raise ValueError(f"a partition size must be a non-zero multiple of 4096 bytes, and {size} is not")
    return size
