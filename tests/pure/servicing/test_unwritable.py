"""A datastore that takes no write: the host is brought back, and an unhealthy update left, all the same."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import status
from tests.pure.servicing.test_power_cuts import cut, until_the_cut
from tests.pure.servicing.test_state_table import NEW_ADDRESS, V1, V2
from trident.errors import HealthChecks, Servicing
from trident.host.efi import EfiVariables
from trident.plan.step import Phase, Step
from trident.progress import Event, Undone
from trident.state import connection, datastore
from trident.state.datastore import Datastore
from trident.state.status import AbVolume, ServicingState, ServicingType

__all__ = ["cut", "host"]


def not_alive() -> HealthChecks:
    return HealthChecks("health-checks-failed", "It is not alive.", hint="Look at the report.")


class Disk:
    """What the datastore lies on."""

    def __init__(self) -> None:
        self.is_writable = True
        self.connections: list[sqlite3.Connection] = []

    def fail(self) -> None:
        """Turn read-only, as a file system does that met an error."""
        self.is_writable = False
        self.connections[-1].execute("PRAGMA query_only = ON")

    def vanish(self) -> None:
        """Not even what was written can be read."""
        self.is_writable = False
        self.connections[-1].close()


@pytest.fixture
def disk(host: Host, monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk, connect = Disk(), connection._connect

    def connected(path: Path, mode: str) -> sqlite3.Connection:
        raw = connect(path, mode)
        disk.connections.append(raw)
        if not disk.is_writable:
            raw.execute("PRAGMA query_only = ON")
        return raw

    monkeypatch.setattr(connection, "_connect", connected)
    return disk


@pytest.fixture
def running(host: Host, disk: Disk) -> Host:
    """A host that runs V1."""
    with Datastore.open(host.environment.datastore_path) as store:
        store.record(status(AbVolume.A, V1))
    host.content["root-a"], host.network = V1.to_document(), V1.os.netplan
    return host


def at(is_it: Callable[[Step], bool], happens: Callable[[], object]) -> Callable[[Step], None]:
    """Let it happen once, when such a step has been begun."""
    is_over = False

    def before(step: Step) -> None:
        nonlocal is_over
        if not is_over and is_it(step):
            is_over = True
            happens()

    return before


def unhealthy(host: Host) -> None:
    def before(step: Step) -> None:
        if step.phase is Phase.HEALTH:
            raise not_alive()

    host.before_step = before


def is_network(step: Step) -> bool:
    return step.id == "apply-netplan"


def is_check(step: Step) -> bool:
    return step.phase is Phase.HEALTH


# A change of the running system


@pytest.mark.parametrize("how", [Disk.fail, Disk.vanish], ids=["read-only", "vanished"])
@pytest.mark.parametrize("moment", [is_network, is_check], ids=["in a step", "in a check"])
def test_a_change_of_the_running_system_is_undone(
    running: Host, disk: Disk, moment: Callable[[Step], bool], how: Callable[[Disk], None]
) -> None:
    running.before_step = at(moment, lambda: how(disk))
    events: list[Event] = []
    running.environment = replace(running.environment, progress=events.append)

    with pytest.raises(Servicing) as caught:
        running.update(NEW_ADDRESS)

    assert caught.value.code == "write-to-datastore"
    assert "was brought back to what it was, but that cannot be recorded" in caught.value.message
    assert "half-way" not in caught.value.message
    assert "trident commit" in str(caught.value.hint)
    assert running.network == V1.os.netplan
    assert [event.outcome for event in events if isinstance(event, Undone)] == ["done"]

    disk.is_writable = True
    with pytest.raises(Servicing) as caught:
        running.commit()
    assert caught.value.code == "finalize-interrupted", "so it is recorded now"
    assert running.status().servicing_state is ServicingState.RUNTIME_UPDATE_STAGED
    assert running.commit().servicing_type is ServicingType.NO_ACTIVE_SERVICING
    running.update(NEW_ADDRESS)
    assert running.network == NEW_ADDRESS.os.netplan


def test_both_are_told_what_failed_and_that_the_end_of_it_cannot_be_recorded(
    running: Host, disk: Disk
) -> None:
    def fail() -> None:
        disk.fail()
        raise not_alive()

    running.before_step = at(is_check, fail)
    with pytest.raises(HealthChecks) as caught:
        running.update(NEW_ADDRESS)
    assert "not alive" in caught.value.message
    assert "cannot be recorded: The datastore" in caught.value.message
    for advice in ("Look at the report.", "writable", "trident commit"):
        assert advice in str(caught.value.hint)
    assert running.network == V1.os.netplan


def test_an_interrupt_is_not_said_to_be_recorded_where_it_is_not(running: Host, disk: Disk) -> None:
    def interrupt() -> None:
        disk.fail()
        raise KeyboardInterrupt

    running.before_step = at(is_check, interrupt)
    with pytest.raises(Servicing) as caught:
        running.update(NEW_ADDRESS)
    assert caught.value.code == "write-to-datastore"
    assert "cannot be recorded" in caught.value.message
    assert running.network == V1.os.netplan


def test_an_undo_that_fails_besides_is_told_as_such(running: Host, disk: Disk) -> None:
    def before(step: Step) -> None:
        if is_network(step):
            disk.fail()
            raise Servicing("apply-netplan-config", "Netplan refuses.")

    running.before_step = before
    with pytest.raises(Servicing) as caught:
        running.update(NEW_ADDRESS)
    assert caught.value.code == "apply-netplan-config"
    assert "the host is half-way" in caught.value.message


@pytest.fixture
def cut_off(running: Host) -> Host:
    """The agent was killed behind the change of the network."""

    class Killed(BaseException):
        pass

    def kill(step: Step) -> None:
        if is_check(step):
            raise Killed

    running.before_step = kill
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr("trident.servicing.runtime._undo_after", lambda *_: None)
        running.update(NEW_ADDRESS)
    running.before_step = lambda _step: None
    assert running.network == NEW_ADDRESS.os.netplan
    return running


def test_what_was_cut_off_is_undone_at_boot(cut_off: Host, disk: Disk) -> None:
    disk.is_writable = False
    for _boot in range(2):
        cut_off.boot()
        with pytest.raises(Servicing) as caught:
            cut_off.commit()
        assert caught.value.code == "write-to-datastore"
        assert cut_off.network == V1.os.netplan


def test_and_so_it_is_where_the_datastore_cannot_even_be_opened_for_writing(
    cut_off: Host, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened_read_only(disk, monkeypatch)
    cut_off.boot()
    with pytest.raises(Servicing) as caught:
        cut_off.commit()
    assert caught.value.code == "write-to-datastore"
    assert cut_off.network == V1.os.netplan


def opened_read_only(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> connection.Connection:
        raise connection.unwritable(path, PermissionError("it is read-only"))

    disk.is_writable = False
    monkeypatch.setattr(datastore, "_writable", refused)


def test_with_nothing_to_undo_and_to_judge_commit_says_what_is_wrong(
    running: Host, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened_read_only(disk, monkeypatch)
    with pytest.raises(Servicing) as caught:
        running.commit()
    assert caught.value.code == "write-to-datastore"


# The first boot of an update


@pytest.fixture
def updated(running: Host, disk: Disk) -> Host:
    """A host that has booted V2, with the datastore read-only since then."""
    running.update(V2)
    running.boot()
    disk.is_writable = False
    return running


def _fail_then(disk: Disk, others: Callable[[Step], None], step: Step) -> None:
    if is_check(step):
        disk.fail()
    others(step)


def assert_runs_v1(host: Host) -> None:
    """And all is recorded."""
    assert (host.root, host.next_boot()) == ("root-a", "trident-a")
    now = host.status()
    assert (now.servicing_state, now.spec) == (ServicingState.PROVISIONED, V1.to_document())


@pytest.mark.parametrize("moment", ["from the boot on", "not even opened", "in the checks"])
def test_an_unhealthy_update_goes_back(
    updated: Host, disk: Disk, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unhealthy(updated)
    with monkeypatch.context() as patch:
        if moment == "not even opened":
            opened_read_only(disk, patch)
        if moment == "in the checks":
            disk.is_writable = True
            failing = updated.before_step
            updated.before_step = lambda step: _fail_then(disk, failing, step)

        outcome = updated.commit()

        assert outcome.needs_reboot
        assert outcome.failure is not None
        assert "not alive" in outcome.failure.message
        assert "cannot be recorded: The datastore" in outcome.failure.message
        assert updated.status().servicing_state is ServicingState.AB_UPDATE_FINALIZED
        updated.boot()
        assert updated.root == "root-a"
        with pytest.raises(Servicing) as caught:
            updated.commit()
        assert caught.value.code == "write-to-datastore"
        assert updated.next_boot() == "trident-a"

    disk.is_writable = True
    updated.before_step = lambda _step: None
    with pytest.raises(Servicing) as caught:
        updated.commit()
    has_begun = moment == "in the checks"
    assert caught.value.code == ("commit-not-completed" if has_begun else "ab-update-reboot-check")
    assert_runs_v1(updated)
    assert updated.update(V2).needs_reboot
    updated.boot()
    updated.commit()
    assert (updated.root, updated.next_boot()) == ("root-b", "trident-b")


def test_it_reboots_by_itself_once_wherever_the_firmware_leads(updated: Host, disk: Disk) -> None:
    """The old volume does not start any more, and the firmware finds some other way to the new one."""
    unhealthy(updated)
    assert updated.commit().needs_reboot
    for _boot in range(3):
        updated.boot("root-b")
        with pytest.raises(HealthChecks) as caught:
            updated.commit()
        assert "not alive" in caught.value.message
        assert "does not reboot by itself" in caught.value.message

    disk.is_writable = True
    assert updated.commit().needs_reboot, "this can be recorded, and so is done once more"
    updated.boot("root-b")
    with pytest.raises(Servicing) as recorded:
        updated.commit()
    assert recorded.value.code == "ab-update-reboot-check"


@pytest.mark.parametrize("moment", range(4))
def test_a_power_cut_on_the_way_back_boots_the_old_system(
    updated: Host, cut: Callable[[int], None], moment: int
) -> None:
    unhealthy(updated)
    cut(moment)
    until_the_cut(updated.commit)
    cut(-1)
    updated.boot()
    assert updated.root == "root-a"


def test_one_that_is_healthy_after_all_can_still_be_committed(updated: Host, disk: Disk) -> None:
    """The firmware's entry, which was removed before the first reboot, is made anew."""
    unhealthy(updated)
    updated.commit()
    updated.boot("root-b")
    updated.before_step = lambda _step: None
    with pytest.raises(Servicing):
        updated.commit()
    assert updated.next_boot() == "trident-a", "nothing is made permanent that cannot be recorded"
    disk.is_writable = True
    updated.commit()
    assert updated.next_boot() == "trident-b"
    assert updated.status().spec == V2.to_document()


