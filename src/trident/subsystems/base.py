"""What a subsystem answers: what changed, what speaks against the servicing, which steps it takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.errors import TridentError
    from trident.plan.situation import Change, Situation
    from trident.plan.step import Step


class Subsystem(Protocol):
    """One concern of the host. Every method is pure; only the steps, when run, touch the machine."""

    @property
    def name(self) -> str:
        """The concern in one word, such as ``storage``."""

    def changes(self, old: HostConfiguration, new: HostConfiguration) -> Iterable[Change]:
        """Each difference of this concern, the servicing type that it forces, and why."""

    def check(self, situation: Situation) -> Iterable[TridentError]:
        """Every reason of this concern to refuse the servicing, before anything is touched."""

    def tools(self, situation: Situation) -> Iterable[str]:
        """Programs of the servicing OS that the steps start, by name (see :mod:`trident.host.tools`)."""

    def steps(self, situation: Situation) -> Iterable[Step]:
        """The steps that this concern adds, in its own order; the compiler sorts them by phase."""
