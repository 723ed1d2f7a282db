"""The full log: every record of every servicing as a line of JSON, and the copies kept beside the datastore.

Field names, place and names of the copies are upstream's (How-To-Guides: View Trident's Background Log).
Upstream begins the file anew at each start; this one is only added to, and logrotate(8) keeps it small.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from trident.host.files import write_file
from trident.trace import TRACE

FULL_LOG = Path("/var/log/trident-full.log")
COPY_NAME = re.compile(r"trident-(?!health-check-failure-)([a-z][a-z-]*)-(\d{8}T\d{6}Z)\.log")
# Reports on health checks lie beside the copies; they are kept as long.
REPORT_NAME = re.compile(r"trident-health-check-failure-(\d{8}T\d{6}Z)\.log")

KEPT_COPIES = 20
COPY_BYTES = 1024 * 1024
# A copy is only of use while the datastore beside it can still grow.
_SPARE_BYTES = 16 * 1024 * 1024
_SECOND = 10**9

_LEVELS = {
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": TRACE,
}
_SOURCES = f"{Path(__file__).resolve().parents[2]}/"


class FullLog(logging.Handler):
    """Adds each record to a file as one line of JSON.

    A line is one ``write(2)`` at the end of the file, so that two processes do not mix theirs. The file is
    for root alone. What cannot be written is left out: a log never stops what it tells of.
    """

    def __init__(self, path: Path = FULL_LOG) -> None:
        """Open the log.

        Raises:
            OSError: it cannot be opened, or is no regular file.
        """
        super().__init__()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        self._descriptor = os.open(path, flags, 0o600)
        try:
            found = os.fstat(self._descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(f"{path} is no regular file")
            if stat.S_IMODE(found.st_mode) != 0o600:
                os.fchmod(self._descriptor, 0o600)
        except OSError:
            os.close(self._descriptor)
            raise
        self._begin = found.st_size
        self._is_torn = False

    def emit(self, record: logging.LogRecord) -> None:
        """Add a record; an error of the file is forgotten."""
        try:
            line = (
                json.dumps(document(record), ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
            )
            if self._is_torn:
                line = b"\n" + line
            self._is_torn = os.write(self._descriptor, line) < len(line)
        except (OSError, ValueError, TypeError):
            return

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        super().close()

    def lines_of_this_run(self) -> bytes:
        """The lines that this process added; of very many the last ones.

        Raises:
            OSError: the file cannot be read.
        """
        end = os.fstat(self._descriptor).st_size
        # Somebody who emptied the file took what this run began behind; all that is there was added since.
        ours_begin = self._begin if end >= self._begin else 0
        begin = max(ours_begin, end - 2 * COPY_BYTES)
        content = os.pread(self._descriptor, end - begin, begin)
        lines = content.splitlines(keepends=True)
        if begin > ours_begin:
            del lines[:1]  # The first one is cut.
        ours = re.compile(rb'"pid": %d[,}]' % os.getpid())  # In a message the quotes would be escaped.
        kept: list[bytes] = []
        size = 0
        for line in reversed(lines):
            if not ours.search(line):
                continue
            size += len(line)
            if size > COPY_BYTES:
                break
            kept.append(line)
        return b"".join(reversed(kept))

    def keep_copy(self, directory: Path, state: str) -> Path | None:
        """Keep the lines of this run in ``directory``, durably, as ``trident-<state>-<time>.log``.

        Only the newest copies stay, and none is made where little room is left.

        Args:
            directory: where the datastore lies.
            state: the servicing state that the run led to.

        Returns:
            The copy, or ``None`` if there was nothing to keep or no room.

        Raises:
            OSError: it cannot be written.
        """
        lines = self.lines_of_this_run()
        room = os.statvfs(directory)
        if not lines or room.f_bavail * room.f_frsize < len(lines) + _SPARE_BYTES:
            return None
        path = _free_name(directory, state)
        write_file(path, lines, mode=0o600)
        date_last(path)
        for kind in (kept_copies(directory), kept_reports(directory)):
            for old in sorted(kind, key=_age, reverse=True)[KEPT_COPIES:]:
                with contextlib.suppress(OSError):
                    old.unlink()
        return path


def full_log() -> FullLog | None:
    """The open full log of this process, if it has one."""
    for handler in logging.getLogger("trident").handlers:
        if isinstance(handler, FullLog):
            return handler
    return None


def kept_copies(directory: Path) -> Iterator[Path]:
    """The copies of earlier runs' logs in ``directory``.

    Raises:
        OSError: the directory cannot be read.
    """
    return (path for path in directory.iterdir() if COPY_NAME.fullmatch(path.name))


def kept_reports(directory: Path) -> Iterator[Path]:
    """The reports on health checks that failed, in ``directory``.

    Raises:
        OSError: the directory cannot be read.
    """
    return (path for path in directory.iterdir() if REPORT_NAME.fullmatch(path.name))


def date_last(path: Path) -> None:
    """Let a new copy or report be modified after all others of its kind, also where the clock was set back.

    The name tells what the clock said. Which of them are the oldest tells the time of modification alone: a
    host whose clock stands still without power would else lose what it has just written.
    """
    pattern = REPORT_NAME if REPORT_NAME.fullmatch(path.name) else COPY_NAME
    with contextlib.suppress(OSError, OverflowError):
        others = [
            other
            for other in path.parent.iterdir()
            if pattern.fullmatch(other.name) and other.name != path.name
        ]
        newest = max((other.stat().st_mtime_ns for other in others), default=0)
        if path.stat().st_mtime_ns <= newest:
            os.utime(path, ns=(newest + _SECOND, newest + _SECOND))


def document(record: logging.LogRecord) -> dict[str, object]:
    """A record as the full log holds it.

    ``level``, ``message``, ``target``, ``module``, ``file`` and ``line`` are upstream's fields; ``time``,
    ``pid`` and what the record's ``context`` holds (verb, servicing, operation, step) are ours.
    """
    moment = datetime.fromtimestamp(record.created, UTC)
    fields: dict[str, object] = {
        "time": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "level": level_name(record.levelno),
        "message": record.getMessage(),
        "target": record.name,
        "module": _module(record.pathname),
        "file": _file(record.pathname),
        "line": record.lineno,
        "pid": record.process or os.getpid(),
    }
    fields.update(context(record))
    if record.exc_text:
        fields["exception"] = record.exc_text
    return fields


def context(record: logging.LogRecord) -> dict[str, str]:
    """What was going on when the record was made: the verb, and the servicing, operation and step, if any."""
    found: dict[str, str] = getattr(record, "context", {})
    return found


def level_name(level: int) -> str:
    """The level as upstream spells it."""
    return next((name for name, least in _LEVELS.items() if level >= least), "trace")


def _file(pathname: str) -> str:
    """The source file from the package on: where it is installed says nothing."""
    return pathname.removeprefix(_SOURCES) if pathname.startswith(_SOURCES) else Path(pathname).name


def _module(pathname: str) -> str:
    return _file(pathname).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _free_name(directory: Path, state: str) -> Path:
    """A name that no copy has: two runs may end within one second."""
    now = int(time.time())
    while True:
        path = directory / f"trident-{state}-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}.log"
        if not path.exists():
            return path
        now += 1


def _age(path: Path) -> tuple[int, str]:
    """What sorts copies by age: when they were modified, and of two at once the time in the name."""
    try:
        modified = path.stat().st_mtime_ns
    except OSError:
        modified = 0  # Somebody else has just removed it.
    return modified, path.stem.rpartition("-")[2]
