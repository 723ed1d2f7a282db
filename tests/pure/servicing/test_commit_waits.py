"""Another command is at work when 'trident commit' comes; the booted system must not be lost by that."""

from __future__ import annotations

import contextlib
import time
from types import SimpleNamespace

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import configuration
from trident.errors import Initialization
from trident.plan.step import Operation
from trident.state import lock
from trident.state.lock import servicing_lock
from trident.state.status import ServicingState

__all__ = ["host"]

V2 = configuration("v2")
STAGE = frozenset({Operation.STAGE})


@pytest.fixture
def other(host: Host, monkeypatch: pytest.MonkeyPatch) -> contextlib.ExitStack:
    """Another command that has the lock; it ends as soon as somebody waits for it."""
    held = contextlib.ExitStack()
    clock = SimpleNamespace(time=time.time, monotonic=time.monotonic, sleep=lambda _seconds: held.close())
    monkeypatch.setattr(lock, "time", clock)
    return held


def test_a_booted_system_is_committed_once_the_other_command_ends(
    host: Host, other: contextlib.ExitStack
) -> None:
    host.update(V2)
    host.boot()
    other.enter_context(servicing_lock("update", host.environment.lock))

    host.commit()

    assert host.status().servicing_state is ServicingState.PROVISIONED
    assert host.status().spec == V2.to_document()
    assert host.next_boot() == "trident-b"


@pytest.mark.parametrize("state", ["provisioned", "staged", "not installed"])
def test_with_nothing_to_commit_it_does_not_wait(host: Host, other: contextlib.ExitStack, state: str) -> None:
    """The other command may have hours to go."""
    if state == "staged":
        host.update(V2, STAGE)
    if state == "not installed":
        host.go_blank()
    with other, pytest.raises(Initialization) as caught:
        other.enter_context(servicing_lock("update", host.environment.lock))
        host.commit()
    assert caught.value.code == "servicing-in-progress"


def test_no_other_command_waits(host: Host, other: contextlib.ExitStack) -> None:
    host.update(V2)
    host.boot()
    with other:
        other.enter_context(servicing_lock("commit", host.environment.lock))
        with pytest.raises(Initialization):
            host.update(V2)
        with pytest.raises(Initialization):
            host.rollback()
