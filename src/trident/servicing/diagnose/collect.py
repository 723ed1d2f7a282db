"""How one thing is collected: within a time, without secrets, and without harm to the rest if it fails."""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from trident.config.secrets import Redactor
from trident.errors import TridentError
from trident.host.process import Completed, run
from trident.servicing.diagnose.scrub import datastore_documents, parsed, scrubbed_text

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

LARGEST_TEXT = 32 * 1024 * 1024
_COMMAND_SECONDS = 20.0
_ITEM_SECONDS = 60.0


@dataclass
class Collector:
    """What is collected on one host, and what could not be.

    Attributes:
        root: the running system; another directory stands in its place in tests.
        datastores: the agent's datastores: where it is by default, and where it is configured to be.
        redactor: what takes secrets out.
        failures: what could not be collected, as the report lists it.
    """

    root: Path
    datastores: tuple[Path, ...]
    redactor: Redactor = field(default_factory=Redactor)
    failures: list[dict[str, str]] = field(default_factory=list)

    def learn_secrets(self) -> None:
        """Read every place where the host keeps secrets, so that they are found wherever else they stand."""
        for path in self.datastores:
            self.attempt(f"secrets in {path}", lambda path=path: self._learn(datastore_documents(path)))  # type: ignore[misc]
        configurations = (self.path("/etc/trident/config.yaml"), *self.netplan_files())
        self.attempt("secrets in configurations", lambda: self._learn(map(self._document_in, configurations)))

    def _learn(self, documents: Iterable[Any]) -> None:
        for document in documents:
            self.redactor.learn(document)

    def _document_in(self, path: Path) -> Any:
        try:
            return parsed(self.file(path))
        except (OSError, ValueError):
            return None

    def attempt(self, item: str, collect: Callable[[], _T], seconds: float = _ITEM_SECONDS) -> _T | None:
        """What ``collect`` returns; ``None`` if it fails or takes too long, and a note among the failures."""
        outcome: list[_T] = []
        error: list[BaseException] = []

        def work() -> None:
            try:
                outcome.append(collect())
            except Exception as found:  # noqa: BLE001  (a defect in one item must not cost the others)
                error.append(found)

        # A device that is dead never answers, and nothing ends a read from it: the thread is left behind.
        thread = threading.Thread(target=work, name=f"diagnose {item}", daemon=True)
        thread.start()
        thread.join(seconds)
        if outcome:
            return outcome[0]
        reason = _words(error[0]) if error else f"it took longer than {seconds:g} seconds"
        _log.debug("%s cannot be collected: %s", item, reason)
        self.failures.append({"item": item, "error": self.redactor.text(reason)})
        return None

    def path(self, absolute: str) -> Path:
        """A path of the host."""
        return self.root / absolute.lstrip("/")

    def netplan_files(self) -> list[Path]:
        """Netplan's configuration (netplan(5)), wherever it may lie."""
        directories = ("/lib/netplan", "/etc/netplan", "/run/netplan")
        return [path for directory in directories for path in sorted(self.path(directory).glob("*.yaml"))]

    def file(self, path: Path) -> str:
        """The text of a file; of a very long one the end.

        Raises:
            OSError: it cannot be read, or is no regular file.
        """
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OSError("it is no regular file")
            if found.st_size > LARGEST_TEXT:
                file.seek(-LARGEST_TEXT, os.SEEK_END)
                file.readline()
            return file.read(LARGEST_TEXT).decode("utf-8", "replace")

    def text(self, path: Path) -> str:
        """The text of a file without secrets.

        Raises:
            OSError: it cannot be read.
        """
        return scrubbed_text(self.file(path), self.redactor)

    def command(
        self, *arguments: str, accept: Sequence[int] = (0,), seconds: float = _COMMAND_SECONDS
    ) -> Completed:
        """Run a program that only looks.

        Raises:
            TridentError: it is not installed, failed, or took too long.
        """
        return run(arguments, accept=accept, timeout=seconds, environment={"SYSTEMD_COLORS": "0"})

    def output(self, *arguments: str, accept: Sequence[int] = (0,), seconds: float = _COMMAND_SECONDS) -> str:
        """What a program prints, without secrets.

        Raises:
            TridentError: as :meth:`command`.
        """
        done = self.command(*arguments, accept=accept, seconds=seconds)
        text = done.stdout + done.stderr
        return scrubbed_text(text[-LARGEST_TEXT:], self.redactor)

    def json(self, *arguments: str) -> Any:
        """What a program prints as JSON, without secrets.

        Raises:
            TridentError: as :meth:`command`.
            ValueError: it is no JSON.
        """
        import json

        return self.redactor.document(json.loads(self.command(*arguments).stdout))


def _words(error: BaseException) -> str:
    if isinstance(error, TridentError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, OSError | LookupError) and error.args:
        return str(error.args[0])
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
