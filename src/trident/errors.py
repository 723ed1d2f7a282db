"""The one error type that crosses rooms, in seven kinds.

An error says what went wrong (``message``), where (``details``), what to do about it (``hint``), and
carries a stable kebab-case ``code`` for programs.  Kinds and the serialised shape follow the Host
Status document of upstream Trident (``lastError``).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import ClassVar


class ErrorKind(enum.StrEnum):
    """The seven categories, spelt as in Host Status."""

    INVALID_INPUT = "invalid-input"
    UNSUPPORTED_CONFIGURATION = "unsupported-configuration"
    EXECUTION_ENVIRONMENT = "execution-environment-misconfiguration"
    INITIALIZATION = "initialization"
    SERVICING = "servicing"
    HEALTH_CHECKS = "health-checks"
    INTERNAL = "internal"


class ExitCode(enum.IntEnum):
    """Exit codes of the ``trident`` command, as upstream defines them; 130 is the shell's for Ctrl-C.

    1, upstream's for a failed set-up, is Python's own where it cannot load Trident.
    """

    SUCCESS = 0
    FAILED = 2
    REBOOT_UNSUCCESSFUL = 3
    INTERRUPTED = 130


class TridentError(Exception):
    """A failure that a person or a program can act on.

    Args:
        code: stable kebab-case name of this error, unique within its kind.
        message: one sentence, what went wrong and where.
        hint: what to do next, or ``None`` where nothing sensible can be said.
        details: values a program may want (paths, sizes in bytes, device names).
    """

    kind: ClassVar[ErrorKind] = ErrorKind.INTERNAL

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.details: dict[str, object] = dict(details or {})

    def reword(self, message: str) -> None:
        """Tell it with another message from here on, as ``str`` of it does too."""
        self.message = message
        self.args = (message,)

    def causes(self) -> list[str]:
        """The messages of the exceptions beneath this one, outermost first."""
        found: list[str] = []
        beneath = self.__cause__
        while beneath is not None:
            words = beneath.strerror if isinstance(beneath, OSError) else str(beneath)
            found.append(words or type(beneath).__name__)
            beneath = beneath.__cause__
        return found

    def to_document(self) -> dict[str, object]:
        """This error as ``lastError`` in Host Status and as the file that ``--error`` writes."""
        return {
            "category": str(self.kind),
            "error": {self.code: self.details} if self.details else self.code,
            "message": self.message,
            "hint": self.hint,
            "cause": "; ".join(self.causes()) or None,
        }


class InvalidInput(TridentError):
    """What the user handed over (configuration, image, command line) cannot be used."""

    kind = ErrorKind.INVALID_INPUT


class UnsupportedConfiguration(TridentError):
    """Valid, but not something that this machine or this version can do."""

    kind = ErrorKind.UNSUPPORTED_CONFIGURATION


class ExecutionEnvironment(TridentError):
    """Trident was started where it cannot work: not root, a tool is missing, no UEFI."""

    kind = ErrorKind.EXECUTION_ENVIRONMENT


class Initialization(TridentError):
    """Trident could not begin: safety check, lock, unreadable state."""

    kind = ErrorKind.INITIALIZATION


class Servicing(TridentError):
    """A step of an install, update, commit or rollback failed."""

    kind = ErrorKind.SERVICING


class Interrupted(Servicing):
    """A person or the service manager stopped the work (SIGINT, SIGTERM)."""


class NotConfirmed(Interrupted):
    """A person was shown the plan and declined it. Nothing went wrong, so it is never a ``lastError``."""


class HealthChecks(TridentError):
    """The new system runs but its health checks say no."""

    kind = ErrorKind.HEALTH_CHECKS


class Internal(TridentError):
    """A defect of Trident itself."""

    kind = ErrorKind.INTERNAL


def unexpected(error: Exception) -> Internal:
    """What to tell of an exception that no room turned into an error."""
    return Internal(
        "panic",
        f"Trident met an error that it did not expect: {type(error).__name__}: {error}",
        hint="This is a defect of Trident. Please report it with the log of this run.",
    )
