"""The power goes at the worst moments of an update."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from lab import life
from lab.host_configuration import PATH
from lab.http import Server
from lab.images import Image
from lab.machine import Machine

pytestmark = pytest.mark.vm

UPDATE = f"trident update {PATH}"
STAGE = f"{UPDATE} --allowed-operations stage"


def power_on(machine: Machine) -> life.Standing:
    machine.start()
    life.settle(machine)
    return life.standing(machine)


def assert_repeating_completes(machine: Machine) -> None:
    life.servicing(machine, UPDATE)
    life.settle(machine)
    now = life.standing(machine)
    assert (now.slot, now.version, now.servicing_state) == ("B", "2", "provisioned")
    assert "lastError" not in now.status
    assert now.boot_order[:2] == ("trident-b", "trident-a")


def cut_when(machine: Machine, command: str, moment: Callable[[dict[str, object]], bool]) -> None:
    """Run a command and cut the power at the first event of its progress for which ``moment`` holds."""
    process = machine.ssh.start(f"{command} --progress-fd 1")
    deadline = time.monotonic() + 300
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith(b"{") and moment(json.loads(line)):
                machine.power_cut()
                return
            assert time.monotonic() < deadline
        raise AssertionError("the moment never came")
    finally:
        process.kill()
        process.communicate()


def test_cut_while_staging(runs_v1: Machine, server: Server, v2: Image) -> None:
    life.configure(runs_v1, v2, server)
    gate = server.stall(v2.path.name, v2.size // 2)
    runs_v1.ssh.start(UPDATE)
    gate.wait_until_reached(120)
    second = runs_v1.run(UPDATE, check=False)
    runs_v1.power_cut()
    gate.open()

    assert second.returncode != 0, "two updates at once"
    assert "servicing-in-progress" in second.stderr
    assert "trident update" in second.stderr, "the second is told who holds the lock"
    now = power_on(runs_v1)
    assert (now.slot, now.version, now.servicing_state) == ("A", "1", "provisioned")
    assert (now.boot_order[0], now.boot_next) == ("trident-a", None)
    assert_repeating_completes(runs_v1)


def test_cut_between_stage_and_finalize(runs_v1: Machine, server: Server, v2: Image) -> None:
    life.configure(runs_v1, v2, server)
    runs_v1.run(STAGE, seconds=300)
    fetched = server.bytes_served()
    runs_v1.power_cut()

    now = power_on(runs_v1)
    assert (now.slot, now.version, now.servicing_state) == ("A", "1", "ab-update-staged")
    assert (now.boot_order[0], now.boot_next) == ("trident-a", None)
    assert_repeating_completes(runs_v1)
    assert server.bytes_served() == fetched, "what was staged is not staged again"


def test_cut_in_the_midst_of_finalizing(runs_v1: Machine, server: Server, v2: Image) -> None:
    life.configure(runs_v1, v2, server)
    runs_v1.run(STAGE, seconds=300)
    cut_when(
        runs_v1,
        UPDATE,
        lambda event: event["event"] == "StepEnded" and str(event["step"]).startswith("set-uefi-fallback"),
    )

    now = power_on(runs_v1)
    # The cut may come a little late: then BootNext is set, and the new system runs.
    if now.slot == "A":
        assert (now.version, now.servicing_state) == ("1", "ab-update-staged")
        assert now.boot_order[0] == "trident-a"
        assert_repeating_completes(runs_v1)
    assert_updated_and_nothing_is_left_to_do(runs_v1, v2, server)


def test_cut_right_after_finalize(runs_v1: Machine, server: Server, v2: Image) -> None:
    life.configure(runs_v1, v2, server)
    cut_when(
        runs_v1, UPDATE, lambda event: event["event"] == "StepEnded" and event["step"] == "set-boot-next"
    )

    power_on(runs_v1)
    assert_updated_and_nothing_is_left_to_do(runs_v1, v2, server)


def assert_updated_and_nothing_is_left_to_do(machine: Machine, v2: Image, server: Server) -> None:
    now = life.standing(machine)
    assert (now.slot, now.version, now.servicing_state) == ("B", "2", "provisioned")
    assert now.boot_order[0] == "trident-b"
    life.configure(machine, v2, server)  # the new system has its own /etc
    assert "Nothing to do" in machine.run(UPDATE).stdout
