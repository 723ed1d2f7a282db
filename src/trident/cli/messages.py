"""The events of a servicing as log records: levels, wording, and the journal's message ids.

The ids are for ever: programs look for them. ``packaging/trident.catalog`` explains each to people.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from trident.cli.log import log_failure, note_context
from trident.progress import (
    BytesMoved,
    Event,
    Notice,
    OperationBegun,
    OperationEnded,
    ServicingBegun,
    ServicingEnded,
    ServicingSelected,
    StepBegun,
    StepEnded,
    Undone,
)
from trident.trace import TRACE

SERVICING_BEGUN = "edbda1d083e64c8d8356e736850cbe9c"
SERVICING_ENDED = "2358a17612d8480e84b732ca4628e861"
SERVICING_FAILED = "58e673a205844fcab371b4e20848b4a1"
STEP_FAILED = "946a0b0ff394429db09b597d246fa13b"
COMMITTED = "aed627f2d81444a38e76f27a4a3e9caa"
ROLLED_BACK = "c22ccb6d16724023b310c7cff49c596c"
UNDONE = "8020275436a24d6088a0f9ea362fec85"
HALF_WAY = "25ee45055c394170852676a7f83f8ff5"

_NOTICES = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}
_log = logging.getLogger("trident.progress")


class LoggedEvents:
    """A sink that logs events and says of each record what was going on."""

    def __init__(self) -> None:
        self._title = ""
        self._tenth = 0

    def __call__(self, event: Event) -> None:
        """Log the event."""
        match event:
            case ServicingBegun():
                note_context(verb=event.verb)
                _tell(logging.INFO, f"'trident {event.verb}' begins.", SERVICING_BEGUN)
            case ServicingSelected():
                if event.reason:
                    _tell(logging.INFO, event.reason)
            case OperationBegun():
                note_context(servicing=event.servicing, operation=event.operation)
                _tell(logging.INFO, f"{event.operation} of {event.servicing} begins: {event.steps} steps.")
            case StepBegun():
                note_context(step=event.step)
                self._title, self._tenth = f"[{event.index}/{event.total}] {event.title}", 0
                _tell(logging.DEBUG, f"{self._title} begins.")
            case BytesMoved():
                self._moved(event)
            case StepEnded():
                self._step_ended(event)
            case OperationEnded():
                text = f"{event.operation} of {event.servicing}: {event.outcome} after {event.seconds:.2f} s."
                _tell(logging.INFO if event.outcome == "done" else logging.WARNING, text)
                note_context(operation=None)
            case Undone(outcome="done"):
                note_context(servicing=event.servicing)
                text = f"{event.servicing} was undone: the running system is what it was before."
                _tell(logging.WARNING, text, UNDONE)
            case Undone():
                note_context(servicing=event.servicing)
                text = f"{event.servicing} cannot be undone: the running system is half-way."
                _tell(logging.ERROR, text, HALF_WAY)
            case ServicingEnded():
                _servicing_ended(event)
            case Notice():
                is_drawn = event.level == "warning"
                _log.log(_NOTICES[event.level], "%s", event.text, extra={"is_drawn": is_drawn})

    def _moved(self, event: BytesMoved) -> None:
        tenth = event.done * 10 // event.total if event.total else 0
        if tenth > self._tenth:
            self._tenth = tenth
            _tell(TRACE, f"{event.done} of {event.total} bytes.")

    def _step_ended(self, event: StepEnded) -> None:
        is_done = event.outcome == "done"
        text = f"{self._title or event.step}: {event.outcome} after {event.seconds:.2f} s."
        _tell(logging.INFO if is_done else logging.ERROR, text, None if is_done else STEP_FAILED)
        note_context(step=None)


def _servicing_ended(event: ServicingEnded) -> None:
    note_context(servicing=event.servicing)
    took = f" ('trident {event.verb}', {event.seconds:.2f} s)"
    if event.outcome == "done":
        ids = (
            {"commit": COMMITTED, "rollback": ROLLED_BACK} if event.servicing != "no-active-servicing" else {}
        )
        _tell(logging.INFO, event.summary + took, ids.get(event.verb, SERVICING_ENDED))
        return
    log_failure(failure(event.error or {}) + took, SERVICING_FAILED)
    if event.needs_reboot:
        _tell(logging.WARNING, event.summary, ROLLED_BACK)


def failure(error: Mapping[str, Any]) -> str:
    """An error document in one line."""
    code = error.get("error")
    name = code if isinstance(code, str) else ", ".join(code or ())
    parts = (error.get("message"), f"({error['cause']})" if error.get("cause") else None, error.get("hint"))
    return f"{error.get('category')}/{name}: " + " ".join(part for part in parts if part)


def _tell(level: int, text: str, message_id: str | None = None) -> None:
    # The progress lines on stderr, and the error at the end, say the same.
    _log.log(level, "%s", text, extra={"is_drawn": True, "message_id": message_id})
