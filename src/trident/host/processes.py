"""The processes of this machine, from /proc: who started whom, which still run, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def parents() -> dict[int, int]:
    """The parent of each process."""
    found: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if len(fields) > 1:
                found[int(entry.name)] = int(fields[1])
    return found


def children(of: set[int], tree: Mapping[int, int]) -> set[int]:
    """The processes that those of ``of`` have started, by the parents in ``tree``."""
    return {pid for pid, parent in tree.items() if parent in of}


def descendants(of: set[int], tree: Mapping[int, int]) -> set[int]:
    """Those of ``of``, all that they have started, and so on, by the parents in ``tree``."""
    found, fresh = set(of), of
    while fresh:
        fresh = children(fresh, tree) - found
        found |= fresh
    return found


def runs(pid: int) -> bool:
    """Whether a process is there and not only waits to be reaped."""
    state = _stat(pid)[:1]
    return bool(state) and state[0] not in {"Z", "X"}


def name_of(pid: int) -> str:
    """What a process is called; ``?`` if it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "?"


def was_given(pid: int, variable: str) -> str | None:
    """A variable of the environment that a process was started with; ``None`` also if that cannot be read."""
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    prefix = variable.encode() + b"="
    return next(
        (
            entry.removeprefix(prefix).decode("utf-8", "replace")
            for entry in entries
            if entry.startswith(prefix)
        ),
        None,
    )


def _stat(pid: int) -> list[str]:
    """State, parent and so on of a process (proc_pid_stat(5)); nothing if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
