"""The moment from which on a signal must not end a command any more as if it had undone its work."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from tests.pure.servicing.hosts import BOTH, Host, host
from tests.pure.servicing.test_adversities import MOVED, STAGE, V1, V2, running, undisturbed, wanted
from trident.errors import HealthChecks, Interrupted, TridentError
from trident.plan.step import Phase, Step
from trident.state.status import ServicingState

__all__ = ["host", "running"]

UNHEALTHY = wanted("v2", health=True)


@pytest.fixture
def settled(running: Host) -> list[tuple[ServicingState, str]]:
    """What the status was and what would have booted next, at each such moment."""
    found: list[tuple[ServicingState, str]] = []

    def note() -> None:
        found.append((running.status().servicing_state, running.next_boot()))

    running.environment = dataclasses.replace(running.environment, settled=note)
    return found


def test_an_update_stands_once_the_firmware_is_told(
    running: Host, settled: list[tuple[ServicingState, str]]
) -> None:
    running.update(V2, STAGE)
    assert settled == []
    running.update(V2)
    assert settled == [(ServicingState.AB_UPDATE_FINALIZED, "trident-b")]


def test_a_rollback_stands_once_the_firmware_is_told(
    running: Host, settled: list[tuple[ServicingState, str]]
) -> None:
    running.update(V2)
    running.boot()
    running.commit()
    settled.clear()
    running.rollback()
    assert settled == [(ServicingState.MANUAL_ROLLBACK_AB_FINALIZED, "trident-a")]


def test_an_install_stands_once_it_is_finalized(
    running: Host, settled: list[tuple[ServicingState, str]]
) -> None:
    running.go_blank()
    running.install(V1, BOTH)
    assert [state for state, _next in settled] == [ServicingState.CLEAN_INSTALL_FINALIZED]


@pytest.mark.parametrize("verb", [lambda host: host.update(MOVED), lambda host: commit_of(host, V2)])
def test_what_does_not_reboot_stands_once_it_is_recorded(
    running: Host, settled: list[tuple[ServicingState, str]], verb: Callable[[Host], object]
) -> None:
    verb(running)
    assert settled[-1][0] is ServicingState.PROVISIONED


def commit_of(host: Host, desired: object) -> None:
    host.update(desired)  # type: ignore[arg-type]
    host.boot()
    host.commit()


def test_the_way_back_of_an_unhealthy_system_stands_once_it_is_recorded(
    running: Host, settled: list[tuple[ServicingState, str]]
) -> None:
    running.update(UNHEALTHY)
    running.boot()
    settled.clear()

    def unhealthy(step: Step) -> None:
        if step.phase is Phase.HEALTH:
            raise HealthChecks("health-checks-failed", "It is not alive.")

    running.before_step = unhealthy
    assert running.commit().needs_reboot
    assert settled == [(ServicingState.AB_UPDATE_HEALTH_CHECK_FAILED, "trident-a")]


@pytest.mark.parametrize("step_id", ["create-boot-entry", "set-boot-next"])
def test_what_is_interrupted_before_does_not_stand(
    running: Host, settled: list[tuple[ServicingState, str]], step_id: str
) -> None:
    def interrupt(step: Step) -> None:
        if step.id == step_id:
            raise KeyboardInterrupt

    running.before_step = interrupt
    with pytest.raises(Interrupted):
        running.update(V2)
    assert settled == []
    assert running.status().servicing_state is ServicingState.AB_UPDATE_STAGED
    assert running.next_boot() == "trident-a"


def test_an_interrupt_as_late_as_can_be_is_undone_too(running: Host) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    running.environment = dataclasses.replace(running.environment, settled=interrupt)
    with pytest.raises(TridentError):
        running.update(V2)
    undisturbed(running)
    assert running.status().servicing_state is ServicingState.AB_UPDATE_STAGED
    assert running.next_boot() == "trident-a"
