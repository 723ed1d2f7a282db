"""The firmware has lost its variables: the fallback path of the ESP boots the system that was committed."""

from __future__ import annotations

import pytest

from lab import life
from lab.http import Server
from lab.images import Image
from lab.machine import Machine

pytestmark = pytest.mark.vm


def test_the_committed_system_boots_and_can_be_updated(runs_v2: Machine, server: Server, v1: Image) -> None:
    runs_v2.run("sync")
    runs_v2.power_cut()
    runs_v2.forget_variables()

    runs_v2.start()
    life.settle(runs_v2)
    now = life.standing(runs_v2)
    assert (now.slot, now.version, now.servicing_state) == ("B", "2", "provisioned")

    life.update(runs_v2, v1, server)
    life.settle(runs_v2)
    now = life.standing(runs_v2)
    assert (now.slot, now.version, now.servicing_state) == ("A", "1", "provisioned")
    assert now.boot_order[0] == "trident-a"
