"""Pictures of disks as bars of text, to scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trident.cli.report import human_bytes
from trident.cli.table import columns
from trident.plan.picture import DiskPicture, Fate, Segment

_LEFT = 10
# Free space smaller than this share of the bar is alignment, not worth a piece of its own.
_SPECK = 0.01


@dataclass(frozen=True)
class Pens:
    """The characters of a bar."""

    edge: str
    free: str
    fills: dict[Fate, str]


UNICODE = Pens(
    "│",
    " ",
    {Fate.WRITTEN: "█", Fate.EMPTY: "·", Fate.KEPT: "░", Fate.ADOPTED: "▓", Fate.ERASED: "▒"},
)
ASCII = Pens(
    "|",
    " ",
    {Fate.WRITTEN: "#", Fate.EMPTY: ".", Fate.KEPT: "-", Fate.ADOPTED: "=", Fate.ERASED: "x"},
)


def draw(picture: DiskPicture, width: int, pens: Pens) -> Iterator[str]:
    """A disk before and after, with a legend."""
    size = human_bytes(picture.size) if picture.size is not None else "not found"
    yield f"  Disk {picture.id}, {picture.device}, {size}"
    if picture.size is None:
        return
    same = _places(picture.before) == _places(picture.after)
    yield from _bar("before", picture.before, picture.size, width, pens)
    if not same:
        yield from _legend(picture.before or (), width)
    yield from _bar("after", picture.after, picture.size, width, pens)
    yield from _legend(picture.after or (), width)


def key(pictures: Sequence[DiskPicture], pens: Pens) -> str:
    """What the fills that were used mean."""
    used = {
        part.fate for picture in pictures for parts in (picture.before, picture.after) for part in parts or ()
    }
    return "   ".join(f"{pens.fills[fate] * 2} {fate}" for fate in Fate if fate in used)


def _places(parts: tuple[Segment, ...] | None) -> list[tuple[int, int]] | None:
    return None if parts is None else [(part.start, part.size) for part in parts]


def _bar(name: str, parts: tuple[Segment, ...] | None, size: int, width: int, pens: Pens) -> Iterator[str]:
    head = f"    {name}".ljust(_LEFT + 2)
    if parts is None:
        yield head + "not known"
        return
    pieces = _pieces(parts, size)
    room = width - len(head) - len(pieces) - 1
    lengths = share(
        [length for length, _ in pieces], [len(_number(part)) for _, part in pieces], max(room, 1)
    )
    bar = pens.edge
    for length, (_, part) in zip(lengths, pieces, strict=True):
        fill = pens.fills[part.fate] if part is not None else pens.free
        bar += _number(part).ljust(length, fill) + pens.edge
    yield head + bar


def _number(part: Segment | None) -> str:
    return "" if part is None or part.number is None else str(part.number)


def _pieces(parts: tuple[Segment, ...], size: int) -> list[tuple[int, Segment | None]]:
    """Partitions and the free space between them, by their lengths in bytes."""
    pieces: list[tuple[int, Segment | None]] = []
    end = 0
    for part in sorted(parts, key=lambda part: part.start):
        if part.start - end > size * _SPECK:
            pieces.append((part.start - end, None))
        pieces.append((part.size, part))
        end = part.start + part.size
    if size - end > size * _SPECK or not pieces:
        pieces.append((size - end, None))
    return pieces


def share(sizes: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Divide ``room`` characters among pieces in proportion to their sizes.

    Args:
        sizes: of the pieces, in bytes.
        least: characters that each piece gets at least, also where all of them are more than the room.
        room: characters in all.
    """
    lengths = list(least)
    total = sum(sizes) or 1
    for _ in range(room - sum(lengths)):
        # The piece that lacks most of what it is due.
        wanting = max(range(len(sizes)), key=lambda index: sizes[index] * room / total - lengths[index])
        lengths[wanting] += 1
    return lengths


def _legend(parts: Sequence[Segment], width: int) -> Iterator[str]:
    rows = [
        (
            _number(part),
            part.id or part.label,
            human_bytes(part.size),
            _side(part),
            part.source or str(part.fate),
        )
        for part in parts
    ]
    yield from columns(rows, width, indent=6)


def _side(part: Segment) -> str:
    if part.side is None:
        return ""
    return f"{part.side.upper()} {'active' if part.active else 'inactive'}"
