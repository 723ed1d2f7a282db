"""What was staged waits: for another servicing OS, or for somebody to damage it."""

from __future__ import annotations

import pytest
import yaml

from lab import life
from lab.host_configuration import PATH
from lab.http import Server
from lab.images import Image
from lab.machine import Machine
from lab.servicing_os import servicing_os
from tests.vm.watch import failed

pytestmark = pytest.mark.vm

FINALIZE_INSTALL = f"trident install {PATH} --allowed-operations finalize"


def test_an_install_is_staged_by_one_servicing_os_and_finalized_by_another(
    blank: Machine, server: Server, v1: Image
) -> None:
    machine = blank
    life.configure(machine, v1, server)
    failed(machine.run(FINALIZE_INSTALL, check=False), "finalize-before-stage")
    machine.run(f"trident install {PATH} --allowed-operations stage", seconds=300)
    assert yaml.safe_load(machine.read("trident get"))["servicingState"] == "clean-install-staged"
    assert "trident-a" not in life.standing(machine).boot_order
    fetched = server.bytes_served()
    machine.power_cut()

    machine.start(servicing_os())
    machine.wait_for_ssh()
    life.configure(machine, v1, server)
    machine.run(f"sed 's/lab-vm/other/' {PATH} > /tmp/other.yaml")
    other = machine.run("trident install /tmp/other.yaml --allowed-operations finalize", check=False)
    assert other.returncode != 0
    assert "finalize-before-stage" in other.stderr
    assert "another Host Configuration" in other.stderr

    life.servicing(machine, FINALIZE_INSTALL)
    assert server.bytes_served() == fetched
    assert machine.boot_variables().order_labels[0] == "trident-a"
    life.boot_from_disk(machine)
    now = life.standing(machine)
    assert (now.slot, now.version, now.servicing_state) == ("A", "1", "provisioned")
    assert "lastError" not in now.status


def test_a_staged_update_whose_kernel_was_changed_is_withdrawn(
    runs_v1: Machine, server: Server, v2: Image
) -> None:
    life.configure(runs_v1, v2, server)
    runs_v1.run(f"trident update {PATH} --allowed-operations stage", seconds=300)
    runs_v1.run("printf x >> /boot/efi/EFI/Linux/trident-b.efi && sync")

    failed(
        runs_v1.run(f"trident update {PATH} --allowed-operations finalize", check=False), "staged-not-whole"
    )

    now = life.standing(runs_v1)
    assert (now.servicing_state, now.boot_next, now.boot_order[0]) == ("provisioned", None, "trident-a")
