"""From a situation to a plan, and to what stands against it. Pure: equal situations give equal plans."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from trident.image.source import shown_url
from trident.plan.plan import Plan
from trident.plan.step import Operation, not_supported_yet
from trident.servicing.persist import PersistDatastore
from trident.servicing.unsupported import not_yet, unworkable
from trident.servicing.volumes import no_target
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trident.errors import TridentError
    from trident.plan.situation import Change, Situation
    from trident.plan.step import Step

_log = logging.getLogger(__name__)


def compile_plan(situation: Situation, changes: tuple[Change, ...] = ()) -> Plan:
    """Every step of the servicing in the order of execution, also those that cannot be carried out yet.

    Steps are sorted by phase; within a phase the order of the subsystems, and of the steps that one
    subsystem names, is kept. What a step touches is told down to the partitions. Without a volume to write
    a root file system to there are no steps.
    """
    steps = _steps(situation) if no_target(situation) is None else []
    steps = [_with_devices_behind(step, situation) for step in steps]
    steps.sort(key=lambda step: step.phase)
    image = situation.desired.image
    return Plan(
        servicing_type=situation.servicing_type,
        changes=changes,
        steps=tuple(steps),
        target_volume=None if situation.changes_running else situation.target_volume,
        image_url=shown_url(image.url) if image is not None and situation.deploys else None,
        image_known=situation.image is not None or not situation.deploys,
        not_yet=not_yet(steps),
    )


def _steps(situation: Situation) -> list[Step]:
    from trident.servicing.concerns import ALL

    steps = [step for subsystem in ALL for step in subsystem.steps(situation)]
    if situation.servicing_type is ServicingType.CLEAN_INSTALL and not situation.desired.trident.disable:
        # The target's own record of its install comes before the boot order is touched: a machine
        # that boots into the target always finds a datastore that says how it got there. A target
        # without an agent has nobody to read it. The record of the staged install comes with its seals.
        steps.insert(0, PersistDatastore.compile(situation, Operation.FINALIZE))
        steps.append(PersistDatastore.compile(situation, Operation.STAGE))
    return steps


def _with_devices_behind(step: Step, situation: Situation) -> Step:
    """The step with every device that changes when it writes: of an array also the members, and so on."""
    touches = tuple(
        dict.fromkeys(
            behind
            for name in step.touches
            for behind in ((name,) if name.startswith("/") else situation.written_with(name))
        )
    )
    return step if touches == step.touches else replace(step, touches=touches)


def refusals(situation: Situation, plan: Plan) -> Iterable[TridentError]:
    """Everything that stands against the servicing and can be told before anything is touched."""
    if plan.not_yet:
        yield not_supported_yet(plan.not_yet)
    if not situation.rolls_back:  # What the host has had, it can have again.
        yield from unworkable(situation.desired)
    without = no_target(situation)
    if without is not None:
        yield without
    from trident.servicing.concerns import ALL
    from trident.servicing.image_match import refuse_mismatches

    yield from refuse_mismatches(situation)
    for subsystem in ALL:
        yield from subsystem.check(situation)


def refuse(situation: Situation, plan: Plan) -> None:
    """Refuse a situation that cannot be served, before anything is touched. What is only odd is logged.

    Raises:
        TridentError: the first refusal; further ones are told in its message.
    """
    from trident.servicing.image_match import odd_mismatches

    for oddity in odd_mismatches(situation):
        _log.warning("%s", oddity.message)
    found = list(refusals(situation, plan))
    if not found:
        return
    first, *others = found
    if others:
        first.reword(f"{first.message} Also: " + " ".join(error.message for error in others))
    raise first
