"""The agent is killed, or told to end, at every boundary of a rollback and its commit; the power stays."""

from __future__ import annotations

import pytest

from lab import life, strike
from lab.machine import Machine
from tests.vm.strikes import assert_every_boundary, finalize_struck, strikes

pytestmark = [pytest.mark.vm, pytest.mark.timeout(3600)]

ROLLBACK = "trident rollback --allowed-operations"


@pytest.mark.parametrize("signal", ["KILL", "TERM"])
def test_a_rollback_and_its_commit(runs_v2: Machine, signal: str) -> None:
    machine = runs_v2
    strike.prepare(machine)
    machine.run(f"{ROLLBACK} stage", seconds=900)

    finalize_struck(machine, signal, ROLLBACK, "manual-rollback-ab-staged")

    machine.run(_COMMIT_BY_HAND)
    machine.reboot(seconds=900)
    strike.prepare(machine)
    found = []
    for hit in strikes(machine, "trident commit", signal):
        assert hit.state in {"provisioned", "manual-rollback-ab-finalized"}
        assert hit.status["abActiveVolume"] == ("volume-a" if hit.state == "provisioned" else "volume-b")
        found.append(hit)
    assert_every_boundary(found, at_least=2)

    now = life.standing(machine)
    assert (now.slot, now.version, now.servicing_state) == ("A", "1", "provisioned")
    assert (now.boot_order[0], now.boot_next) == ("trident-a", None)


# On the volume that boots next, once finalize has looked at it.
_COMMIT_BY_HAND = """
set -e
mount /dev/vda2 /mnt
mkdir /mnt/etc/systemd/system/trident.service.d
printf '[Unit]\nConditionPathExists=/by-hand\n' > /mnt/etc/systemd/system/trident.service.d/by-hand.conf
umount /mnt
"""
