"""Asking before a plan is carried out, with the lock held: what was shown is what is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trident.errors import NotConfirmed
from trident.plan.preview import Preview
from trident.servicing.picture import disk_pictures

if TYPE_CHECKING:
    from trident.plan.plan import Plan
    from trident.plan.situation import Situation
    from trident.servicing.environment import Environment


def confirm(situation: Situation, plan: Plan, environment: Environment) -> None:
    """Show ``plan`` to whoever asked to see it, before its first step.

    Raises:
        NotConfirmed: ``not-confirmed``; nothing was changed.
    """
    if not environment.confirm(Preview(plan, disk_pictures(situation, plan))):
        raise NotConfirmed("not-confirmed", "The plan was not confirmed. Nothing was changed.")
