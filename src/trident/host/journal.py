"""Records to systemd's journal, with fields (systemd: Native Journal Protocol).

python3-systemd would bring a C library, and no wheel, for what is one datagram.
"""

from __future__ import annotations

import array
import errno
import fcntl
import logging
import os
import socket
from pathlib import Path
from typing import TextIO

from trident.host.fulllog import context

JOURNAL_SOCKET = Path("/run/systemd/journal/socket")
IDENTIFIER = "trident"

# syslog(3) priorities; journald knows nothing below debug.
_PRIORITIES = {logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6}
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_CONTEXT = {
    "verb": "TRIDENT_VERB",
    "servicing": "TRIDENT_SERVICING_TYPE",
    "operation": "TRIDENT_OPERATION",
    "step": "TRIDENT_STEP",
}


class Journal(logging.Handler):
    """Sends each record to journald. What it does not take at once is dropped: nobody waits for a log."""

    def __init__(self, path: Path = JOURNAL_SOCKET) -> None:
        """Find the journal.

        Raises:
            OSError: there is none.
        """
        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record."""
        try:
            self._send(datagram(record))
        except (OSError, ValueError, TypeError):
            return

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        super().close()

    def _send(self, message: bytes) -> None:
        try:
            self._socket.send(message, socket.MSG_DONTWAIT)
        except OSError as error:
            if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                raise
            # Too large for a datagram: journald takes it as a sealed file.
            descriptor = os.memfd_create("trident-journal", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            with os.fdopen(descriptor, "wb") as file:
                file.write(message)
                file.flush()
                fcntl.fcntl(file.fileno(), fcntl.F_ADD_SEALS, _SEALS)
                rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file.fileno()]))
                self._socket.sendmsg([b""], [rights], socket.MSG_DONTWAIT)


def datagram(record: logging.LogRecord) -> bytes:
    """A record in journald's format; a value of several lines carries its length."""
    fields = {
        "MESSAGE": record.getMessage() + (f"\n{record.exc_text}" if record.exc_text else ""),
        "PRIORITY": str(next((p for level, p in _PRIORITIES.items() if record.levelno >= level), 7)),
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        "CODE_FILE": record.pathname,
        "CODE_LINE": str(record.lineno),
        "CODE_FUNC": record.funcName or "",
        "MESSAGE_ID": getattr(record, "message_id", None) or "",
    }
    fields |= {_CONTEXT[name]: value for name, value in context(record).items() if name in _CONTEXT}
    return b"".join(_field(name, value) for name, value in fields.items() if value)


def _field(name: str, value: str) -> bytes:
    text = value.encode("utf-8", "backslashreplace")
    if b"\n" in text:
        return b"%b\n%b%b\n" % (name.encode(), len(text).to_bytes(8, "little"), text)
    return b"%b=%b\n" % (name.encode(), text)


def leads_to_journal(stream: TextIO) -> bool:
    """Whether what a standard stream gets ends in the journal (systemd.exec(5): ``$JOURNAL_STREAM``)."""
    try:
        device, inode = map(int, os.environ["JOURNAL_STREAM"].split(":"))
        found = os.fstat(stream.fileno())
    except (KeyError, ValueError, OSError, AttributeError):
        return False
    return (found.st_dev, found.st_ino) == (device, inode)