@pytest.mark.parametrize("firmware", ["refuses", "keeps it"])
def test_it_does_not_reboot_where_the_firmware_cannot_remember_it_either(
    updated: Host, firmware: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete(_variables: EfiVariables, name: str, *_guid: str) -> None:
        if firmware == "refuses":
            raise Servicing("set-efi-variable", f"{name} is locked.")

    unhealthy(updated)
    monkeypatch.setattr(EfiVariables, "delete", delete)
    with pytest.raises(HealthChecks) as caught:
        updated.commit()
    assert "not alive" in caught.value.message
    assert "does not reboot by itself" in caught.value.message
    assert "Boot0002" in caught.value.message or "'trident-b'" in caught.value.message
    assert updated.next_boot() == "trident-a"


def test_a_healthy_update_is_not_committed_until_that_can_be_recorded(updated: Host, disk: Disk) -> None:
    for _attempt in range(2):
        with pytest.raises(Servicing) as caught:
            updated.commit()
        assert caught.value.code == "write-to-datastore"
        assert updated.next_boot() == "trident-a"
    disk.is_writable = True
    updated.commit()
    assert updated.next_boot() == "trident-b"


def test_an_unhealthy_install_is_told_although_it_cannot_be_recorded(running: Host, disk: Disk) -> None:
    with Datastore.open(running.environment.datastore_path) as store:
        installed = status(AbVolume.A, V1).evolve(
            servicing_state=ServicingState.CLEAN_INSTALL_FINALIZED, ab_active_volume=None
        )
        store.record(installed)
    unhealthy(running)
    disk.is_writable = False
    with pytest.raises(HealthChecks) as caught:
        running.commit()
    assert "not alive" in caught.value.message
    assert "cannot be recorded" in caught.value.message
