"""What can break between stage and commit breaks, one after the other: what was staged is not lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import life
from lab.host_configuration import PATH, Additions
from lab.http import Server
from lab.images import Image
from lab.machine import Machine
from tests.vm.watch import EMPTY_SHARED, FILL_SHARED, failed, last_error, left_over

pytestmark = pytest.mark.vm

STAGE = f"trident update {PATH} --allowed-operations stage"
FINALIZE = f"trident update {PATH} --allowed-operations finalize"

EFIVARS = "/sys/firmware/efi/efivars"
READ_ONLY = f"mount -o remount,ro {EFIVARS}"
WRITABLE = f"mount -o remount,rw {EFIVARS}"

# The new system finds the firmware's variables read-only when it is to commit.
NO_COMMIT = f"""
mkdir -p /etc/systemd/system/trident.service.d
printf '[Service]\\nExecStartPre={READ_ONLY}\\n' > /etc/systemd/system/trident.service.d/fault.conf
"""

# As large as this firmware lets a variable be, and then smaller ones, until nothing fits any more.
FILL_VARIABLES = f"""
cd {EFIVARS}
for size in 30000 1000 100; do
  {{ printf '\\007\\000\\000\\000'; head -c $size /dev/zero; }} > /tmp/variable
  for number in $(seq 100); do
    cat /tmp/variable 2>/dev/null > "Ballast$size-$number-0f5b1e2c-8d5c-4f4e-9a51-6d2f3a1b7c90" || break
  done
done
rm /tmp/variable
ls | grep -c ^Ballast
"""
EMPTY_VARIABLES = f"cd {EFIVARS} && chattr -i Ballast* && rm Ballast*"


@pytest.fixture(scope="module")
def machine(v1: Image, v2: Image) -> Iterator[Machine]:
    """A machine that runs v1 from A and has v2 staged."""
    with Server() as server, life.installed(v1).resume("faults-in-finalize") as machine:
        machine.wait_for_ssh()
        no_commit = {"name": "no-commit", "runOn": ["ab-update"], "content": NO_COMMIT}
        life.configure(machine, v2, server, additions=Additions(scripts={"postConfigure": [no_commit]}))
        machine.run(STAGE, seconds=600)
        yield machine


@pytest.fixture
def stays_staged(machine: Machine) -> Iterator[None]:
    """Nothing but the recorded error tells after the test that it was."""
    before, lying_about = life.standing(machine), left_over(machine)
    assert (before.slot, before.servicing_state) == ("A", "ab-update-staged")
    yield
    after = life.standing(machine)
    assert (after.slot, after.servicing_state) == ("A", "ab-update-staged")
    assert (after.boot_order, after.boot_next) == (before.boot_order, None)
    assert after.status["spec"] == before.status["spec"]
    assert left_over(machine) == lying_about


@pytest.mark.usefixtures("stays_staged")
def test_on_a_full_shared_volume_nothing_is_begun(machine: Machine) -> None:
    """What cannot be recorded is not done; the error cannot be recorded either."""
    assert machine.read(FILL_SHARED, seconds=120) == "0"
    try:
        failed(machine.run(FINALIZE, check=False, seconds=240), "write-to-datastore")
        assert "ab-update-staged" in machine.read("trident get status")
    finally:
        machine.run(EMPTY_SHARED)


@pytest.mark.usefixtures("stays_staged")
def test_variables_that_are_read_only_stop_it(machine: Machine) -> None:
    machine.run(READ_ONLY)
    try:
        failed(machine.run(FINALIZE, check=False, seconds=240), "set-efi-variable")
    finally:
        machine.run(WRITABLE)
    assert "Read-only file system" in str(last_error(machine))


@pytest.mark.usefixtures("stays_staged")
def test_a_full_variable_store_stops_it(machine: Machine) -> None:
    assert int(machine.read(FILL_VARIABLES, seconds=480)) > 3
    try:
        result = machine.run(FINALIZE, check=False, seconds=240)
        failed(result, "set-efi-variable")
        assert "remove boot entries that nothing uses" in result.stderr
    finally:
        machine.run(EMPTY_VARIABLES, seconds=120)
    assert "No space left" in str(last_error(machine))
    # This firmware has the room of what was removed only after its next start.
    machine.reboot(seconds=600)
    life.settle(machine, seconds=600)


def test_then_it_completes_a_week_earlier_and_the_commit_when_it_can(machine: Machine) -> None:
    """The last one: it leaves the machine updated. A clock that went back is no fault."""
    staged = int(machine.read("date +%s"))
    back = "timedatectl set-ntp false; timedatectl set-time \"$(date --date='1 week ago' '+%F %T')\""
    assert int(machine.read(f"{back}; date +%s")) < staged - 6 * 24 * 3600

    life.servicing(machine, FINALIZE, seconds=600)
    life.settle(machine, seconds=600)

    now = life.standing(machine)
    assert (now.slot, now.version, now.servicing_state) == ("B", "2", "ab-update-finalized")
    assert (now.boot_order[0], now.boot_next) == ("trident-a", None)
    assert machine.read("systemctl show --property Result --value trident.service") == "exit-code"
    assert "Read-only file system" in now.last_error

    machine.run(WRITABLE)
    machine.run("trident commit", seconds=240)

    now = life.standing(machine)
    assert (now.slot, now.servicing_state, now.last_error) == ("B", "provisioned", "")
    assert now.boot_order[0] == "trident-b"
