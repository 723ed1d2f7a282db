"""The volume of the datastore is full or read-only: what cannot wait for it is done all the same."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import status
from tests.pure.servicing.test_state_table import NEW_ADDRESS, V1, V2
from trident.errors import HealthChecks, Servicing
from trident.plan.step import Phase, Step
from trident.state.datastore import Datastore
from trident.state.status import AbVolume, ServicingState

__all__ = ["host"]


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """A mounted file system of 512 KiB for the datastore."""
    place = tmp_path / "state"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.fixture
def running(volume: Path, host: Host) -> Host:
    """A host that runs V1, with its datastore on that volume."""
    assert host.environment.datastore_path.parent == volume
    with Datastore.open(host.environment.datastore_path) as store:
        store.record(status(AbVolume.A, V1))
    host.content["root-a"], host.network = V1.to_document(), V1.os.netplan
    return host


def fill(volume: Path) -> None:
    with (volume / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space"):
        while True:
            filler.write(bytes(4096))


def empty(volume: Path) -> None:
    (volume / "filler").unlink()


def make_read_only(volume: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", volume], check=True)


def make_writable(volume: Path) -> None:
    subprocess.run(["mount", "-o", "remount,rw", volume], check=True)


FAULTS = [pytest.param(fill, empty, id="full"), pytest.param(make_read_only, make_writable, id="read-only")]


def test_a_volume_that_fills_up_in_the_midst_of_a_runtime_update(running: Host, volume: Path) -> None:
    def before(step: Step) -> None:
        if step.id == "apply-netplan" and not (volume / "filler").exists():
            fill(volume)

    running.before_step = before
    with pytest.raises(Servicing) as caught:
        running.update(NEW_ADDRESS)
    assert caught.value.code == "write-to-datastore"
    assert "was brought back to what it was, but that cannot be recorded" in caught.value.message
    assert running.network == V1.os.netplan

    running.before_step = lambda _step: None
    empty(volume)
    with pytest.raises(Servicing) as caught:
        running.commit()
    assert caught.value.code == "finalize-interrupted"
    running.update(NEW_ADDRESS)
    assert running.network == NEW_ADDRESS.os.netplan


@pytest.mark.parametrize(("fault", "mend"), FAULTS)
def test_the_first_boot_of_an_unhealthy_update(
    running: Host, volume: Path, fault: Callable[[Path], None], mend: Callable[[Path], None]
) -> None:
    def unhealthy(step: Step) -> None:
        if step.phase is Phase.HEALTH:
            raise HealthChecks("health-checks-failed", "It is not alive.")

    running.update(V2)
    running.boot()
    running.before_step = unhealthy
    fault(volume)

    assert running.commit().needs_reboot
    running.boot()
    assert running.root == "root-a"

    mend(volume)
    with pytest.raises(Servicing) as caught:
        running.commit()
    assert caught.value.code == "ab-update-reboot-check"
    assert running.status().servicing_state is ServicingState.PROVISIONED
    assert running.status().spec == V1.to_document()
    assert running.next_boot() == "trident-a"
