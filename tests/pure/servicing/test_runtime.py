"""Runtime updates: no volume is written, nothing boots, and what fails or is cut off is undone."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import CONFIGURATION, status
from trident.config.model import HostConfiguration
from trident.errors import HealthChecks, Servicing, TridentError
from trident.plan.step import NOT_WHOLE, Operation, Phase, Step
from trident.servicing.rollback import Wish, check
from trident.state.datastore import Datastore
from trident.state.history import EntryState
from trident.state.status import AbVolume, ServicingState, ServicingType

__all__ = ["host"]

STAGE, FINALIZE = frozenset({Operation.STAGE}), frozenset({Operation.FINALIZE})
_CHECK = {"name": "alive", "content": "true", "runOn": ["runtime-update"]}


def address(last: int) -> HostConfiguration:
    """A host without scripts, which would force an A/B update, at an address of its own."""
    netplan = {"ethernets": {"eth0": {"addresses": [f"192.0.2.{last}/24"]}}}
    return HostConfiguration.from_document(
        CONFIGURATION
        | {
            "scripts": {},
            "os": CONFIGURATION["os"] | {"netplan": netplan},
            "health": {"checks": [_CHECK]},
        }
    )


OLD, NEW, NEWER = address(1), address(2), address(3)


@pytest.fixture
def running(host: Host) -> Host:
    """A host that runs OLD."""
    with Datastore.open(host.environment.datastore_path) as store:
        store.record(status(AbVolume.A, OLD))
    host.network = OLD.os.netplan
    return host


def failing_at(phase: Phase, error: BaseException) -> Callable[[Step], None]:
    """Fails the first step of that phase, and no step of the undo that follows."""
    left = [error]

    def before(step: Step) -> None:
        if left and step.phase is phase and step.operation is Operation.FINALIZE:
            raise left.pop()

    return before


def last_entry(host: Host) -> EntryState:
    with Datastore.open(host.environment.datastore_path) as store:
        latest = store.history.latest()
    assert latest is not None
    return latest.state


def assert_untouched(host: Host) -> None:
    now = host.status()
    assert (now.servicing_state, now.spec) == (ServicingState.PROVISIONED, OLD.to_document())
    assert host.network == OLD.os.netplan


def test_it_changes_the_running_system_and_writes_no_volume(running: Host) -> None:
    outcome = running.update(NEW)

    assert (outcome.servicing_type, outcome.needs_reboot) == (ServicingType.RUNTIME_UPDATE, False)
    now = running.status()
    assert (now.servicing_state, now.spec, now.spec_old) == (
        ServicingState.PROVISIONED,
        NEW.to_document(),
        {},
    )
    assert running.network == NEW.os.netplan
    assert not {"root-a", "root-b", "esp"} & set(running.written)
    assert last_entry(running) is EntryState.SUCCEEDED


def test_what_is_staged_is_not_in_use(running: Host) -> None:
    running.update(NEW, STAGE)
    assert running.status().servicing_state is ServicingState.RUNTIME_UPDATE_STAGED
    assert running.network == OLD.os.netplan

    running.boot()
    running.commit()
    running.update(NEW, FINALIZE)
    assert running.network == NEW.os.netplan


@pytest.mark.parametrize("phase", [Phase.FINALIZE, Phase.HEALTH], ids=str)
def test_what_fails_is_undone(running: Host, phase: Phase) -> None:
    error = (
        HealthChecks("health-checks-failed", "It is not alive.")
        if phase is Phase.HEALTH
        else Servicing("netplan", "Netplan refuses.")
    )
    running.before_step = failing_at(phase, error)
    with pytest.raises(TridentError) as caught:
        running.update(NEW)

    assert caught.value is error
    assert "brought back" in error.message
    assert_untouched(running)
    last_error = running.status().last_error
    assert last_error is not None
    assert error.code in json.dumps(last_error["error"])
    assert last_entry(running) is EntryState.FAILED


def test_ctrl_c_in_the_midst_is_undone_too(running: Host) -> None:
    running.before_step = failing_at(Phase.HEALTH, KeyboardInterrupt())
    with pytest.raises(TridentError) as caught:
        running.update(NEW)
    assert caught.value.code == "interrupted"
    assert_untouched(running)


def test_what_is_not_whole_any_more_is_withdrawn_before_anything_changes(running: Host) -> None:
    tools = {"url": "http://images.example/tools.raw", "sha384": "ab" * 48}
    extended = HostConfiguration.from_document(
        OLD.to_document() | {"os": OLD.to_document()["os"] | {"sysexts": [tools]}}
    )
    running.update(extended, STAGE)
    written = list(running.written)

    running.before_step = failing_at(Phase.SEAL, Servicing(NOT_WHOLE, "The file is another one."))
    with pytest.raises(Servicing):
        running.update(extended, FINALIZE)

    assert_untouched(running)
    assert running.written == written, "nothing was undone, since nothing was done"
    assert last_entry(running) is EntryState.FAILED


def test_an_undo_that_fails_is_told_and_tried_again(running: Host) -> None:
    def always(step: Step) -> None:
        if step.operation is Operation.FINALIZE and step.phase is Phase.FINALIZE:
            raise Servicing("netplan", "Netplan refuses.")

    running.before_step = always
    with pytest.raises(Servicing) as caught:
        running.update(NEW)
    assert "Undoing it failed, too" in caught.value.message
    assert running.status().servicing_state is ServicingState.RUNTIME_UPDATE_STAGED

    running.before_step = lambda _step: None
    running.network = NEW.os.netplan  # half-way
    with pytest.raises(Servicing) as told:
        running.commit()
    assert told.value.code == "finalize-interrupted"
    assert running.network == OLD.os.netplan
    assert running.update(NEW).servicing_type is ServicingType.RUNTIME_UPDATE


def extended(configuration: HostConfiguration, digits: str) -> HostConfiguration:
    tools = {"url": "http://images.example/tools.raw", "sha384": digits * 48}
    document = configuration.to_document()
    return HostConfiguration.from_document(document | {"os": document["os"] | {"sysexts": [tools]}})


def test_extensions_that_cannot_be_merged_do_not_keep_the_network_from_coming_back(running: Host) -> None:
    """A file that is none of Trident's stops every refresh, but the host is within reach."""
    old, new = extended(OLD, "ab"), extended(NEW, "cd")
    with Datastore.open(running.environment.datastore_path) as store:
        store.record(status(AbVolume.A, old))
    has_failed = False

    def stray(step: Step) -> None:
        nonlocal has_failed
        if step.phase is Phase.HEALTH:
            has_failed = True
            raise HealthChecks("health-checks-failed", "It is not alive.")
        if has_failed and step.id.startswith("refresh-extensions"):
            raise Servicing("refresh-extensions", "There is a stray file.")

    running.before_step = stray
    with pytest.raises(HealthChecks) as caught:
        running.update(new)
    assert "not alive" in caught.value.message
    assert "the host is half-way: There is a stray file." in caught.value.message
    assert running.network == OLD.os.netplan
    assert running.status().servicing_state is ServicingState.RUNTIME_UPDATE_STAGED

    running.network = NEW.os.netplan  # as if the power had gone before the network was back
    running.boot()
    with pytest.raises(Servicing) as told:
        running.commit()
    assert told.value.code == "refresh-extensions"
    assert running.network == OLD.os.netplan


