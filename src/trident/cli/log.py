"""The log: to stderr as ``--verbosity`` says, and everything to a background log for later."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

# Upstream keeps its background log at this path too (How-To-Guides: View Trident's Background Log).
BACKGROUND_LOG = Path("/var/log/trident-full.log")
_SERVICING_VERBS = {"install", "update", "commit"}
_LEVELS = {
    "OFF": logging.CRITICAL + 1,
    "ERROR": logging.ERROR,
    "WARN": logging.WARNING,
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
    "TRACE": logging.DEBUG,
}


def set_up_logging(verbosity: str, verb: str) -> None:
    """Send the log of a servicing verb to stderr and to the background log; other verbs log warnings only.

    On a terminal the progress display takes the place of debug lines; they are in the background log.
    """
    root = logging.getLogger("trident")
    root.setLevel(logging.DEBUG)
    root.propagate = False
    logging.raiseExceptions = False  # a log that cannot be written must not be louder than the error
    level = _LEVELS[verbosity]
    if verb not in _SERVICING_VERBS or sys.stderr.isatty():
        level = max(level, logging.WARNING)
    stderr = logging.StreamHandler(sys.stderr)
    stderr.setLevel(level)
    stderr.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    stderr.addFilter(_not_shown_otherwise)
    root.addHandler(stderr)
    if verb in _SERVICING_VERBS:
        _add_background_log(root)


def _not_shown_otherwise(record: logging.LogRecord) -> bool:
    """Whether stderr needs the record: the progress lines tell of steps already."""
    return record.name != "trident.progress" or record.levelno > logging.DEBUG


def _add_background_log(root: logging.Logger) -> None:
    try:
        BACKGROUND_LOG.touch(mode=0o600)
        handler = logging.FileHandler(BACKGROUND_LOG, encoding="utf-8")
    except OSError:
        return  # Servicing goes on without its background log; stderr still tells.
    handler.setFormatter(logging.Formatter("%(asctime)s [%(process)d] %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
