"""Health checks decide whether a new system is kept."""

from __future__ import annotations

from typing import Any

import pytest

from lab import images, life
from lab.host_configuration import Additions
from lab.http import Server
from lab.machine import Machine
from tests.vm.watch import last_error, started

pytestmark = pytest.mark.vm

_RUN_ON = ["clean-install", "ab-update"]
# The worker dies a second after each start and is started anew a second later.
CHECKS: list[dict[str, Any]] = [
    {"name": "worker runs", "runOn": _RUN_ON, "systemdServices": ["lab-worker.service"]},
    {
        "name": "worker stays",
        "runOn": _RUN_ON,
        "systemdServices": ["lab-worker.service"],
        "settleSeconds": 4,
        "timeoutSeconds": 8,
    },
    {
        "name": "late starts",
        "runOn": _RUN_ON,
        "systemdServices": ["lab-late.service"],
        "timeoutSeconds": 1,
    },
    {"name": "disk", "runOn": _RUN_ON, "path": "/usr/lib/lab/healthy"},
    {"name": "for others", "runOn": ["runtime-update"], "content": "exit 1\n"},
]
FAILED = ("worker stays", "late starts", "disk", "the disk hums")


def assert_told(machine: Machine) -> None:
    """The error and the file beside the datastore name every check that failed, and no other."""
    error = last_error(machine)
    assert error["category"] == "health-checks"
    log = machine.read("cat /var/lib/trident/trident-health-check-failure-*.log")
    for told in FAILED:
        assert told in str(error)
        assert told in log
    assert "worker runs" not in str(error), "a check without settleSeconds is content with one second"
    assert "for others" not in str(error)


def test_an_update_whose_checks_fail_goes_back_by_itself_once(runs_v1: Machine, server: Server) -> None:
    machine = runs_v1
    since = machine.console.mark()
    life.update(machine, images.unhealthy(2), server, Additions(checks=CHECKS))
    machine.wait_for_console(r"starting Boot.*trident-b[\s\S]*starting Boot.*trident-a", since=since)
    life.settle(machine)

    now = life.standing(machine)
    assert (now.slot, now.version, now.servicing_state) == ("A", "1", "provisioned")
    assert now.status["abActiveVolume"] == "volume-a"
    assert (now.boot_order[0], now.boot_next) == ("trident-a", None)
    assert_told(machine)

    assert "Nothing to commit" in machine.run("trident commit").stdout
    assert started(machine, since) == ["trident-b", "trident-a"], "it does not try again"


def test_an_update_whose_checks_succeed_is_kept(runs_v1: Machine, server: Server) -> None:
    life.update(runs_v1, images.good(2), server, Additions(checks=CHECKS))
    life.settle(runs_v1)

    now = life.standing(runs_v1)
    assert (now.slot, now.version, now.servicing_state) == ("B", "2", "provisioned")
    assert "lastError" not in now.status


def test_an_install_whose_checks_fail_is_not_provisioned(blank: Machine, server: Server) -> None:
    machine = blank
    life.install(machine, images.unhealthy(2), server, Additions(checks=CHECKS))
    since = machine.console.mark()
    life.boot_from_disk(machine)

    now = life.standing(machine)
    assert (now.slot, now.version, now.servicing_state) == ("A", "2", "not-provisioned")
    assert_told(machine)
    assert started(machine, since) == ["trident-a"], "there is nothing to go back to"
