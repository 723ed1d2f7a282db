"""A file that is none of Trident's stops every refresh, that of undoing included."""

from __future__ import annotations

import pytest

from lab import life
from lab.extensions import sysext
from lab.host_configuration import Additions
from lab.http import Server
from lab.images import Image
from lab.machine import Machine
from tests.vm.watch import Work, apply, last_error

pytestmark = pytest.mark.vm

STRAY = "/var/lib/extensions/stray.raw"


def test_what_was_merged_stays_and_the_update_completes_without_it(
    runs_v1: Machine, server: Server, v1: Image
) -> None:
    machine = runs_v1
    work = Work.start(machine)
    assert apply(machine, v1, server, Additions(sysexts=[sysext(1)])).returncode == 0
    machine.run(f"echo 'no image at all' > {STRAY}")
    wanted = Additions(sysexts=[sysext(2)])

    result = apply(machine, v1, server, wanted)

    assert result.returncode == 2, result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert "stray" in result.stderr, "systemd's own words name it"
    assert "stray" in str(last_error(machine))
    assert machine.read("lab-tool") == "1"
    assert life.standing(machine).servicing_state == "runtime-update-staged"

    machine.run(f"rm {STRAY}")
    again = apply(machine, v1, server, wanted)

    assert again.returncode == 0, again.stderr
    assert machine.read("lab-tool") == "2"
    now = life.standing(machine)
    assert (now.servicing_state, now.last_error) == ("provisioned", "")
    work.assert_undisturbed()
