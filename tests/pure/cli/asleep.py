"""Waiting for a process that sleeps: a signal that comes just before a sleep would not end it."""

from __future__ import annotations

import time
from pathlib import Path


def wait_until_asleep(pid: int) -> None:
    """Wait until the main thread of a process is in ``time.sleep``."""
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}/wchan").read_text(encoding="ascii") != "hrtimer_nanosleep":
        assert time.monotonic() < deadline, "it does not sleep"
        time.sleep(0.02)
