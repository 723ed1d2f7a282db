"""What a Host Configuration can say and this version cannot carry out yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from trident.config.nodes import spelled
from trident.errors import InvalidInput
from trident.plan.difference import covers

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.plan.step import Step


def not_yet(steps: Iterable[Step]) -> tuple[str, ...]:
    """The fields that a plan's pending steps stand for, without those inside of another."""
    fields = dict.fromkeys(field for step in steps for field in step.not_yet)
    return tuple(
        field for field in fields if not any(covers(other, field) for other in fields if other != field)
    )


def unworkable(configuration: HostConfiguration) -> Iterator[InvalidInput]:
    """Refusals of what is only a warning when a configuration is judged, and cannot be carried out.

    Upstream accepts such a configuration and fails in the middle of the servicing.
    """
    from trident.config.rules import judge

    for rule, violation in judge(configuration):
        if rule.stops_servicing:
            yield InvalidInput(
                rule.code,
                f"{spelled(violation.path)}: {violation.message}",
                hint=violation.suggestion,
                details={"path": spelled(violation.path)},
            )
