"""The agent is killed, or told to end, at every boundary of an A/B update; the machine keeps its power.

After each strike the next command is given, and must succeed and leave nothing behind; then the struck
command is given again and gets one boundary further.
"""

from __future__ import annotations

import pytest
import yaml

from lab import bare, life, strike
from lab.host_configuration import PATH
from lab.http import Server
from lab.machine import Machine
from tests.vm.strikes import assert_every_boundary, finalize_struck, strikes
from tests.vm.watch import left_over

pytestmark = [pytest.mark.vm, pytest.mark.timeout(3600)]

UPDATE = f"trident update {PATH} --allowed-operations"


@pytest.mark.parametrize("signal", ["KILL", "TERM"])
def test_an_update(runs_v1: Machine, server: Server, signal: str) -> None:
    machine, image = runs_v1, bare.image()
    strike.prepare(machine)
    before = left_over(machine)["scratch"]
    runs = yaml.safe_load(machine.read("trident get configuration"))
    document = runs | {"image": {"url": server.publish(image.path), "sha384": image.sha384}}
    # There is no netplan in that image.
    document["os"] = {name: value for name, value in runs["os"].items() if name != "netplan"}
    machine.put(yaml.safe_dump(document), PATH)

    found = []
    for hit in strikes(machine, f"{UPDATE} stage", signal, then="trident commit"):
        hit.assert_runs(runs, "ab-update-staged")
        if hit.code:
            assert ("lastError" in hit.status) == (signal == "TERM"), hit.name
        found.append(hit)
    assert_every_boundary(found, at_least=14)
    assert found[-1].state == "ab-update-staged"

    finalize_struck(machine, signal, UPDATE, "ab-update-staged")

    machine.put(yaml.safe_dump(runs), PATH)
    machine.run(f"trident update {PATH}", seconds=900)
    now = life.standing(machine)
    assert (now.servicing_state, now.boot_next, now.boot_order[0]) == ("provisioned", None, "trident-a")
    assert left_over(machine)["scratch"] == before
