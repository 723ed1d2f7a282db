"""Which parts of a script, a file, a variable or an argument other text is searched for. Pure.

Nobody says what in them is secret, so all is taken but what a log is full of anyway. Lines are split up, too:
``sh -x`` prints their words without the quotes, and a program that refuses a password repeats just that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

SHORTEST = 6
"""A shorter value, such as ``1`` or ``eth0``, cannot be searched for without hiding half of a log."""
_SHORTEST_PART = 8

# A word, or a short command such as 'exit 1'.
_PLAIN = re.compile(r"[A-Za-z]+|.*\s.*", re.DOTALL)
_OPTION = re.compile(r"--[a-z0-9]+(?:-[a-z0-9]+)*")
# Below the directories of file-hierarchy(7) and the FHS. Anything else that begins with '/' may be Base64.
_PATH = re.compile(
    r"/(?:bin|boot|dev|efi|etc|home|lib(?:32|64|x32)?|media|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|var)"
    r"(?:/[\w.+@:~\-]*)*"
)
_BETWEEN_WORDS = re.compile(r"[\s'\"`=:;,|&<>(){}\[\]$@]+")
_BETWEEN_PIECES = re.compile(r"[\-_./+~]+")
# A piece of what people write: a name such as ExecStart or ens192, or a number with its unit.
_WRITTEN = re.compile(r"[A-Z]*[a-z]*(?:[A-Z][a-z]{2,})*|[A-Za-z]+\d{1,4}|\d+[A-Za-z]{0,3}")
_LONGEST_NUMBERED_NAME = 7
_SHORTEST_ODD_PIECE = 5


def of_text(text: str) -> Iterator[str]:
    """What of the value of a variable, or of the content of a script or a file, to search for."""
    whole = text.strip()
    shortest = _SHORTEST_PART if _PLAIN.fullmatch(whole) else SHORTEST
    if len(whole) >= shortest and not _PATH.fullmatch(whole):
        yield whole
    yield from _parts(text)


def of_argument(text: str) -> Iterator[str]:
    """What of an argument to search for: no option, but its value."""
    name, _, value = text.partition("=")
    yield from of_text(value if _OPTION.fullmatch(name) else text)


def _parts(text: str) -> Iterator[str]:
    """Its lines, and the words of them that look made rather than written: ``hunter2hunter2``."""
    for line in map(str.strip, text.splitlines()):
        if len(line) >= _SHORTEST_PART and not _PATH.fullmatch(line):
            yield line
        yield from filter(_is_made, _BETWEEN_WORDS.split(line))


def _is_made(word: str) -> bool:
    if len(word) < _SHORTEST_PART or _PATH.fullmatch(word):
        return False
    return any(map(_is_odd, _BETWEEN_PIECES.split(word)))


def _is_odd(piece: str) -> bool:
    """Whether letters, digits and capitals are mixed as in no name."""
    if len(piece) < _SHORTEST_ODD_PIECE or piece.isdigit():
        return False
    has_digit = any(map(str.isdigit, piece))
    return (has_digit and len(piece) > _LONGEST_NUMBERED_NAME) or not _WRITTEN.fullmatch(piece)
