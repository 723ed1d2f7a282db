"""From a situation to a plan. Pure: the same situation always compiles to an equal plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trident.plan.plan import Plan
from trident.servicing.persist import PersistDatastore
from trident.servicing.unsupported import refuse_not_yet
from trident.state.status import ServicingType
from trident.subsystems import ALL

if TYPE_CHECKING:
    from trident.errors import TridentError
    from trident.plan.situation import Change, Situation


def compile_plan(situation: Situation, changes: tuple[Change, ...] = ()) -> Plan:
    """Every step of the servicing in the order of execution.

    Steps are sorted by phase; within a phase the order of the subsystems, and of the steps that one
    subsystem names, is kept.
    """
    steps = [step for subsystem in ALL for step in subsystem.steps(situation)]
    if situation.servicing_type is ServicingType.CLEAN_INSTALL:
        # The target's own record of its install comes before the boot order is touched: a machine
        # that boots into the target always finds a datastore that says how it got there.
        steps.insert(0, PersistDatastore.compile(situation))
    steps.sort(key=lambda step: step.phase)
    return Plan(
        servicing_type=situation.servicing_type,
        changes=changes,
        steps=tuple(steps),
        target_volume=situation.target_volume,
        image_url=situation.desired.image.url if situation.desired.image else None,
    )


def refuse(situation: Situation) -> None:
    """Refuse a situation that a subsystem cannot serve, before anything is touched.

    Raises:
        TridentError: the first refusal; further ones are told in its message.
    """
    refusals: list[TridentError] = [*refuse_not_yet(situation.desired)]
    refusals += [error for subsystem in ALL for error in subsystem.check(situation)]
    if not refusals:
        return
    first, *others = refusals
    if others:
        first.message += " Also: " + " ".join(error.message for error in others)
        first.args = (first.message,)
    raise first
