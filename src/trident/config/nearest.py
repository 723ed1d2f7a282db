"""The known word that was probably meant: the nearest one, or the one that others have for the same."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 60
_OTHER_WORDS: dict[str, dict[str, str | None]] = {
    "AdditionalFile": {"path": "destination", "mode": "permissions"},
    "FileSystemType": {
        **dict.fromkeys(("bcachefs", "btrfs", "exfat", "f2fs", "jfs", "reiserfs", "squashfs", "zfs")),
        **dict.fromkeys(("fat", "fat16", "fat32", "msdos"), "vfat"),
        **dict.fromkeys(("ext2", "ext3"), "ext4"),
    },
    "PartitionType": {
        "boot": "xbootldr",
        "efi": "esp",
        **dict.fromkeys(("data", "generic", "linux"), "linux-generic"),
        "verity": None,
    },
    "RaidLevel": {
        **{level: f"raid{level}" for level in ("0", "1", "5", "6", "10")},
        **dict.fromkeys(("raid4", "raid01")),
        "mirror": "raid1",
        "stripe": "raid0",
    },
    "SshMode": dict.fromkeys(("key", "keys", "keysonly"), "key-only"),
}
"""Words of other tools, by the name of the object or the enumeration; ``None``: nothing here is like it."""


def meant_by(kind: str, word: str, candidates: Iterable[str]) -> str | None:
    """As :func:`nearest`, for a field of an object or a member of an enumeration of that name."""
    others = _OTHER_WORDS.get(kind, {})
    bare = _bare(word)
    return others[bare] if bare in others else nearest(word, candidates)


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
