"""Beginning a verb that changes the host: alone, and with what a killed run left behind cleared away."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from trident.host.left_scripts import end_left_scripts
from trident.host.mount import RUN_DIRECTORY, unmount_below
from trident.host.netplan import remove_left_copies
from trident.state.lock import servicing_lock

if TYPE_CHECKING:
    from trident.servicing.environment import Environment

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def alone(verb: str, environment: Environment, patience: Callable[[], float] = lambda: 0.0) -> Iterator[None]:
    """Hold the servicing lock for the body; first, clear away what a run that was killed has left.

    That is a user's script which still runs, copies of netplan's files, which may hold passwords, and what is
    still mounted below Trident's own directory: every other run clears away its own.

    Args:
        verb: what is going to be done, for whoever comes second.
        environment: where the lock lies.
        patience: seconds to wait where another command is at work.

    Raises:
        Initialization: ``servicing-in-progress``, ``open-lock``.
        Servicing: ``script-still-runs`` if a script does not end, ``unmount`` if something holds what was
            left.
    """
    with servicing_lock(verb, environment.lock, patience):
        remove_left_copies()
        for process in end_left_scripts():
            _log.warning("Ended %s, which a script of a run that was killed had left.", process)
        for target in unmount_below(RUN_DIRECTORY):
            _log.warning("Unmounted %s, which a run that was killed had left.", target)
        yield
