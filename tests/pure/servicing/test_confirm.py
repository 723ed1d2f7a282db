"""A plan that is shown before it is carried out: the same object, under the lock, and nothing before it."""

from __future__ import annotations

import dataclasses

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import configuration
from trident.errors import Initialization, Interrupted
from trident.plan.preview import Preview
from trident.plan.step import Operation, Step
from trident.state.lock import servicing_lock
from trident.state.status import ServicingState

__all__ = ["host"]

V2, V3 = configuration("v2"), configuration("v3")


def ask(host: Host, answer: bool) -> list[Preview]:
    """Let the host be asked, and collect what it is shown."""
    shown: list[Preview] = []

    def confirm(preview: Preview) -> bool:
        assert host.written == [], "something was written before the question"
        with pytest.raises(Initialization), servicing_lock("test", host.environment.lock):
            pass
        shown.append(preview)
        return answer

    host.environment = dataclasses.replace(host.environment, confirm=confirm)
    return shown


def test_what_was_shown_is_what_is_executed(host: Host) -> None:
    shown = ask(host, True)
    ran: list[Step] = []
    host.before_step = ran.append
    outcome = host.update(V2)
    (preview,) = shown
    assert outcome.plan is preview.plan
    staged_and_finalized = preview.plan.steps_of({Operation.STAGE, Operation.FINALIZE})
    assert len(ran) == len(staged_and_finalized)
    assert all(one is other for one, other in zip(ran, staged_and_finalized, strict=True))


def test_a_plan_that_is_declined_leaves_the_host_as_it_was(host: Host) -> None:
    before, order = host.status(), host.variables.boot_order()
    ask(host, False)
    with pytest.raises(Interrupted) as caught:
        host.update(V2)
    assert caught.value.code == "not-confirmed"
    assert host.status() == before, "it is no lastError either"
    assert (host.written, host.variables.boot_order(), host.variables.boot_next()) == ([], order, None)


def test_a_pending_update_stays_when_its_replacement_is_declined(host: Host) -> None:
    host.update(V2, frozenset({Operation.STAGE}))
    host.written.clear()
    before = host.status()
    ask(host, False)
    with pytest.raises(Interrupted):
        host.update(V3)
    assert host.status() == before


def test_finalizing_what_was_staged_before_is_asked_for_itself(host: Host) -> None:
    host.update(V2, frozenset({Operation.STAGE}))
    host.written.clear()
    shown = ask(host, False)
    with pytest.raises(Interrupted):
        host.update(V2, frozenset({Operation.FINALIZE}))
    (preview,) = shown
    assert {step.operation for step in preview.plan.steps} == {Operation.FINALIZE}
    assert preview.plan.reboots
    assert (preview.plan.contents, preview.plan.image_url, preview.plan.target_volume) == ((), None, None)
    assert host.status().servicing_state is ServicingState.AB_UPDATE_STAGED
    assert host.variables.boot_next() is None


def test_who_only_stages_is_shown_no_reboot(host: Host) -> None:
    shown = ask(host, True)
    host.update(V2, frozenset({Operation.STAGE}))
    (preview,) = shown
    assert {step.operation for step in preview.plan.steps} == {Operation.STAGE}
    assert not preview.plan.reboots
    assert preview.plan.image_url is not None


def test_ctrl_c_at_the_question_changes_nothing(host: Host) -> None:
    def leave(_preview: Preview) -> bool:
        raise KeyboardInterrupt

    before = host.status()
    host.environment = dataclasses.replace(host.environment, confirm=leave)
    with pytest.raises(Interrupted) as caught:
        host.update(V2)
    assert (caught.value.code, host.status()) == ("not-confirmed", before)


def test_nothing_to_do_asks_nothing(host: Host) -> None:
    shown = ask(host, False)
    host.update(configuration("v1"))
    assert shown == []
