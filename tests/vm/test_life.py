"""A machine's life when nothing goes wrong: from a blank disk to an update."""

from __future__ import annotations

import pytest

from lab import life
from lab.host_configuration import PATH, Additions
from lab.http import Server
from lab.images import Image
from lab.machine import Machine

pytestmark = pytest.mark.vm

NOTED = {
    "name": "note-the-servicing",
    "runOn": ["clean-install", "ab-update"],
    "content": '. /etc/os-release\necho "$IMAGE_ID $IMAGE_VERSION" > /etc/lab-serviced\n',
}


def test_a_blank_machine_is_installed_and_updated(
    blank: Machine, server: Server, v1: Image, v2: Image
) -> None:
    machine = blank
    assert life.standing(machine).slot == "RAM"

    life.install(machine, v1, server, Additions(scripts={"postConfigure": [NOTED]}))
    # The head is read once to open the image, and the start of it again while it is streamed.
    assert server.bytes_served() <= v1.size + 512 * 1024, "every byte crosses the network once"
    assert machine.boot_variables().order_labels[0] == "trident-a"
    life.boot_from_disk(machine)
    installed = life.standing(machine)
    assert (installed.slot, installed.version) == ("A", "1")
    assert installed.status["servicingState"] == "provisioned"
    assert installed.status["abActiveVolume"] == "volume-a"
    assert "lastError" not in installed.status
    assert machine.read("hostname") == "lab-vm"
    assert machine.read("cat /etc/lab-serviced") == "lab 1"
    machine_id = machine.read("cat /etc/machine-id")

    life.update(machine, v2, server)
    life.settle(machine)
    updated = life.standing(machine)
    assert (updated.slot, updated.version) == ("B", "2")
    assert updated.status["servicingState"] == "provisioned"
    assert updated.status["abActiveVolume"] == "volume-b"
    assert updated.boot_order[:2] == ("trident-b", "trident-a")
    assert updated.boot_next is None
    assert machine.read("cat /etc/machine-id") == machine_id


def test_an_installed_machine_refuses_to_be_installed(runs_v1: Machine, server: Server, v2: Image) -> None:
    life.configure(runs_v1, v2, server)

    refused = runs_v1.run(f"trident install {PATH}", check=False)

    assert refused.returncode != 0
    assert "clean-install-on-provisioned-host" in refused.stderr
    assert server.bytes_served() == 0
    now = life.standing(runs_v1)
    assert (now.slot, now.servicing_state) == ("A", "provisioned")


def test_a_machine_that_was_never_installed_refuses_an_update(
    blank: Machine, server: Server, v1: Image
) -> None:
    life.configure(blank, v1, server)

    refused = blank.run(f"trident update {PATH}", check=False)

    assert refused.returncode != 0
    assert "host-not-provisioned" in refused.stderr
    assert blank.read("lsblk --noheadings --output NAME /dev/vda").split() == ["vda"]


def test_an_update_to_what_the_machine_is_changes_nothing(runs_v1: Machine) -> None:
    runs_v1.run(f"trident get configuration > {PATH}")

    done = runs_v1.run(f"trident update {PATH}")

    assert "Nothing to do" in done.stdout
    assert life.standing(runs_v1).servicing_state == "provisioned"


def test_committing_twice_is_no_mistake(runs_v1: Machine) -> None:
    before = life.standing(runs_v1)

    runs_v1.run("trident commit")
    runs_v1.run("trident commit")

    assert life.standing(runs_v1) == before
