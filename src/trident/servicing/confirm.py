"""Asking before a plan is carried out, with the lock held: what was shown is what is done."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from trident.errors import NotConfirmed

if TYPE_CHECKING:
    from trident.plan.plan import Plan
    from trident.plan.situation import Situation
    from trident.plan.step import Operation
    from trident.servicing.environment import Environment


def confirm(
    situation: Situation, plan: Plan, environment: Environment, operations: Collection[Operation]
) -> None:
    """Show what ``operations`` will do of ``plan`` to whoever asked to see it, before the first step.

    Raises:
        NotConfirmed: ``not-confirmed``; nothing was changed. Ctrl-C is an answer, too.
    """
    from trident.plan.preview import Preview
    from trident.servicing.image_match import odd_mismatches
    from trident.servicing.picture import disk_pictures

    limited = plan.limited(frozenset(operations))
    shown = Preview(limited, disk_pictures(situation, limited), warnings=odd_mismatches(situation))
    try:
        is_confirmed = environment.confirm(shown)
    except KeyboardInterrupt:
        is_confirmed = False
    if not is_confirmed:
        raise NotConfirmed("not-confirmed", "The plan was not confirmed. Nothing was changed.")
