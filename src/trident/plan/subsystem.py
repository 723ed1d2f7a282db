"""What a subsystem answers: what changed, what speaks against the servicing, which steps it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol

from trident.plan.difference import covers, differences
from trident.plan.situation import Change, Effect

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.errors import TridentError
    from trident.plan.situation import Situation
    from trident.plan.step import Step

# A field's effect, or what tells it from the old and the new configuration.
EffectRule = Effect | Callable[["HostConfiguration", "HostConfiguration"], Effect]


class Subsystem(Protocol):
    """One concern of the host. Every method is pure; only the steps, when run, touch the machine.

    Attributes:
        name: the concern in one word, such as ``storage``.
        effects: what a difference forces, by the field path that covers it; each field of the Host
            Configuration belongs to one subsystem, or to the table of those that force nothing.
    """

    name: ClassVar[str]
    effects: ClassVar[Mapping[str, EffectRule]] = {}

    def changes(self, old: HostConfiguration, new: HostConfiguration) -> Iterable[Change]:
        """Each difference of this concern, the servicing type that it forces, and why."""
        return changes_of(self.effects, old, new)

    def check(self, situation: Situation) -> Iterable[TridentError]:
        """Every reason of this concern to refuse the servicing, before anything is touched."""
        return ()

    def tools(self, situation: Situation) -> Iterable[str]:
        """Programs of the servicing OS that the steps start, by name (see :mod:`trident.host.tools`)."""
        return ()

    def steps(self, situation: Situation) -> Iterable[Step]:
        """The steps that this concern adds, in its own order; the compiler sorts them by phase."""
        ...


def changes_of(
    effects: Mapping[str, EffectRule], old: HostConfiguration, new: HostConfiguration
) -> Iterable[Change]:
    """The differences that a table of effects covers, with what each forces."""
    for difference in differences(old, new):
        rule = next((rule for path, rule in effects.items() if covers(path, difference.path)), None)
        if rule is not None:
            effect = rule if isinstance(rule, Effect) else rule(old, new)
            yield Change(difference.field, effect.forces, effect.reason, difference.how)
