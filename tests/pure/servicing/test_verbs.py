"""Update and commit in every state of a host: what runs is never written, and Host Status stays true."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import configuration
from trident.config.model import HostConfiguration
from trident.errors import Internal, InvalidInput, Servicing, TridentError
from trident.plan.step import Operation, Step
from trident.progress import Event, ServicingSelected, StepBegun
from trident.servicing.switch import FINALIZE_MARK
from trident.servicing.update import update
from trident.state.datastore import Datastore
from trident.state.status import AbVolume, ServicingState

__all__ = ["host"]

V1, V2, V3 = configuration("v1"), configuration("v2"), configuration("v3")


def test_an_update_is_committed_after_its_boot(host: Host) -> None:
    assert host.update(V2).needs_reboot
    host.boot()
    host.commit()
    status = host.status()
    assert (status.servicing_state, status.ab_active_volume, host.root) == (
        ServicingState.PROVISIONED,
        AbVolume.B,
        "root-b",
    )
    assert status.spec == V2.to_document()
    assert host.next_boot() == "trident-b"


@pytest.mark.parametrize("desired", [V1, V3], ids=["the previous one", "another one"])
def test_a_system_that_waits_for_its_commit_is_not_updated(host: Host, desired: HostConfiguration) -> None:
    host.update(V2)
    host.boot()
    before = host.status()
    with pytest.raises(Servicing) as caught:
        host.update(desired)
    assert caught.value.code == "validate-ab-active-volume"
    assert host.status().evolve(last_error=None) == before
    host.commit()
    assert host.status().spec == V2.to_document()


def test_a_host_that_runs_the_inactive_volume_is_not_called_up_to_date(host: Host) -> None:
    host.boot("root-b")
    with pytest.raises(Servicing) as caught:
        host.update(V1)
    assert caught.value.code == "validate-ab-active-volume"


def test_commit_cut_off_after_the_order_then_the_old_system_by_hand(host: Host) -> None:
    """The order names the new volume first, but the old system runs: it must come first again."""
    host.update(V2)
    host.boot()

    def cut(step: Step) -> None:
        if step.id == "set-uefi-fallback:trident-b:commit":
            raise Servicing("mount", "The ESP cannot be mounted.")

    host.before_step = cut
    with pytest.raises(Servicing):
        host.commit()
    host.before_step = lambda _step: None
    assert host.next_boot() == "trident-b"
    host.boot("root-a")
    with pytest.raises(Servicing) as caught:
        host.commit()
    assert caught.value.code == "commit-not-completed"
    assert "The ESP cannot be mounted." in caught.value.message
    assert host.next_boot() == "trident-a"
    assert host.update(V3).needs_reboot
    assert host.next_boot() == "trident-b"


@pytest.mark.parametrize("state", ["staged", "provisioned"])
@pytest.mark.parametrize("trap", ["BootNext", "BootOrder", "BootOrder without the other"])
def test_nothing_boots_a_volume_that_is_being_written(host: Host, state: str, trap: str) -> None:
    if state == "staged":
        host.update(V2, frozenset({Operation.STAGE}))
    target = host.variables.number_of("trident-b")
    if trap == "BootNext":
        host.variables.set_boot_next(target)
    else:
        host.variables.move_first(target)
    if trap == "BootOrder without the other":
        host.variables._write_order((target, host.variables.number_of("UiApp")))
    host.update(V3)
    assert host.next_boot() == "trident-b"
    assert {"root-b"} <= set(host.written)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Servicing("write-to-datastore", "Full.")], ids=repr)
def test_finalize_that_ends_late_takes_back_what_it_told_the_firmware(
    host: Host, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    note = Datastore.note

    def failing(store: Datastore, operation: str, step: str, event: str) -> None:
        if (step, event) == (FINALIZE_MARK, "done"):
            raise error
        note(store, operation, step, event)

    monkeypatch.setattr(Datastore, "note", failing)
    with pytest.raises(TridentError):
        host.update(V2)
    assert host.variables.boot_next() is None
    assert host.status().servicing_state is ServicingState.AB_UPDATE_STAGED


def test_a_defect_is_recorded_as_last_error_too(host: Host) -> None:
    def defect(_step: Step) -> None:
        raise ZeroDivisionError("oops")

    host.before_step = defect
    with pytest.raises(Internal):
        host.update(V2)
    last_error = host.status().last_error
    assert last_error is not None
    assert last_error["category"] == "internal"


def test_commit_before_the_reboot_refuses(host: Host) -> None:
    host.update(V2)
    with pytest.raises(InvalidInput) as caught:
        host.commit()
    assert caught.value.code == "commit-before-reboot"
    assert host.next_boot() == "trident-b"


def test_commit_of_an_install_before_the_reboot_keeps_the_install(host: Host) -> None:
    with Datastore.open(host.environment.datastore_path) as store:
        store.record(
            store.status().evolve(
                servicing_state=ServicingState.CLEAN_INSTALL_FINALIZED,
                is_management_os=True,
                ab_active_volume=None,
            )
        )
    host.root = "ram"
    with pytest.raises(InvalidInput) as caught:
        host.commit()
    assert caught.value.code == "commit-before-reboot"
    assert host.status().servicing_state is ServicingState.CLEAN_INSTALL_FINALIZED


def test_commit_says_so_when_the_inactive_volume_runs(host: Host) -> None:
    host.boot("root-b")
    with pytest.raises(Servicing) as caught:
        host.commit()
    assert caught.value.code == "validate-ab-active-volume"
    assert host.status().last_error is not None


def test_staging_what_is_finalized_already_changes_nothing_and_says_so(host: Host) -> None:
    host.update(V2)
    before, written = host.status(), list(host.written)
    outcome = host.update(V2, frozenset({Operation.STAGE}))
    assert "finalized already" in outcome.summary
    assert host.status() == before
    assert host.written == written
    assert host.next_boot() == "trident-b"


def test_staging_again_looks_whether_the_url_holds_another_image(host: Host) -> None:
    stage = frozenset({Operation.STAGE})
    assert "is staged." in host.update(V2, stage).summary
    written = list(host.written)
    assert "is staged already." in host.update(V2, stage).summary
    assert host.written == written

    host.image_sha384 = "2" * 96
    assert "is staged." in host.update(V2, stage).summary
    assert "root-b" in host.written[len(written) :]
    written = list(host.written)
    assert "is staged already." in host.update(V2, stage).summary
    assert host.written == written
    assert host.update(V2).needs_reboot, "what is staged is finalized, whatever lies at the URL by now"


def test_an_image_whose_hash_is_known_is_not_looked_at_again(host: Host) -> None:
    known = V2.evolve(image=V2.image.evolve(sha384="a" * 96) if V2.image else None)
    host.update(known, frozenset({Operation.STAGE}))
    host.image_sha384 = "2" * 96
    assert "is staged already." in host.update(known, frozenset({Operation.STAGE})).summary


def test_staging_again_without_a_server_keeps_what_is_staged(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.update(V2, frozenset({Operation.STAGE}))

    def away(_configuration: HostConfiguration) -> None:
        raise Servicing("load-cosi", "No answer.")

    monkeypatch.setattr("trident.servicing.update.open_image", away)
    with pytest.raises(Servicing, match="No answer"):
        host.update(V2, frozenset({Operation.STAGE}))
    assert host.status().servicing_state is ServicingState.AB_UPDATE_STAGED
    assert host.update(V2).needs_reboot


def test_what_an_update_comes_to_is_told_with_the_reason(host: Host) -> None:
    told: list[Event] = []
    environment = replace(host.environment, progress=told.append)
    update(V2, frozenset({Operation.STAGE}), environment)
    selected = next(event for event in told if isinstance(event, ServicingSelected))
    assert told.index(selected) < next(n for n, event in enumerate(told) if isinstance(event, StepBegun))
    assert selected.reason.startswith("ab-update, because: image.url changed (another image")


def test_what_is_no_reason_for_an_update_is_named_and_not_dropped_in_silence(host: Host) -> None:
    runs = configuration("v1", scripts=False).to_document()
    with Datastore.open(host.environment.datastore_path) as store:
        store.record(store.status().evolve(spec=runs))
    checks = [{"name": "up", "content": "true", "runOn": ["all"]}]
    more = {"health": {"checks": checks}, "trident": {"phonehome": "http://x/"}}
    outcome = host.update(HostConfiguration.from_document(runs | more))
    assert outcome.summary.startswith("Nothing to do. ")
    assert "not taken over: trident.phonehome (it is for the agent" in outcome.summary
    assert "; health.checks[up] (the checks are made after the next servicing)." in outcome.summary
    assert host.status().spec == runs


def test_a_staged_update_that_is_not_wanted_any_more_is_said_to_be_withdrawn(host: Host) -> None:
    assert "withdrawn" not in host.update(V1).summary
    host.update(V2, frozenset({Operation.STAGE}))
    assert host.update(V1).summary.endswith("Nothing to do. What was staged before is withdrawn.")
    assert host.status().servicing_state is ServicingState.PROVISIONED
