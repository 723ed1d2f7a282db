"""Ways to make Host Status lie that somebody with a power switch, a firmware menu and patience would find."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import CONFIGURATION, status
from trident.config.model import HostConfiguration
from trident.errors import HealthChecks, InvalidInput, Servicing, TridentError
from trident.plan.step import Operation, Phase, Step
from trident.servicing import record
from trident.servicing.rollback import Wish, check
from trident.state.chain import rollback_chain
from trident.state.datastore import Datastore
from trident.state.history import EntryState, HistoryEntry
from trident.state.status import AbVolume, ServicingState

__all__ = ["host"]

STAGE, FINALIZE = frozenset({Operation.STAGE}), frozenset({Operation.FINALIZE})


_CHECK = {"name": "alive", "content": "true", "runOn": ["all"]}


class Killed(BaseException):
    """The agent is gone: it neither undoes nor records anything."""


def wanted(
    version: str = "v1", address: int = 1, fallback: str = "conservative", *, health: bool = False
) -> HostConfiguration:
    netplan = {"ethernets": {"eth0": {"addresses": [f"192.0.2.{address}/24"]}}}
    return HostConfiguration.from_document(
        CONFIGURATION
        | {
            "scripts": {},
            "health": {"checks": [_CHECK] if health else []},
            "image": {"url": f"http://images.example/{version}.cosi", "sha384": "ignored"},
            "os": CONFIGURATION["os"] | {"netplan": netplan, "uefiFallback": fallback},
        }
    )


V1, V2 = wanted("v1"), wanted("v2")
MOVED = wanted("v1", 2)


@pytest.fixture
def running(host: Host) -> Host:
    """A host on volume A that runs V1."""
    with Datastore.open(host.environment.datastore_path) as store:
        store.record(status(AbVolume.A, V1))
    host.network = V1.os.netplan
    return host


def killed_at(host: Host, step_id: str) -> None:
    def kill(step: Step) -> None:
        if step.id.startswith(step_id):
            raise Killed

    host.before_step = kill


def undisturbed(host: Host) -> None:
    host.before_step = lambda _step: None


def entries(host: Host) -> tuple[HistoryEntry, ...]:
    with Datastore.open(host.environment.datastore_path) as store:
        return store.history.entries()


def cut_off_half_way(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime update is killed behind its last step, and no undo follows."""
    host.update(MOVED, STAGE)
    with monkeypatch.context() as patch:
        patch.setattr("trident.servicing.runtime._undo_after", lambda *_: None)
        patch.setattr("trident.servicing.runtime.record.move", _kill)
        with pytest.raises(Killed):
            host.update(MOVED, FINALIZE)


def _kill(*_arguments: object, **_options: object) -> None:
    raise Killed