def test_every_failure_of_an_undo_is_told(running: Host) -> None:
    old, new = extended(OLD, "ab"), extended(NEW, "cd")
    with Datastore.open(running.environment.datastore_path) as store:
        store.record(status(AbVolume.A, old))

    def refuses(step: Step) -> None:
        if step.id.startswith("refresh-extensions") or step.id == "apply-netplan":
            raise Servicing("refused", f"'{step.id}' is refused.")

    running.before_step = refuses
    with pytest.raises(Servicing) as caught:
        running.update(new)
    assert (
        "'refresh-extensions:sysexts' is refused. Also: 'apply-netplan' is refused." in caught.value.message
    )


@pytest.mark.parametrize(
    "then", ["commit at the next boot", "the same command", "another update", "rollback"]
)
def test_what_was_cut_off_is_undone_by_whatever_comes_next(running: Host, then: str) -> None:
    cut_in_the_midst(running)

    match then:
        case "commit at boot":
            running.boot()
            with pytest.raises(Servicing) as caught:
                running.commit()
            assert caught.value.code == "finalize-interrupted"
            assert running.network == OLD.os.netplan
            assert running.status().servicing_state is ServicingState.RUNTIME_UPDATE_STAGED
            running.update(NEW, FINALIZE)
            assert running.network == NEW.os.netplan
        case "the same command":
            running.update(NEW)
            assert running.network == NEW.os.netplan
        case "another update":
            running.update(NEWER)
            assert running.network == NEWER.os.netplan
        case "rollback":
            with pytest.raises(TridentError):
                running.rollback()
            assert running.network == OLD.os.netplan


def cut_in_the_midst(host: Host) -> None:
    """The agent is gone between two steps of finalize: it neither undoes nor records anything."""

    class Gone(BaseException):
        pass

    def gone(step: Step) -> None:
        if step.phase is Phase.HEALTH or host.network != OLD.os.netplan:
            raise Gone

    host.before_step = gone
    with pytest.raises(Gone):
        host.update(NEW)
    host.before_step = lambda _step: None
    assert host.network == NEW.os.netplan
    assert host.status().servicing_state is ServicingState.RUNTIME_UPDATE_STAGED


def test_runtime_updates_are_rolled_back_one_at_a_time(running: Host) -> None:
    running.update(NEW)
    running.update(NEWER)

    assert check(Wish.NEXT, running.environment) == "runtime"
    running.rollback(Wish.RUNTIME)
    assert running.network == NEW.os.netplan
    running.rollback()
    assert_untouched(running)
    assert check(Wish.NEXT, running.environment) == "none"


def test_a_rollback_that_fails_leaves_what_ran(running: Host) -> None:
    running.update(NEW)
    running.before_step = failing_at(Phase.FINALIZE, Servicing("netplan", "Netplan refuses."))
    with pytest.raises(Servicing):
        running.rollback()
    assert running.network == NEW.os.netplan
    assert running.status().spec == NEW.to_document()
    assert running.status().servicing_state is ServicingState.PROVISIONED
    assert running.rollback().servicing_type is ServicingType.MANUAL_ROLLBACK_RUNTIME


def test_ab_skips_the_runtime_updates(running: Host) -> None:
    second = HostConfiguration.from_document(
        OLD.to_document() | {"image": {"url": "http://images.example/v2.cosi", "sha384": "ignored"}}
    )
    running.update(second)
    running.boot()
    running.commit()
    running.update(second.evolve(os=NEW.os))

    assert check(Wish.NEXT, running.environment) == "runtime"
    assert check(Wish.AB, running.environment) == "ab"
    assert running.rollback(Wish.AB).needs_reboot
    running.boot()
    running.commit()
    assert running.root == "root-a"
    assert running.status().spec == OLD.to_document()
