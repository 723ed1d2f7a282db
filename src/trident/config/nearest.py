"""The nearest of some known words."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 60


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that was probably meant, or ``None``."""
    known = list(candidates)
    bare = {_bare(candidate): candidate for candidate in known}
    if _bare(word) in bare:
        return bare[_bare(word)]
    if len(word) > _LONGEST:
        return None
    import difflib

    close = difflib.get_close_matches(_bare(word), bare, n=1, cutoff=0.6)
    return bare[close[0]] if close else None


def _bare(word: str) -> str:
    return word[:200].lower().replace("-", "").replace("_", "").replace(" ", "")
