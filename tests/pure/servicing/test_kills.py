"""The agent is killed after a write and the host goes on running: the next command finds out what is true."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import configuration
from tests.pure.servicing.test_power_cuts import MOMENTS, cut, until_the_cut
from trident.plan.step import Operation
from trident.servicing.rollback import Wish
from trident.state.status import ServicingState

__all__ = ["cut", "host"]

V2 = configuration("v2")
STAGE = frozenset({Operation.STAGE})
FINALIZE = frozenset({Operation.FINALIZE})


@pytest.mark.parametrize("moment", range(MOMENTS - 1))
def test_an_update_is_staged_after_all(host: Host, cut: Callable[[int], None], moment: int) -> None:
    cut(moment)
    until_the_cut(lambda: host.update(V2))
    cut(-1)

    told = host.update(V2, STAGE).summary

    if host.status().servicing_state is ServicingState.AB_UPDATE_FINALIZED:
        assert host.next_boot() == "trident-b"
        assert "finalized already" in told
    else:
        assert host.status().servicing_state is ServicingState.AB_UPDATE_STAGED
        assert host.next_boot() == "trident-a"
        assert "is staged" in told


@pytest.mark.parametrize("moment", range(30))
def test_a_rollback_is_staged_after_all(host: Host, cut: Callable[[int], None], moment: int) -> None:
    host.update(V2)
    host.boot()
    host.commit()
    host.rollback(Wish.NEXT, STAGE)
    cut(moment)
    until_the_cut(lambda: host.rollback(Wish.NEXT, FINALIZE))
    cut(-1)

    told = host.rollback(Wish.NEXT, STAGE).summary

    if host.status().servicing_state is ServicingState.MANUAL_ROLLBACK_AB_FINALIZED:
        assert host.next_boot() == "trident-a"
        assert "is finalized" in told
    else:
        assert host.status().servicing_state is ServicingState.MANUAL_ROLLBACK_AB_STAGED
        assert host.next_boot() == "trident-b"
        assert "is staged" in told
