"""Threads that take no signals, so that all of them reach the main thread, which alone can act on them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

_THOSE_OF_A_COMMAND = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def start_thread(name: str, work: Callable[[], None]) -> threading.Thread:
    """Run ``work`` in a thread that does not keep the program from ending.

    A signal for a process goes to any of its threads that does not block it. The kernel prefers the first,
    but not where all are stopped, and that is how a host goes down: systemd-shutdown stops every process,
    sends SIGTERM, and lets them go on. Python runs handlers in the main thread only, which sleeps on where
    another thread took the signal; the host then waits for the program as long as it waits for any.

    Args:
        name: of the thread.
        work: starts no programs; they would inherit what is blocked.
    """
    thread = threading.Thread(target=work, name=name, daemon=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _THOSE_OF_A_COMMAND)
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return thread
