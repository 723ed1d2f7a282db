"""QEMU's control socket (QMP): commands, and waiting for events."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.errors import LabError, TimedOut

Event = dict[str, Any]


class Qmp:
    """A connection to one QEMU. A thread reads, so events are never missed between two waits."""

    def __init__(self, path: Path, alive: Callable[[], bool], seconds: float = 20.0) -> None:
        """Connect to ``path``, waiting for QEMU to open it while ``alive()`` holds.

        Raises:
            LabError: QEMU ended before it opened its socket.
            TimedOut: it did not open it within ``seconds``.
        """
        self._socket = _connect(path, alive, seconds)
        self._changed = threading.Condition()
        self._events: list[Event] = []
        self._answers: list[dict[str, Any]] = []
        self._closed = False
        threading.Thread(target=self._read, name=f"qmp {path.parent.name}", daemon=True).start()
        self.execute("qmp_capabilities")

    def execute(self, command: str, *, seconds: float = 60.0, **arguments: Any) -> Any:
        """Run a command and return its result. Underscores in argument names stand for dashes.

        Raises:
            LabError: QEMU refused it, or the connection ended.
            TimedOut: no answer within ``seconds``.
        """
        message: dict[str, Any] = {"execute": command}
        if arguments:
            message["arguments"] = {key.replace("_", "-"): value for key, value in arguments.items()}
        with self._changed:
            self._answers.clear()
            try:
                self._socket.sendall(json.dumps(message).encode() + b"\n")
            except OSError as error:
                raise LabError(f"QEMU is gone; '{command}' was not sent.") from error
            if not self._changed.wait_for(lambda: self._answers or self._closed, seconds):
                raise TimedOut(f"QEMU did not answer '{command}' within {seconds} s.")
            if not self._answers:
                raise LabError(f"QEMU ended during '{command}'.")
            answer = self._answers.pop()
        if "error" in answer:
            raise LabError(f"QEMU refused '{command}': {answer['error'].get('desc')}")
        return answer["return"]

    def mark(self) -> int:
        """A place in the event stream, for ``wait_for_event(since=...)``."""
        with self._changed:
            return len(self._events)

    def reported(self, name: str, since: int = 0) -> bool:
        """Whether an event called ``name`` came after ``since``, or QEMU has ended."""
        with self._changed:
            return self._closed or any(event["event"] == name for event in self._events[since:])

    def wait_for_event(self, name: str, *, seconds: float, since: int = 0) -> Event:
        """The first event called ``name`` after ``since``.

        Raises:
            TimedOut: it did not come within ``seconds``.
            LabError: QEMU ended first.
        """
        deadline = time.monotonic() + seconds
        seen = since
        with self._changed:
            while True:
                for event in self._events[seen:]:
                    if event["event"] == name:
                        return event
                seen = len(self._events)
                if self._closed:
                    raise LabError(f"QEMU ended before it reported '{name}'.")
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise TimedOut(f"QEMU did not report '{name}' within {seconds:.0f} s.")

    def close(self) -> None:
        """End the connection; QEMU runs on."""
        self._socket.close()

    def _read(self) -> None:
        with self._socket.makefile("rb") as stream:
            try:
                for line in stream:
                    self._take(json.loads(line))
            except (OSError, ValueError):
                pass  # the socket was closed, or cut in the middle of a line
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _take(self, message: dict[str, Any]) -> None:
        with self._changed:
            if "event" in message:
                self._events.append(message)
            elif "QMP" not in message:
                self._answers.append(message)
            self._changed.notify_all()


def _connect(path: Path, alive: Callable[[], bool], seconds: float) -> socket.socket:
    deadline = time.monotonic() + seconds
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except OSError as error:
            connection.close()
            if not alive():
                raise LabError("QEMU ended as soon as it started.") from error
            if time.monotonic() > deadline:
                raise TimedOut(f"QEMU did not open {path} within {seconds} s.") from error
            time.sleep(0.02)
        else:
            return connection
