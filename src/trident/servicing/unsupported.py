"""What a Host Configuration can say and this version cannot carry out yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from trident.config.nodes import spelled
from trident.errors import InvalidInput
from trident.plan.difference import covers
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.plan.situation import Situation
    from trident.plan.step import Step

Asks = Callable[["HostConfiguration"], bool]

NOT_YET: tuple[tuple[str, Asks], ...] = ()
"""Fields that no step stands for, and whether a configuration uses them."""


def not_yet(situation: Situation, steps: Iterable[Step]) -> tuple[str, ...]:
    """The fields that a plan's pending steps stand for, and those that no step stands for yet."""
    fields = dict.fromkeys(field for step in steps for field in step.not_yet)
    # A runtime update does nothing of what the table names.
    if situation.servicing_type is not ServicingType.RUNTIME_UPDATE:
        fields |= dict.fromkeys(field for field, asks in NOT_YET if asks(situation.desired))
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
