"""The agent is killed, or told to end, at every boundary of a runtime update; the next command undoes it."""

from __future__ import annotations

import pytest
import yaml

from lab import strike
from lab.extensions import confext, sysext
from lab.host_configuration import Additions
from lab.http import Server
from lab.images import Image
from lab.machine import Machine
from tests.vm.strikes import assert_every_boundary, strikes
from tests.vm.watch import HOST, put

pytestmark = [pytest.mark.vm, pytest.mark.timeout(3600)]

UPDATE = f"trident update {HOST} --allowed-operations"


@pytest.mark.parametrize("signal", ["KILL", "TERM"])
def test_a_runtime_update(runs_v1: Machine, server: Server, v1: Image, signal: str) -> None:
    machine = runs_v1
    strike.prepare(machine)
    old = Additions(sysexts=[sysext(1)], confexts=[confext(1)])
    put(machine, v1, server, old)
    machine.run(f"trident update {HOST}", seconds=900)
    runs = yaml.safe_load(machine.read("trident get configuration"))
    put(machine, v1, server, Additions(sysexts=[sysext(2)], confexts=[confext(2)]))
    probe = "lab-tool; cat /etc/lab-settings"

    found = []
    for hit in strikes(machine, f"{UPDATE} stage", signal, then="trident commit", probe=probe):
        hit.assert_runs(runs, "runtime-update-staged")
        assert hit.probe.split() == ["1", "1"], hit.name
        found.append(hit)
    assert_every_boundary(found, at_least=2)
    assert found[-1].state == "runtime-update-staged"

    for hit in strikes(machine, f"{UPDATE} finalize", signal, then=f"{UPDATE} stage", probe=probe):
        found.append(hit)
        if hit.state == "provisioned":
            break
        hit.assert_runs(runs, "runtime-update-staged")
        assert hit.probe.split() == ["1", "1"], f"{hit.name}: the next command brings the host back"
    assert found[-1].lines[-1] == "finalize finalize-runtime done"
    assert found[-1].probe.split() == ["2", "2"]
