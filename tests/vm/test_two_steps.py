"""Staging and finalizing an update apart, with a power cut and accidents between them."""

from __future__ import annotations

import pytest

from lab import life
from lab.host_configuration import PATH, Additions
from lab.http import Server
from lab.images import Image
from lab.machine import Machine
from tests.vm.watch import ADDRESS, HOST, failed, put

pytestmark = pytest.mark.vm

STAGE = "--allowed-operations stage"
FINALIZE = "--allowed-operations finalize"


def test_an_ab_update_across_a_power_cut_and_an_accident(runs_v1: Machine, server: Server, v2: Image) -> None:
    machine = runs_v1
    life.configure(machine, v2, server)
    machine.run(f"trident update {PATH} {STAGE}", seconds=300)
    machine.power_cut()
    machine.start()
    life.settle(machine)
    now = life.standing(machine)
    assert (now.slot, now.version, now.servicing_state) == ("A", "1", "ab-update-staged")

    # Another configuration replaces what was staged; what was staged first cannot be finalized any more.
    put(machine, v2, server, Additions(wired={"addresses": [ADDRESS]}))
    machine.run(f"trident update {HOST} {STAGE}", seconds=300)
    failed(machine.run(f"trident update {PATH} {FINALIZE}", check=False), "finalize-before-stage")

    # Somebody looks at the staged volume, and forgets to say read-only.
    machine.run("mkdir -p /tmp/look && mount /dev/vda3 /tmp/look && touch /tmp/look/etc/hostname")
    machine.run("umount /tmp/look && sync")
    failed(machine.run(f"trident update {HOST} {FINALIZE}", check=False), "staged-not-whole")
    now = life.standing(machine)
    assert (now.slot, now.servicing_state, now.boot_next) == ("A", "provisioned", None)
    failed(machine.run(f"trident update {HOST} {FINALIZE}", check=False), "finalize-before-stage")

    machine.run(f"trident update {HOST} {STAGE}", seconds=300)
    fetched = server.bytes_served()
    life.servicing(machine, f"trident update {HOST}")
    assert server.bytes_served() == fetched, "what is staged is not staged again"
    life.settle(machine)
    now = life.standing(machine)
    assert (now.slot, now.version, now.servicing_state) == ("B", "2", "provisioned")
    assert ADDRESS in machine.read("ip -oneline -4 address show")
