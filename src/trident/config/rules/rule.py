"""What a rule is: a table row with a function that finds the places where it is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from trident.config.nodes import Path
from trident.config.problems import Severity

if TYPE_CHECKING:
    from trident.config.rules.subject import Subject


class Violation(msgspec.Struct, frozen=True):
    """A place where a rule is broken, and what to do there."""

    path: Path
    message: str
    suggestion: str | None = None
    at_key: bool = False


Check = Callable[["Subject"], Iterator[Violation]]


class Rule(msgspec.Struct, frozen=True):
    """A rule about a Host Configuration as a whole.

    Attributes:
        code: stable kebab-case name; upstream's, where upstream has the rule.
        sentence: the rule in plain words.
        source: where it comes from.
        reads: sections of the configuration that it looks at; it is not applied if one could not be read.
        check: yields every violation.
        severity: whether breaking it refuses the configuration.
        stops_servicing: a warning that install and update refuse all the same, before anything is touched:
            upstream accepts such a configuration and fails while it is carried out.
        fields: the fields that it is about, such as ``storage.disks.partitions.size``; ``trident explain``
            and the reference show the rule with each of them.
    """

    code: str
    sentence: str
    source: str
    reads: tuple[Path, ...]
    check: Check
    severity: Severity = Severity.ERROR
    stops_servicing: bool = False
    fields: tuple[str, ...] = ()
