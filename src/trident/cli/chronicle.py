"""The history of a host as people read it: a line for each servicing, and why it failed beneath."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from trident.cli.report import human_bytes
from trident.cli.table import paragraph
from trident.config.problems import escaped
from trident.state.entry import EntryState, HistoryEntry, ImageName
from trident.state.status import AbVolume, ServicingType

_WHAT = {
    ServicingType.CLEAN_INSTALL: "install",
    ServicingType.AB_UPDATE: "A/B update",
    ServicingType.RUNTIME_UPDATE: "runtime update",
    ServicingType.MANUAL_ROLLBACK_AB: "A/B rollback",
    ServicingType.MANUAL_ROLLBACK_RUNTIME: "runtime rollback",
}
_BAD = {EntryState.FAILED, EntryState.ROLLED_BACK, EntryState.INTERRUPTED, EntryState.HALF_WAY}
_GAP = "  "
_HEADS = {
    "when": "when (UTC)",
    "what": "what",
    "change": "from, to",
    "took": "took",
    "fetched": "fetched",
    "outcome": "outcome",
}
# What is given up where the terminal is too narrow, step by step: the length of image names, and columns.
_SHORTER: tuple[tuple[int, frozenset[str]], ...] = (
    (24, frozenset()),
    (12, frozenset()),
    (12, frozenset({"fetched"})),
    (12, frozenset({"fetched", "took"})),
    (0, frozenset()),
    (0, frozenset({"fetched"})),
    (0, frozenset({"fetched", "took"})),
)


def describe(
    entries: Sequence[HistoryEntry], *, width: int = 80, unicode: bool = True, colour: bool = False
) -> str:
    """The entries, in the order given, as a table of at most ``width`` columns.

    Args:
        entries: what to tell.
        width: columns to use.
        unicode: whether an arrow may be more than ASCII.
        colour: whether what went wrong is red.
    """
    if not entries:
        return "No servicing of this host is recorded.\n"
    arrow = "→" if unicode else "->"
    for names, without in _SHORTER:
        heads = {name: head for name, head in _HEADS.items() if name not in without}
        rows = [_cells(entry, arrow, names) for entry in entries]
        widths = {name: max(len(head), *(len(row[name]) for row in rows)) for name, head in heads.items()}
        if sum(widths.values()) + len(_GAP) * (len(widths) - 1) <= width:
            break
    lines = [_line(heads, heads, widths)]
    for entry, row in zip(entries, rows, strict=True):
        line = _line(row, heads, widths)
        lines.append(f"\x1b[31m{line}\x1b[0m" if colour and entry.state in _BAD else line)
        lines += _why(entry.error, width)
    return "\n".join(lines) + "\n"


def _cells(entry: HistoryEntry, arrow: str, longest: int) -> dict[str, str]:
    before = _system(entry.from_volume, entry.from_image, longest)
    after = _system(entry.to_volume, entry.to_image, longest)
    change = after if before in ("", after) else f"{before} {arrow} {after}"
    cells = {
        "when": entry.begun_at[:16].replace("T", " ") if entry.begun_at else "-",
        "what": _WHAT.get(entry.servicing_type, entry.servicing_type),
        "change": change or "-",
        "took": human_seconds(sum(entry.seconds.values())) if entry.seconds else "-",
        "fetched": human_bytes(entry.bytes_fetched) if entry.bytes_fetched else "-",
        "outcome": str(entry.state).replace("-", " "),
    }
    # Names come from a file that somebody else may have written: a terminal obeys none of them.
    return {name: escaped(cell) for name, cell in cells.items()}


def _system(volume: AbVolume | None, image: ImageName | None, longest: int) -> str:
    """A volume and what is on it: ``B 13.2``."""
    name = ""
    if image is not None and longest:
        name = image.version or image.url.rstrip("/").rpartition("/")[2].removesuffix(".cosi")
        name = name if len(name) <= longest else name[: longest - 3] + "..."
    return " ".join(part for part in (volume.letter.upper() if volume else "", name) if part)


def _why(error: Any, width: int) -> Iterator[str]:
    """An error as it stands in the datastore, whatever wrote it."""
    if error is None:
        return
    kind, code = error.get("category"), error.get("error")
    code = next(iter(code), None) if isinstance(code, dict) else code
    name = "/".join(str(part) for part in (kind, code) if part)
    yield from paragraph(f"error[{name}]: {error.get('message') or ''}", width, first="    ")
    if error.get("hint"):
        yield from paragraph(f"hint: {error['hint']}", width, first="    ")


def _line(cells: dict[str, str], heads: dict[str, str], widths: dict[str, int]) -> str:
    return _GAP.join(
        cells[name].rjust(widths[name]) if name in ("took", "fetched") else cells[name].ljust(widths[name])
        for name in heads
    ).rstrip()


def human_seconds(seconds: float) -> str:
    """A duration for people: ``0.4s``, ``12s``, ``3m 05s``, ``2h 10m``."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02}m"
