"""Mutations that know what a Host Configuration looks like: fields, values, lines and indentation."""

# ruff: noqa: E501 (tables of words)

from __future__ import annotations

import random
import re
from collections.abc import Callable

from trident.config.model import HostConfiguration
from trident.config.suggestion import places

FIELDS = sorted({key for _place, key in places(HostConfiguration)})
VALUES = [
    "grow", "64M", "4096", "4097", "0", "-1", "18446744073709551616", "1e3", "0x10", "0o17", "0755", ".inf", "esp",
    "root", "root-verity", "usr", "linux-generic", "swap", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "gpt", "raid1",
    "image", "new", "adopted", "ext4", "tmpfs", "auto", "override", "block", "ro", "defaults,ro", "/", "/usr",
    "/boot/efi", "/var/lib/trident", "/../..", "//", "relative", "all", "ab-update", "key-only", "locked", "ignored",
    "a" * 96, "file:///k", "http://[::1/x", "oci://a/b", "[7, secure-boot-policy]", "true", "null", "~", "yes", "''",
    '"\\x00"', '"\\ud800"', "[]", "{}", "[[]]", "{a: b}", "&a [*a]", "*a", "!!int 1", "!!binary x", "<<", "|", ">-",
    "2", "networkd", "enforcing", "always", "\u00e9\u6f22", "x" * 300,
]  # fmt: skip
"""What a value can be: words of the API, bounds of numbers, and what readers of YAML stumble over."""

Lines = list[str]


def mutated(data: bytes, seed: int, most: int, others: list[bytes]) -> bytes:
    """The input with one to four changes; ``others`` are inputs that lines are borrowed from."""
    chance = random.Random(seed)
    lines = data.decode(errors="replace").split("\n")
    for _ in range(chance.randint(1, 4)):
        chance.choice(MUTATIONS)(lines, chance, others)
    return "\n".join(lines).encode(errors="replace")[:most]


def _any(lines: Lines, chance: random.Random) -> int:
    return chance.randrange(len(lines)) if lines else 0


def _change_value(lines: Lines, chance: random.Random, _others: list[bytes]) -> None:
    if lines:
        here = _any(lines, chance)
        found = list(re.finditer(r"(?<=[:,\[{-] )[^,}\]\n]+", lines[here]))
        if found:
            spot = chance.choice(found)
            lines[here] = lines[here][: spot.start()] + chance.choice(VALUES) + lines[here][spot.end() :]


def _change_field(lines: Lines, chance: random.Random, _others: list[bytes]) -> None:
    if lines:
        here = _any(lines, chance)
        found = list(re.finditer(r"\w+(?=:)", lines[here]))
        if found:
            spot = chance.choice(found)
            lines[here] = lines[here][: spot.start()] + chance.choice(FIELDS) + lines[here][spot.end() :]


def _add_field(lines: Lines, chance: random.Random, _others: list[bytes]) -> None:
    here = _any(lines, chance)
    indent = " " * (len(lines[here]) - len(lines[here].lstrip()) + chance.choice([0, 0, 2])) if lines else ""
    dash = chance.choice(["", "", "- "])
    lines.insert(here, f"{indent}{dash}{chance.choice(FIELDS)}: {chance.choice(VALUES)}")


def _drop(lines: Lines, chance: random.Random, _others: list[bytes]) -> None:
    if lines:
        del lines[_any(lines, chance)]


def _repeat(lines: Lines, chance: random.Random, _others: list[bytes]) -> None:
    if lines:
        first = _any(lines, chance)
        block = lines[first : first + chance.randint(1, 5)]
        lines[first:first] = block


def _move(lines: Lines, chance: random.Random, _others: list[bytes]) -> None:
    if lines:
        line = lines.pop(_any(lines, chance))
        lines.insert(_any(lines, chance), line)


def _indent(lines: Lines, chance: random.Random, _others: list[bytes]) -> None:
    if lines:
        here = _any(lines, chance)
        lines[here] = chance.choice(["  ", " ", "\t", "- ", "? ", "&a ", "! "]) + lines[here]


def _dedent(lines: Lines, chance: random.Random, _others: list[bytes]) -> None:
    if lines:
        here = _any(lines, chance)
        lines[here] = lines[here][chance.randint(1, 2) :]


def _borrow(lines: Lines, chance: random.Random, others: list[bytes]) -> None:
    if others:
        source = chance.choice(others).decode(errors="replace").split("\n")
        first = _any(source, chance)
        here = _any(lines, chance)
        lines[here:here] = source[first : first + chance.randint(1, 12)]


def _swap_words(lines: Lines, chance: random.Random, _others: list[bytes]) -> None:
    """One word of the text in the place of another: references to other devices, ids that clash."""
    words = re.findall(r"[\w/.-]+", "\n".join(lines))
    if words and lines:
        here = _any(lines, chance)
        found = list(re.finditer(r"[\w/.-]+", lines[here]))
        if found:
            spot = chance.choice(found)
            lines[here] = lines[here][: spot.start()] + chance.choice(words) + lines[here][spot.end() :]


MUTATIONS: tuple[Callable[[Lines, random.Random, list[bytes]], None], ...] = (
    _change_value, _change_field, _add_field, _drop, _repeat, _move, _indent, _dedent, _borrow, _swap_words,
    _swap_words,
)  # fmt: skip
