"""Installs whose stage and finalize come apart, and a target that is started in between."""

from __future__ import annotations

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import configuration
from trident.errors import Servicing, TridentError
from trident.plan.seals import not_whole
from trident.plan.step import Operation, Step
from trident.servicing import install as install_verb
from trident.state.datastore import Datastore
from trident.state.history import EntryState, HistoryEntry
from trident.state.status import AbVolume, HostStatus, ServicingState, ServicingType

__all__ = ["host"]

V1, V2 = configuration("v1"), configuration("v2")
STAGE, FINALIZE = frozenset({Operation.STAGE}), frozenset({Operation.FINALIZE})


@pytest.fixture
def blank(host: Host) -> Host:
    host.go_blank()
    return host


def history(host: Host) -> tuple[HistoryEntry, ...]:
    with Datastore.open(host.environment.datastore_path, read_only=True) as store:
        return store.history.entries()


def test_an_install_is_staged_and_finalized_by_two_commands(blank: Host) -> None:
    staged = blank.install(V1, STAGE)
    assert not staged.needs_reboot
    assert "is staged" in staged.summary
    assert blank.status().servicing_state is ServicingState.CLEAN_INSTALL_STAGED
    assert blank.status().spec == V1.to_document()
    (entry,) = history(blank)
    assert (entry.state, entry.to_volume) == (EntryState.STAGED, AbVolume.A)
    assert entry.bytes_fetched > 0

    finalized = blank.install(V1, FINALIZE)
    assert finalized.needs_reboot
    assert blank.status().servicing_state is ServicingState.CLEAN_INSTALL_FINALIZED
    (entry,) = history(blank)
    assert (entry.servicing_type, entry.state) == (ServicingType.CLEAN_INSTALL, EntryState.FINALIZED)
    assert set(entry.seconds) == {"stage", "finalize"}


def test_the_record_of_a_staged_install_comes_after_its_seals(blank: Host) -> None:
    plan = blank.install(V1, STAGE).plan
    assert plan is not None
    staging = [step.id for step in plan.steps_of(STAGE)]
    assert staging[-3:] == ["seal-boot-files:trident-a", "seal-volumes", "persist-staged-datastore"]


def test_staging_another_configuration_replaces_what_was_staged(blank: Host) -> None:
    blank.install(V1, STAGE)
    blank.install(V2, STAGE)
    assert blank.status().spec == V2.to_document()
    assert [entry.state for entry in history(blank)] == [EntryState.STAGED, EntryState.WITHDRAWN]
    with pytest.raises(TridentError) as caught:
        blank.install(V1, FINALIZE)
    assert caught.value.code == "finalize-before-stage"
    assert blank.status().servicing_state is ServicingState.CLEAN_INSTALL_STAGED


def test_staging_that_fails_leaves_nothing_to_finalize(blank: Host) -> None:
    def fail(step: Step) -> None:
        if step.id.startswith("write-image"):
            raise Servicing("deploy-images", "The disk is full.")

    blank.before_step = fail
    with pytest.raises(Servicing):
        blank.install(V1, STAGE)
    assert blank.status().servicing_state is ServicingState.NOT_PROVISIONED
    (entry,) = history(blank)
    assert entry.state is EntryState.FAILED
    assert entry.error is not None
    with pytest.raises(TridentError) as caught:
        blank.install(V1, FINALIZE)
    assert caught.value.code == "finalize-before-stage"


def test_finalize_alone_says_why_nothing_was_found(blank: Host) -> None:
    with pytest.raises(TridentError) as caught:
        blank.install(V1, FINALIZE)
    assert caught.value.code == "finalize-before-stage"
    assert "there is no disk" in caught.value.message
    assert blank.status().last_error == caught.value.to_document()
    assert blank.written == []


def test_what_is_not_whole_any_more_is_not_booted_and_staged_no_longer(blank: Host) -> None:
    blank.install(V1, STAGE)

    def damaged(step: Step) -> None:
        if step.id == "check-staged-volumes":
            raise not_whole({"root-a": "its content was changed"})

    blank.before_step = damaged
    before = len(blank.written)
    with pytest.raises(Servicing) as caught:
        blank.install(V1, FINALIZE)
    assert caught.value.code == "staged-not-whole"
    assert blank.written[before:] == []
    assert blank.status().servicing_state is ServicingState.NOT_PROVISIONED
    (entry,) = history(blank)
    assert entry.state is EntryState.FAILED


def test_finalize_that_fails_can_be_repeated(blank: Host) -> None:
    blank.install(V1, STAGE)

    def fail(step: Step) -> None:
        if step.id == "set-boot-order-first":
            raise Servicing("set-efi-variable", "The firmware's store is full.")

    blank.before_step = fail
    with pytest.raises(Servicing):
        blank.install(V1, FINALIZE)
    assert blank.status().servicing_state is ServicingState.CLEAN_INSTALL_STAGED
    blank.before_step = lambda _step: None
    blank.install(V1, FINALIZE)
    status = blank.status()
    assert (status.servicing_state, status.last_error) == (ServicingState.CLEAN_INSTALL_FINALIZED, None)


def test_finalizing_once_more_before_the_reboot_is_fine(blank: Host) -> None:
    blank.install(V1)
    assert blank.install(V1, FINALIZE).needs_reboot


def test_an_adopted_install_is_finalized(blank: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The servicing OS was started anew: nothing is known until the target's disk was looked at."""
    blank.install(V1, STAGE)
    found = blank.environment.datastore_path.rename(blank.environment.datastore_path.with_name("on-target"))

    def adopt(*_: object) -> None:
        found.rename(blank.environment.datastore_path)

    monkeypatch.setattr(install_verb, "adopt_staged_install", adopt)
    assert blank.install(V1, FINALIZE).needs_reboot
    assert [entry.state for entry in history(blank)] == [EntryState.FINALIZED]


@pytest.mark.parametrize("content", [b"", b"half a datastore"])
def test_a_datastore_that_a_killed_run_left_unreadable_does_not_stand_in_the_way(
    blank: Host, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    path = blank.environment.datastore_path
    blank.install(V1, STAGE)
    found = path.rename(path.with_name("on-target"))
    path.write_bytes(content)
    monkeypatch.setattr(install_verb, "adopt_staged_install", lambda *_: found.replace(path) and None)
    assert blank.install(V1, FINALIZE).needs_reboot


def test_with_neither_operation_nothing_is_done_and_nothing_else_is_said(blank: Host) -> None:
    outcome = blank.install(V1, frozenset())
    assert "not-provisioned" in outcome.summary
    assert blank.written == []


def started_by_hand(host: Host, status: HostStatus) -> None:
    host.root = "root-a"
    with Datastore.open(host.environment.datastore_path) as store:
        store.record(status)


def test_a_target_that_was_only_staged_says_so_when_it_is_started_all_the_same(host: Host) -> None:
    staged = host.status().evolve(servicing_state=ServicingState.CLEAN_INSTALL_STAGED, ab_active_volume=None)
    started_by_hand(host, staged)
    for _boot in range(2):
        with pytest.raises(Servicing) as caught:
            host.commit()
        assert caught.value.code == "clean-install-not-finalized"
    assert host.status().servicing_state is ServicingState.CLEAN_INSTALL_STAGED
    assert host.status().last_error == caught.value.to_document()
    with pytest.raises(TridentError) as refused:
        host.update(V2)
    assert refused.value.code == "host-not-provisioned"


def test_commit_in_the_servicing_os_has_nothing_to_say_of_a_staged_install(blank: Host) -> None:
    blank.install(V1, STAGE)
    assert "clean-install-staged" in blank.commit().summary
