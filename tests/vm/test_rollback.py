"""What updates did is undone: runtime updates one at a time, then the A/B update."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from lab import life
from lab.extensions import sysext
from lab.host_configuration import Additions
from lab.http import Server
from lab.images import Image
from lab.machine import Machine
from lab.snapshot import Snapshot, cached_snapshot
from tests.vm.watch import ADDRESS, Work, apply, failed

pytestmark = pytest.mark.vm

# The states that the machine goes through, upwards and down again. The A/B update stands between 1 and 2.
ONE = Additions(sysexts=[sysext(1)])
TWO = Additions(sysexts=[sysext(2)], wired={"addresses": [ADDRESS]})
THREE = Additions(sysexts=[sysext(3)], wired={"addresses": ["10.9.9.3/24"]})
GONE = Additions()

TOLD = """
lab-tool 2>/dev/null || echo none
ip -oneline -4 address show | grep -o 'inet 10[.]9[.]9[.][0-9]' || echo none
"""


def state(machine: Machine) -> tuple[str, str]:
    """The tool's version and the last number of the second address."""
    tool, address = machine.read(TOLD).splitlines()
    return tool, address.rpartition(".")[2]


def chain(machine: Machine) -> list[dict[str, Any]]:
    return yaml.safe_load(machine.read("trident get rollback-chain")) or []


def tool_of(spec: dict[str, Any]) -> str:
    """Which version of the sysext a Host Configuration has."""
    found = spec["os"].get("sysexts") or [{"url": "-none."}]
    return str(found[0]["url"]).rpartition("-")[2].partition(".")[0]


def check(machine: Machine, options: str = "") -> str:
    return machine.read(f"trident rollback --check {options}")


def four_states(v1: Image, v2: Image) -> Snapshot:
    """A machine that went through all of them and runs v2 from B with nothing added."""

    @contextlib.contextmanager
    def prepare() -> Iterator[Machine]:
        with Server() as server, life.installed(v1).resume("four-states") as machine:
            assert apply(machine, v1, server, ONE).returncode == 0
            life.update(machine, v2, server, TWO)
            life.settle(machine)
            assert state(machine) == ("2", "9")
            for additions, expected in ((THREE, ("3", "3")), (GONE, ("none", "none"))):
                result = apply(machine, v2, server, additions)
                assert result.returncode == 0, result.stderr
                assert state(machine) == expected
            yield machine

    sources = tuple(extension.path.parent.name for added in (ONE, TWO, THREE) for extension in added.sysexts)
    parts = (life.installed(v1).path.name, v2.path.parent.name, *sources)
    return cached_snapshot("four-states", parts, prepare)


@pytest.fixture
def machine(v1: Image, v2: Image) -> Iterator[Machine]:
    """A machine in the last of the four states. The web server that it was made from is gone."""
    with four_states(v1, v2).resume("rollback") as machine:
        machine.wait_for_ssh()
        yield machine


def test_updates_are_undone_one_at_a_time(machine: Machine) -> None:
    work = Work.start(machine)
    assert [item["kind"] for item in chain(machine)][:3] == ["runtime", "runtime", "ab"]
    assert [tool_of(item["spec"]) for item in chain(machine)][:3] == ["3", "2", "1"]
    assert check(machine) == "runtime"
    assert tool_of(yaml.safe_load(machine.read("trident get rollback-target"))) == "3"

    machine.run("trident rollback")
    assert state(machine) == ("3", "3")

    # The second in two steps.
    machine.run("trident rollback --allowed-operations stage")
    assert life.standing(machine).servicing_state == "manual-rollback-runtime-staged"
    assert state(machine) == ("3", "3")
    machine.run("trident rollback --allowed-operations finalize")
    assert state(machine) == ("2", "9")
    assert life.standing(machine).servicing_state == "provisioned"
    work.assert_undisturbed()

    # Then the A/B update, in two steps as well.
    assert check(machine) == "ab"
    failed(machine.run("trident rollback --runtime", check=False), "invalid-rollback-expectation")
    machine.run("trident rollback --allowed-operations stage")
    assert life.standing(machine).servicing_state == "manual-rollback-ab-staged"
    life.servicing(machine, "trident rollback --allowed-operations finalize")
    life.settle(machine)

    now = life.standing(machine)
    assert (now.slot, now.version, now.servicing_state) == ("A", "1", "provisioned")
    assert now.status["abActiveVolume"] == "volume-a"
    assert (now.boot_order[0], now.boot_next) == ("trident-a", None)
    assert state(machine) == ("1", "none")

    # What was done on this volume before the A/B update can still be undone, and then nothing more.
    assert check(machine) == "runtime"
    machine.run("trident rollback")
    assert state(machine) == ("none", "none")
    assert check(machine) == "none"
    assert chain(machine) == []
    history = machine.read("trident history")
    assert history.count("rollback") >= 4
    assert history.count("succeeded") >= 8


def test_an_ab_update_is_undone_at_once_with_the_runtime_updates_after_it(machine: Machine) -> None:
    assert check(machine, "--ab") == "ab"
    assert check(machine, "--runtime") == "runtime"

    life.servicing(machine, "trident rollback --ab")
    life.settle(machine)

    now = life.standing(machine)
    assert (now.slot, now.version, now.servicing_state) == ("A", "1", "provisioned")
    assert state(machine) == ("1", "none")
