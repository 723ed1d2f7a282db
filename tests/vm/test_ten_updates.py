"""Ten A/B updates in a row leave nothing behind."""

from __future__ import annotations

import pytest

from lab import life
from lab.http import Server
from lab.images import Image
from lab.machine import Machine
from tests.vm.watch import left_over

pytestmark = pytest.mark.vm

UPDATES = 10
KIB = 1024
KEPT_LOGS = 20
"""As docs/logs.md says; ten updates make more."""


# Ten boots under emulation.
@pytest.mark.timeout(3600)
def test_nothing_is_left_over(runs_v1: Machine, server: Server, v1: Image, v2: Image) -> None:
    """From v1 on A to v2 on B and back, five times."""
    machine = runs_v1
    installed = left_over(machine)
    left: dict[str, list[str]] = {}
    size = 0

    for number in range(1, UPDATES + 1):
        slot, image = ("B", v2) if number % 2 else ("A", v1)
        life.update(machine, image, server)
        life.settle(machine)

        now = life.standing(machine)
        assert (now.slot, now.servicing_state) == (slot, "provisioned"), f"update {number}: {now.last_error}"
        assert now.boot_order[0] == f"trident-{slot.lower()}"
        assert now.boot_next is None
        found = left_over(machine)
        if number == 1:
            # The first one fills volume B: its files on the ESP, its entry, and the configuration of v2.
            assert {kind: lines for kind, lines in found.items() if lines != installed[kind]}.keys() <= {
                "esp",
                "entries",
            }
            assert len(found["entries"]) == len(installed["entries"]) + 1
            left, size = found, datastore_size(machine)
        assert found == left, f"update {number}"

    # Some rows of history, status and journal for each; a configuration is kept once.
    assert datastore_size(machine) - size < (UPDATES - 1) * 32 * KIB
    assert int(machine.read("ls /var/lib/trident/trident-*.log | wc -l")) <= KEPT_LOGS
    assert machine.read("trident history").count("A/B update") == UPDATES


def datastore_size(machine: Machine) -> int:
    """Bytes of the datastore and of whatever else lies beside it, but for the logs of servicings."""
    return int(machine.read("du --bytes --summarize --exclude='*.log' /var/lib/trident | cut -f1"))
