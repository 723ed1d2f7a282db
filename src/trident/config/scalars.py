"""What a plain YAML scalar means, by the YAML 1.2 core schema as upstream's reader applies it.

Source: serde_yaml 0.9.34, ``src/de.rs`` (``visit_untagged_scalar`` and what it calls).  Differences from
YAML 1.1 that matter in practice: ``yes``, ``no``, ``on`` and ``off`` are text; ``0755`` is text, ``0o755``
is a number; ``1_000`` is text; ``12:30:00`` and dates are text.  Beyond the core schema it knows ``0b101``.
"""

from __future__ import annotations

import re

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE = frozenset(("true", "True", "TRUE"))
_FALSE = frozenset(("false", "False", "FALSE"))
_INTEGER = re.compile(r"([-+]?)(?:0x([0-9a-fA-F]+)|0o([0-7]+)|0b([01]+)|(0|[1-9][0-9]*))", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+", re.ASCII)
_SPECIAL_FLOATS = {
    text: value
    for value, texts in {
        float("inf"): (".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"),
        float("-inf"): ("-.inf", "-.Inf", "-.INF"),
        float("nan"): (".nan", ".NaN", ".NAN"),
    }.items()
    for text in texts
}
_INT_RANGE = range(-(2**127), 2**128)
_MOST_DIGITS = 400

Plain = str | int | float | bool | None


def is_null(text: str) -> bool:
    """Whether a plain scalar means "nothing"."""
    return text in _NULLS


def boolean(text: str) -> bool | None:
    """``True`` or ``False``, or ``None`` where the plain scalar is no boolean."""
    if text in _TRUE:
        return True
    return False if text in _FALSE else None


def integer(text: str) -> int | None:
    """The whole number that a plain scalar means (``5``, ``0x1F``, ``0o17``, ``0b11``), or ``None``."""
    match = _INTEGER.fullmatch(text) if len(text) <= _MOST_DIGITS else None
    if match is None:
        return None
    sign, hexadecimal, octal, binary, decimal = match.groups()
    if hexadecimal:
        value = int(hexadecimal, 16)
    elif octal:
        value = int(octal, 8)
    else:
        value = int(binary, 2) if binary else int(decimal)
    value = -value if sign == "-" else value
    return value if value in _INT_RANGE else None


def meaning(text: str) -> Plain:
    """What a plain scalar is where anything may stand: nothing, a boolean, a number or text."""
    if text in _NULLS:
        return None
    if text[0] in "+-." or "0" <= text[0] <= "9":
        number: int | float | None = integer(text)
        if number is None:
            number = real(text)
        return text if number is None else number
    truth = boolean(text)
    return text if truth is None else truth


def real(text: str) -> float | None:
    """The number with a fraction or exponent that a plain scalar means, or ``None``."""
    if text in _SPECIAL_FLOATS:
        return _SPECIAL_FLOATS[text]
    if not _FLOAT.fullmatch(text) or _LEADING_ZERO.fullmatch(text):
        return None
    value = float(text)
    return None if abs(value) == float("inf") else value
