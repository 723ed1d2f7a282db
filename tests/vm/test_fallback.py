"""Updates that do not boot: the machine returns to what it ran, and says why."""

from __future__ import annotations

import re

import pytest

from lab import images, life
from lab.http import Server
from lab.images import Image
from lab.machine import Machine

pytestmark = pytest.mark.vm


def assert_fell_back(machine: Machine) -> None:
    now = life.standing(machine)
    assert (now.slot, now.version) == ("A", "1")
    assert now.servicing_state == "provisioned"
    assert now.status["abActiveVolume"] == "volume-a"
    assert now.boot_order[0] == "trident-a"
    assert now.boot_next is None
    assert now.status["lastError"]["category"] == "servicing"
    assert "ab-update-reboot-check" in now.status["lastError"]["error"]
    assert machine.read("systemctl show --property Result --value trident.service") == "exit-code"


def test_a_system_that_panics_is_left_and_a_good_one_takes_its_place(
    runs_v1: Machine, server: Server, v2: Image
) -> None:
    since = runs_v1.console.mark()
    life.update(runs_v1, images.panics(2), server)
    runs_v1.wait_for_console("starting Boot.*trident-b", since=since)
    runs_v1.wait_for_console("Kernel panic", since=since)
    life.settle(runs_v1)
    assert_fell_back(runs_v1)

    life.update(runs_v1, v2, server)
    life.settle(runs_v1)
    now = life.standing(runs_v1)
    assert (now.slot, now.version, now.servicing_state) == ("B", "2", "provisioned")
    assert "lastError" not in now.status
    assert now.boot_order[0] == "trident-b"


def test_a_system_that_hangs_is_reset_by_the_watchdog(runs_v1: Machine, server: Server) -> None:
    since, events = runs_v1.console.mark(), runs_v1.qmp.mark()
    life.update(runs_v1, images.hangs(2), server)
    runs_v1.wait_for_console("starting Boot.*trident-b", since=since)
    runs_v1.wait_for_console("PID 1 hangs now", since=since)

    runs_v1.qmp.wait_for_event("WATCHDOG", seconds=240, since=events)
    life.settle(runs_v1)

    assert_fell_back(runs_v1)


def test_a_healthy_system_on_the_wrong_volume_is_not_committed(
    runs_v1: Machine, server: Server, v1: Image
) -> None:
    """The kernel of the new image mounts the root of the old one: all is well, except where it runs."""
    since = runs_v1.console.mark()
    life.update(runs_v1, images.boots_root_of(2, v1), server)
    runs_v1.wait_for_console("starting Boot.*trident-b", since=since)
    life.settle(runs_v1)

    started = re.findall(r"starting Boot\S+ \"(\S+)\"", runs_v1.console.text(since))
    assert started == ["trident-b"], "the firmware did as it was told"
    assert_fell_back(runs_v1)