@pytest.mark.parametrize("verb", ["update", "rollback", "commit"])
def test_what_was_cut_off_on_one_volume_is_not_undone_on_the_other(
    running: Host, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    cut_off_half_way(running, monkeypatch)
    running.boot("root-b")
    running.network = {"of": "the other volume"}
    with pytest.raises(Servicing) as caught:
        running.update(V1) if verb == "update" else getattr(running, verb)()
    assert caught.value.code == "validate-ab-active-volume"
    assert running.network == {"of": "the other volume"}


def test_a_staged_runtime_rollback_does_not_change_the_other_volume(running: Host) -> None:
    running.update(MOVED)
    running.rollback(operations=STAGE)
    running.boot("root-b")
    running.network = {"of": "the other volume"}
    with pytest.raises(Servicing) as caught:
        running.rollback(operations=FINALIZE)
    assert caught.value.code == "validate-ab-active-volume"
    assert running.network == {"of": "the other volume"}


def test_an_interrupt_behind_the_success_of_a_runtime_update_undoes_nothing(
    running: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C comes after the row was written and before the verb knows."""
    together = Datastore.together
    move = record.move
    done = []

    def moving(datastore: Datastore, status: object, end: EntryState | None = None, **more: object) -> object:
        if end is EntryState.SUCCEEDED:
            done.append(end)
        return move(datastore, status, end, **more)  # type: ignore[arg-type]

    @contextlib.contextmanager
    def interrupted(datastore: Datastore) -> Iterator[None]:
        with together(datastore):
            yield
        if done and datastore._connection._depth == 0:
            done.clear()
            raise KeyboardInterrupt

    monkeypatch.setattr(record, "move", moving)
    monkeypatch.setattr(Datastore, "together", interrupted)
    with pytest.raises(TridentError) as caught:
        running.update(MOVED)
    assert caught.value.code == "interrupted"
    succeeded = entries(running)[0].state is EntryState.SUCCEEDED
    assert (running.network == MOVED.os.netplan) == succeeded
    assert (running.status().spec == MOVED.to_document()) == succeeded


def test_a_defect_in_a_runtime_update_ends_it_as_failed(running: Host) -> None:
    left = [ZeroDivisionError("oops")]

    def defect(step: Step) -> None:
        if left and step.operation is Operation.FINALIZE and step.phase is Phase.FINALIZE:
            raise left.pop()

    running.before_step = defect
    with pytest.raises(TridentError):
        running.update(MOVED)
    assert entries(running)[0].state is EntryState.FAILED


@pytest.mark.parametrize("first", [Servicing("netplan", "No."), KeyboardInterrupt()], ids=repr)
def test_an_undo_that_fails_says_that_the_host_is_half_way(running: Host, first: BaseException) -> None:
    failures = [first]

    def always(step: Step) -> None:
        if step.operation is Operation.FINALIZE and step.phase is Phase.FINALIZE:
            raise failures.pop() if failures else Servicing("netplan", "Netplan refuses.")

    running.before_step = always
    with pytest.raises(TridentError) as caught:
        running.update(MOVED)
    assert "half-way" in caught.value.message
    for _ in range(2):
        with pytest.raises(TridentError) as caught:
            running.commit()
        assert "half-way" in caught.value.message
        assert "half-way" in str(running.status().last_error)


@pytest.mark.parametrize("then", [V1, MOVED], ids=["nothing to do", "a runtime update"])
def test_withdrawing_puts_the_running_system_first(running: Host, then: HostConfiguration) -> None:
    """A commit that was cut off has put B first; then A is started by hand, and the update is not wanted."""
    running.update(V2)
    running.boot()
    killed_at(running, "set-uefi-fallback:trident-b:commit")
    with pytest.raises(Killed):
        running.commit()
    undisturbed(running)
    assert running.next_boot() == "trident-b"
    running.boot("root-a")
    running.update(then)
    assert running.status().servicing_state is ServicingState.PROVISIONED
    assert running.next_boot() == "trident-a"


@pytest.mark.parametrize("end", ["withdrawn", "failed"])
def test_the_fallback_path_does_not_outlive_an_optimistic_update(running: Host, end: str) -> None:
    """Finalizing has pointed it at B, and nobody is going to commit that."""
    fallback: list[str] = []

    def watch(step: Step) -> None:
        if step.id.startswith("set-uefi-fallback:"):
            fallback.append(step.id.split(":")[1])
        if end == "failed" and step.id == "set-boot-next":
            raise Servicing("set-efi-variable", "The firmware is full.")

    running.before_step = watch
    optimistic = wanted("v2", fallback="optimistic")
    if end == "failed":
        with pytest.raises(Servicing):
            running.update(optimistic)
    else:
        running.update(optimistic)
        running.update(V1)
    assert fallback == ["trident-b", "trident-a"]


@pytest.mark.parametrize("mode", ["optimistic", "conservative"])
def test_a_fallback_path_that_could_not_be_written_is_written_by_a_later_commit(
    running: Host, mode: str
) -> None:
    """The host went back to A, and the ESP did not take that write."""
    fallback: list[str] = []
    is_full = True

    def watch(step: Step) -> None:
        if step.id.endswith(":commit"):
            if is_full:
                raise Servicing("set-up-uefi-fallback", "The ESP is full.")
            fallback.append(step.id)

    running.update(wanted("v2", fallback=mode))
    running.before_step = watch
    running.boot("root-a")
    with pytest.raises(Servicing) as caught:
        running.commit()
    assert caught.value.code == "ab-update-reboot-check"
    assert running.status().servicing_state is ServicingState.PROVISIONED

    with pytest.raises(Servicing) as caught:
        running.commit()
    assert caught.value.code == "set-up-uefi-fallback", "it is told until it is mended"
    is_full = False
    for _boot in range(2):
        running.boot()
        running.commit()
    assert fallback == ["set-uefi-fallback:trident-a:commit"], "once it is done nobody looks again"


def test_commit_looks_at_no_fallback_path_where_nothing_failed(running: Host) -> None:
    running.update(V2)
    running.boot()
    running.commit()
    touched: list[str] = []
    running.before_step = lambda step: touched.append(step.id)
    running.boot()
    running.commit()
    assert touched == []


@pytest.mark.parametrize("then", ["commit", "update", "rollback"])
def test_the_entry_of_a_killed_stage_ends(running: Host, then: str) -> None:
    killed_at(running, "write-image")
    with pytest.raises(Killed):
        running.update(V2)
    undisturbed(running)
    running.update(V1) if then == "update" else getattr(running, then)()
    assert entries(running)[0].state is EntryState.INTERRUPTED


def test_withdrawing_leaves_an_order_that_starts_what_runs(running: Host) -> None:
    """Somebody put B first by hand and took A out of the order."""
    running.update(V2)
    b, setup = running.variables.number_of("trident-b"), running.variables.number_of("UiApp")
    running.variables._write_order((b, setup))
    running.update(V1)
    assert running.next_boot() == "trident-a"


def test_failed_health_checks_are_told_where_the_firmware_refuses_the_way_back(
    running: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = wanted("v2", health=True)
    running.update(checked)
    running.boot()

    def unhealthy(step: Step) -> None:
        if step.phase is Phase.HEALTH:
            raise HealthChecks("health-checks-failed", "It is not alive.")

    def locked(*_arguments: object) -> None:
        raise Servicing("set-efi-variable", "The order is locked.")

    running.before_step = unhealthy
    with monkeypatch.context() as patch:
        patch.setattr("trident.servicing.commit.keep_from_booting", locked)
        with pytest.raises(HealthChecks) as caught:
            running.commit()
    assert "not alive" in caught.value.message
    assert "locked" in caught.value.message
    assert running.status().servicing_state is ServicingState.AB_UPDATE_FINALIZED

    assert running.commit().needs_reboot, "the next attempt sends it back"


def test_the_advice_for_withdrawing_an_update_withdraws_it(running: Host) -> None:
    """What runs is 'specOld' then; 'trident get configuration' prints what waits."""
    running.update(V2, STAGE)
    with pytest.raises(InvalidInput) as caught:
        running.rollback()
    assert "'specOld'" in str(caught.value.hint)
    running.update(HostConfiguration.from_document(running.status().spec_old))
    assert running.status().servicing_state is ServicingState.PROVISIONED
    assert running.status().spec == V1.to_document()


def test_a_host_without_volume_pairs_has_runtime_updates_and_their_rollback(running: Host) -> None:
    def single(address: int) -> HostConfiguration:
        document = wanted(address=address).to_document()
        storage = {name: value for name, value in document["storage"].items() if name != "abUpdate"}
        for filesystem in storage["filesystems"]:
            if filesystem["deviceId"] == "root":
                filesystem["deviceId"] = "root-a"
        return HostConfiguration.from_document(document | {"storage": storage})

    with Datastore.open(running.environment.datastore_path) as store:
        store.record(status(AbVolume.A, single(1)).evolve(ab_active_volume=None))
    running.update(single(2))
    assert running.network == single(2).os.netplan
    assert check(Wish.NEXT, running.environment) == "runtime"
    with pytest.raises(InvalidInput) as caught:
        check(Wish.AB, running.environment)
    assert caught.value.code == "invalid-rollback-expectation"
    running.rollback()
    assert running.network == single(1).os.netplan
    assert check(Wish.NEXT, running.environment) == "none"
    with pytest.raises(TridentError) as refused:
        running.update(single(1).evolve(image=V2.image))
    assert refused.value.code == "root-not-on-ab-volume"
    assert running.status().servicing_state is ServicingState.PROVISIONED


def test_a_runtime_rollback_whose_health_checks_fail_is_undone(running: Host) -> None:
    checked, moved = wanted(health=True), wanted(address=2, health=True)
    running.update(moved)

    def unhealthy(step: Step) -> None:
        if step.phase is Phase.HEALTH:
            raise HealthChecks("health-checks-failed", "It is not alive.")

    running.update(checked)
    running.before_step = unhealthy
    with pytest.raises(HealthChecks):
        running.rollback()
    assert running.network == checked.os.netplan
    assert running.status().spec == checked.to_document()
    assert running.status().servicing_state is ServicingState.PROVISIONED


def test_a_volume_that_is_not_healthy_is_put_behind_again(running: Host) -> None:
    """After the failed checks somebody puts it first in the order, and it boots once more."""
    running.update(wanted("v2", health=True))
    running.boot()

    def unhealthy(step: Step) -> None:
        if step.phase is Phase.HEALTH:
            raise HealthChecks("health-checks-failed", "It is not alive.")

    running.before_step = unhealthy
    assert running.commit().needs_reboot
    running.order("trident-b", "trident-a")
    running.boot()
    with pytest.raises(Servicing) as caught:
        running.commit()
    assert (running.root, caught.value.code) == ("root-b", "ab-update-reboot-check")

    running.boot()
    with pytest.raises(HealthChecks):
        running.commit()
    assert running.status().spec == V1.to_document()
    assert running.root == "root-a"


def test_an_update_takes_the_place_of_a_staged_rollback_and_the_boot_between_commits_neither(
    running: Host,
) -> None:
    running.update(V2)
    running.boot()
    running.commit()
    running.update(wanted("v2", address=5))
    running.rollback(operations=STAGE)
    running.update(wanted("v3"), STAGE)
    running.boot()
    running.commit()
    assert running.status().servicing_state is ServicingState.AB_UPDATE_STAGED
    assert [entry.state for entry in entries(running)[:2]] == [EntryState.STAGED, EntryState.WITHDRAWN]

    running.update(wanted("v3"), FINALIZE)
    running.boot()
    running.commit()
    with Datastore.open(running.environment.datastore_path) as store:
        chain = rollback_chain(store.status(), store.history.entries())
    assert [str(item.kind) for item in chain] == ["ab", "runtime"]
    assert chain[0].spec == wanted("v2", address=5).to_document()
