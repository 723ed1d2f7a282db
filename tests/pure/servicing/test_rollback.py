"""Going back: the last update is undone, and what runs is never at risk."""

from __future__ import annotations

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import configuration
from trident.errors import InvalidInput, Servicing
from trident.plan.step import Operation, Step
from trident.servicing.rollback import Wish, check
from trident.state.status import AbVolume, ServicingState, ServicingType

__all__ = ["host"]

V1, V2, V3 = configuration("v1"), configuration("v2"), configuration("v3")
STAGE, FINALIZE = frozenset({Operation.STAGE}), frozenset({Operation.FINALIZE})


def updated(host: Host) -> None:
    host.update(V2)
    host.boot()
    host.commit()


def test_an_ab_update_is_undone_by_booting_the_other_volume(host: Host) -> None:
    updated(host)
    written = list(host.written)

    assert check(Wish.NEXT, host.environment) == "ab"
    assert host.rollback().needs_reboot
    host.boot()
    host.commit()

    status = host.status()
    assert (host.root, status.ab_active_volume) == ("root-a", AbVolume.A)
    assert (status.servicing_state, status.spec) == (ServicingState.PROVISIONED, V1.to_document())
    assert host.next_boot() == "trident-a"
    assert not {"root-a", "root-b"} & set(host.written[len(written) :]), "no volume is written"
    assert check(Wish.NEXT, host.environment) == "none"


def test_what_was_rolled_back_can_be_updated_again(host: Host) -> None:
    updated(host)
    host.rollback()
    host.boot()
    host.commit()
    assert host.update(V3).needs_reboot
    host.boot()
    host.commit()
    assert host.status().spec == V3.to_document()


def test_a_rollback_is_staged_and_finalized_apart(host: Host) -> None:
    updated(host)
    assert not host.rollback(operations=STAGE).needs_reboot
    assert host.status().servicing_state is ServicingState.MANUAL_ROLLBACK_AB_STAGED
    assert host.next_boot() == "trident-b"
    assert check(Wish.NEXT, host.environment) == "ab", "staging again would replace it"

    assert host.rollback(operations=FINALIZE).needs_reboot
    assert host.status().servicing_state is ServicingState.MANUAL_ROLLBACK_AB_FINALIZED
    assert host.next_boot() == "trident-a"


def test_finalizing_a_rollback_that_is_not_staged_is_refused(host: Host) -> None:
    updated(host)
    with pytest.raises(InvalidInput) as caught:
        host.rollback(operations=FINALIZE)
    assert caught.value.code == "finalize-before-stage"


@pytest.mark.parametrize("operations", [STAGE, frozenset(Operation)], ids=["staged", "finalized"])
def test_an_update_replaces_a_rollback_that_waits(host: Host, operations: frozenset[Operation]) -> None:
    updated(host)
    host.rollback(operations=operations)
    assert host.update(V3).needs_reboot
    host.boot()
    host.commit()
    assert host.status().spec == V3.to_document()
    assert host.root == "root-a"


def test_an_update_that_waits_must_be_completed_or_withdrawn_first(host: Host) -> None:
    updated(host)
    host.update(V3, STAGE)
    with pytest.raises(InvalidInput) as caught:
        host.rollback()
    assert caught.value.code == "invalid-rollback-state"
    assert host.status().servicing_state is ServicingState.AB_UPDATE_STAGED


@pytest.mark.parametrize("wish", list(Wish))
def test_check_refuses_what_a_rollback_is_refused_for(host: Host, wish: Wish) -> None:
    updated(host)
    host.update(V3, STAGE)
    before = host.status()
    with pytest.raises(InvalidInput) as refused:
        check(wish, host.environment)
    assert refused.value.code == "invalid-rollback-state"
    assert "An update waits" in refused.value.message
    assert host.status() == before, "it is a question, and no error of the host"


def test_check_refuses_a_host_that_was_never_committed(host: Host) -> None:
    host.go_blank()
    host.install(V1)
    with pytest.raises(InvalidInput) as refused:
        check(Wish.NEXT, host.environment)
    assert refused.value.code == "host-not-provisioned"


def test_once_the_other_volume_is_written_nothing_leads_back_to_it(host: Host) -> None:
    updated(host)

    def fails(step: Step) -> None:
        if step.id.startswith("write-image"):
            raise Servicing("write", "The disk is full.")

    host.before_step = fails
    with pytest.raises(Servicing):
        host.update(V3)
    host.before_step = lambda _step: None

    assert check(Wish.NEXT, host.environment) == "none"
    outcome = host.rollback()
    assert (outcome.servicing_type, outcome.needs_reboot) == (ServicingType.NO_ACTIVE_SERVICING, False)


def test_an_update_that_fails_before_it_writes_takes_no_rollback_away(host: Host) -> None:
    updated(host)

    def fails(step: Step) -> None:
        raise Servicing("script", "Not today.")

    host.before_step = fails
    with pytest.raises(Servicing):
        host.update(V3.evolve(scripts=V3.scripts.evolve(pre_servicing=V3.scripts.post_provision)))
    assert check(Wish.NEXT, host.environment) == "ab"


@pytest.mark.parametrize("wish", list(Wish))
def test_with_nothing_to_undo_it_succeeds_and_says_so(host: Host, wish: Wish) -> None:
    outcome = host.rollback(wish)
    assert "nothing to roll back" in outcome.summary
    assert host.status().servicing_state is ServicingState.PROVISIONED


def test_runtime_is_refused_where_an_ab_update_comes_first(host: Host) -> None:
    updated(host)
    with pytest.raises(InvalidInput) as caught:
        host.rollback(Wish.RUNTIME)
    assert caught.value.code == "invalid-rollback-expectation"


def test_a_rollback_that_does_not_boot_leaves_the_host_as_it_was(host: Host) -> None:
    updated(host)
    host.rollback()
    host.boot("root-b")
    with pytest.raises(Servicing) as caught:
        host.commit()
    assert caught.value.code == "manual-rollback-reboot-check"
    status = host.status()
    assert (status.servicing_state, status.spec) == (ServicingState.PROVISIONED, V2.to_document())
    assert status.ab_active_volume is AbVolume.B
    assert host.next_boot() == "trident-b"
