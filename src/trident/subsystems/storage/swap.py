"""The step that makes a swap area."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trident.plan.step import Content, Operation, Phase, Step
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.plan.session import Session
    from trident.plan.situation import Situation


@dataclass(frozen=True, kw_only=True)
class MakeSwap(Step):
    """Make a swap area on a block device, losing what it holds.

    Attributes:
        device_id: id of the partition.
    """

    device_id: str

    @classmethod
    def compile(cls, situation: Situation) -> Iterator[MakeSwap]:
        """Every swap area, on a clean install. An update leaves them alone: the host swaps there."""
        if situation.servicing_type is not ServicingType.CLEAN_INSTALL:
            return
        for swap in situation.desired.storage.swap:
            yield cls(
                id=f"make-swap:{swap.device_id}",
                title=f"Make a swap area on {swap.device_id}",
                operation=Operation.STAGE,
                phase=Phase.FORMAT,
                touches=(swap.device_id,),
                device_id=swap.device_id,
            )

    @property
    def contents(self) -> tuple[Content, ...]:
        """A swap area."""
        return (Content(self.device_id, "new swap"),)

    def run(self, session: Session) -> None:
        """Write the signature; the target swaps there once it has booted."""
        from trident.host.filesystem import make_swap

        make_swap(Path(session.device(self.device_id)))
