"""The log: to stderr as ``--verbosity`` says, to the full log, and to the journal.

Each record carries what was going on (verb, servicing, operation, step), and none carries a secret.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from trident.cli.parser import SERVICING_VERBS
from trident.trace import TRACE

if TYPE_CHECKING:
    from trident.config.secrets import Redactor

_KEPT_VERBS = SERVICING_VERBS | {"diagnose"}
_LEVELS = {
    "OFF": logging.CRITICAL + 1,
    "ERROR": logging.ERROR,
    "WARN": logging.WARNING,
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
    "TRACE": TRACE,
}


class _Context(logging.Filter):
    """Puts on each record what is going on, and takes secrets out of it before any handler sees it."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.has_told_failure = False
        self._redactor: Redactor | None = None

    @property
    def redactor(self) -> Redactor:
        if self._redactor is None:
            from trident.config.secrets import Redactor

            self._redactor = Redactor()
        return self._redactor

    def forget_secrets(self) -> None:
        self._redactor = None

    @property
    def knows_secrets(self) -> bool:
        return self._redactor is not None

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "context"):
            record.context = dict(self.fields)
            record.msg, record.args = self.redactor.text(record.getMessage()), None
            if record.exc_info:
                record.exc_text = self.redactor.text(logging.Formatter().formatException(record.exc_info))
                record.exc_info = None
        return True


_context = _Context()


def set_up_logging(verbosity: str | None, verb: str) -> None:
    """Send the log of a verb to stderr; that of a servicing verb also to the full log and the journal.

    Args:
        verbosity: what stderr shows. ``None``: of a servicing in a pipe everything down to debug, elsewhere
            warnings, because on a terminal the progress display takes the place of the rest.
        verb: what runs.
    """
    root = logging.getLogger("trident")
    root.propagate = False
    root.setLevel(TRACE)
    logging.raiseExceptions = False  # a log that cannot be written must not be louder than the error
    for old in tuple(root.handlers):
        root.removeHandler(old)
        old.close()
    _context.fields = {"verb": verb}
    _context.has_told_failure = False
    _context.forget_secrets()
    if verbosity is None:
        verbosity = "DEBUG" if verb in SERVICING_VERBS and not sys.stderr.isatty() else "WARN"
    is_journalled = False
    if verb in _KEPT_VERBS:
        is_journalled = _add_journal(root)
        _add_full_log(root)
    if not (is_journalled and _stderr_is_journal()):
        _add_stderr(root, _LEVELS[verbosity])


def note_context(**fields: str | None) -> None:
    """Say what is going on from here on; ``None`` ends it."""
    for name, value in fields.items():
        if value is None:
            _context.fields.pop(name, None)
        else:
            _context.fields[name] = value


def keep_secret(document: Mapping[str, Any]) -> None:
    """From here on no log shows what is secret in this Host Configuration."""
    _context.redactor.learn(document)


def without_secrets(value: Any) -> Any:
    """Text or plain data, which may quote what a script or a service printed, as any log may show it."""
    if not _context.knows_secrets:
        return value
    return _context.redactor.text(value) if isinstance(value, str) else _context.redactor.document(value)


def log_failure(text: str, message_id: str | None = None) -> None:
    """Log how the command failed, once; stderr gets the error itself."""
    if not _context.has_told_failure:
        _context.has_told_failure = True
        extra = {"is_drawn": True, "message_id": message_id}
        logging.getLogger("trident.progress").error("%s", text, extra=extra)


def is_told_by_journal(stream: TextIO | None = None) -> bool:
    """Whether a stream (stderr) leads to the journal, which gets every record with its fields already."""
    from trident.host.journal import Journal, leads_to_journal

    handlers = logging.getLogger("trident").handlers
    return any(isinstance(handler, Journal) for handler in handlers) and leads_to_journal(
        stream or sys.stderr
    )


class _Stderr(logging.StreamHandler[Any]):
    """Writes to whatever ``sys.stderr`` is at the time: a progress display puts itself in its place."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr


def _add_stderr(root: logging.Logger, level: int) -> None:
    handler = _Stderr()
    handler.setLevel(level)
    handler.setFormatter(_Lines("%(levelname)s %(message)s"))
    handler.addFilter(_context)
    handler.addFilter(lambda record: not getattr(record, "is_drawn", False))
    root.addHandler(handler)


class _Lines(logging.Formatter):
    """Text for a terminal, which nothing in it can command."""

    def format(self, record: logging.LogRecord) -> str:
        from trident.config.problems import escaped_lines

        return escaped_lines(super().format(record))


def _add_full_log(root: logging.Logger) -> None:
    from trident.host.fulllog import FullLog

    try:
        handler = FullLog()
    except OSError:
        return  # Servicing goes on without its full log; stderr and the journal still tell.
    handler.setLevel(TRACE)
    handler.addFilter(_context)
    root.addHandler(handler)


def _add_journal(root: logging.Logger) -> bool:
    from trident.host.journal import Journal

    try:
        handler = Journal()
    except OSError:
        return False
    handler.setLevel(logging.DEBUG)
    handler.addFilter(_context)
    root.addHandler(handler)
    return True


def _stderr_is_journal() -> bool:
    from trident.host.journal import leads_to_journal

    return leads_to_journal(sys.stderr)
