"""What a rule about a configuration and an image is: a table row with a function that applies it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from trident.config.nodes import Path
from trident.config.problems import Remark, Severity
from trident.errors import InvalidInput

if TYPE_CHECKING:
    from trident.crosscheck.subject import Subject


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """A place where image and configuration do not fit each other.

    Attributes:
        message: what does not fit, one sentence.
        path: field of the configuration that would have to change; ``None`` where only the image could.
        suggestion: what to do about it.
        at_key: the mistake is the field itself, not its value.
        severity: where it is another than the rule's.
        details: values a program may want, by upstream's names where upstream has the error.
    """

    message: str
    path: Path | None = None
    suggestion: str | None = None
    at_key: bool = False
    severity: Severity | None = None
    details: Mapping[str, Any] = msgspec.field(default_factory=dict)


Check = Callable[["Subject"], Iterator[Violation]]


class Rule(msgspec.Struct, frozen=True):
    """A rule about a Host Configuration and an image.

    Attributes:
        code: stable kebab-case name; upstream's, where upstream has the error.
        sentence: the rule in plain words.
        source: where it comes from.
        check: yields every mismatch.
        severity: whether a mismatch refuses the two together.
        is_dynamic: upstream reports it inside of ``invalid-host-configuration-dynamic``.
    """

    code: str
    sentence: str
    source: str
    check: Check
    severity: Severity = Severity.ERROR
    is_dynamic: bool = False


class Mismatch(msgspec.Struct, frozen=True):
    """A violation together with the rule."""

    rule: Rule
    violation: Violation

    @property
    def severity(self) -> Severity:
        """Whether the two are refused together."""
        return self.violation.severity or self.rule.severity

    def to_remark(self, image_url: str) -> Remark:
        """For the reader of a file: to be placed in it, or at the image where no field is to blame."""
        return Remark(
            code=self.rule.code,
            message=self.violation.message,
            path=self.violation.path,
            suggestion=self.violation.suggestion,
            at_key=self.violation.at_key,
            severity=self.severity,
            file=image_url,
        )

    def to_error(self) -> InvalidInput:
        """For a verb that refuses it."""
        code, details = self.rule.code, dict(self.violation.details)
        if self.rule.is_dynamic:
            code, details = "invalid-host-configuration-dynamic", {"inner": {code: details}}
        return InvalidInput(code, self.violation.message, hint=self.violation.suggestion, details=details)
