"""The new system boots, and its commit does not come to its end before the next reboot."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.test_adversities import V1, V2, Killed, entries, running, undisturbed, wanted
from trident.errors import Servicing, TridentError
from trident.plan.step import Phase, Step
from trident.servicing import record
from trident.state.datastore import Datastore
from trident.state.history import EntryState
from trident.state.status import ServicingState

__all__ = ["host", "running"]

CHECKED, CHECKED_TOO = wanted("v2", health=True), wanted("v3", health=True)


def at(phase: Phase, error: BaseException) -> Callable[[Step], None]:
    def before(step: Step) -> None:
        if step.phase is phase:
            raise error

    return before


def killed(*_: object, **__: object) -> NoReturn:
    raise Killed


def cut_off(host: Host, error: BaseException, phase: Phase = Phase.HEALTH) -> None:
    """The commit of what was booted ends with ``error``; the machine starts anew."""
    host.before_step = at(phase, error)
    with pytest.MonkeyPatch.context() as patch, pytest.raises((Killed, TridentError)):
        if isinstance(error, Killed):
            keep_begin_alone(patch)
        host.commit()
    undisturbed(host)
    host.boot()


def keep_begin_alone(patch: pytest.MonkeyPatch) -> None:
    """An agent that is killed in a step writes no line to end it."""
    note = Datastore.note

    def noted(store: Datastore, operation: str, step: str, event: str) -> None:
        if event == "failed":
            raise Killed
        note(store, operation, step, event)

    patch.setattr(Datastore, "note", noted)


def told(host: Host) -> Servicing:
    with pytest.raises(Servicing) as caught:
        host.commit()
    return caught.value


@pytest.mark.parametrize(
    ("error", "how", "outcome"),
    [
        (Killed(), "did not get past", EntryState.INTERRUPTED),
        (KeyboardInterrupt(), "was interrupted at", EntryState.INTERRUPTED),
        (Servicing("mount", "No such device."), "failed at", EntryState.FAILED),
    ],
)
def test_it_is_not_said_that_the_new_system_did_not_start(
    running: Host, error: BaseException, how: str, outcome: EntryState
) -> None:
    running.update(CHECKED)
    running.boot()
    cut_off(running, error)
    assert running.root == "root-a"

    reason = told(running)

    assert reason.code == "commit-not-completed"
    assert f"'trident commit' {how} its step 'health-check:0-alive'" in reason.message
    assert ("The error was: No such device." in reason.message) == (how == "failed at")
    now = running.status()
    assert (now.servicing_state, now.spec) == (ServicingState.PROVISIONED, V1.to_document())
    assert now.last_error == reason.to_document()
    assert entries(running)[0].state is outcome


def test_the_same_update_completes_then(running: Host) -> None:
    running.update(CHECKED)
    running.boot()
    cut_off(running, Killed())
    told(running)

    assert running.update(CHECKED).needs_reboot
    running.boot()
    running.commit()
    assert running.status().spec == CHECKED.to_document()
    assert running.root == "root-b"


def test_without_a_reboot_the_next_commit_completes(running: Host) -> None:
    running.update(CHECKED)
    running.boot()
    running.before_step = at(Phase.HEALTH, KeyboardInterrupt())
    with pytest.raises(TridentError):
        running.commit()
    undisturbed(running)

    running.commit()

    now = running.status()
    assert (now.servicing_state, now.spec, now.last_error) == (
        ServicingState.PROVISIONED,
        CHECKED.to_document(),
        None,
    )
    assert running.next_boot() == "trident-b"


def test_cut_off_between_two_steps_the_last_one_that_was_done_is_named(
    running: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything was done, but for the status."""
    running.update(V2)
    running.boot()
    with monkeypatch.context() as patch:
        patch.setattr(record, "move", killed)
        with pytest.raises(Killed):
            running.commit()
    running.boot("root-a")
    assert "did not get past its step 'set-uefi-fallback:trident-b:commit'" in told(running).message
    assert running.next_boot() == "trident-a"


def test_a_rollback_is_told_likewise(running: Host) -> None:
    running.update(V2)
    running.boot()
    running.commit()
    running.rollback()
    running.boot()
    cut_off(running, Killed(), Phase.COMMIT)

    reason = told(running)

    assert reason.code == "commit-not-completed"
    assert "The rollback is not kept: volume A was booted" in reason.message
    assert "'trident rollback'" in str(reason.hint)
    assert running.status().spec == V2.to_document()
    assert running.rollback().needs_reboot


def test_a_system_that_never_started_is_not_taken_for_one_whose_commit_was_cut_off(running: Host) -> None:
    """An earlier update's commit was cut off; that stands in the journal for ever."""
    running.update(CHECKED)
    running.boot()
    cut_off(running, Killed())
    told(running)
    running.update(CHECKED_TOO)
    running.boot("root-a")
    assert told(running).code == "ab-update-reboot-check"


def test_what_a_commit_on_the_old_system_has_begun_is_not_the_commit_of_the_new_one(
    running: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The power goes once the old system was put first again, before the status says so."""
    running.update(CHECKED)
    running.boot("root-a")
    with monkeypatch.context() as patch:
        patch.setattr(record, "move", killed)
        with pytest.raises(Killed):
            running.commit()
    assert told(running).code == "ab-update-reboot-check"
