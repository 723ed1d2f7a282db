"""What can break around a servicing breaks: it ends as done, or as failed with everything as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab import life
from lab.host_configuration import Additions
from lab.http import Server
from lab.images import Image
from lab.machine import Machine
from lab.ssh import Result
from tests.vm.watch import EMPTY_SHARED, FILL_SHARED, HOST, last_error, left_over, put

pytestmark = pytest.mark.vm

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture(scope="module")
def host(v1: Image) -> Iterator[Machine]:
    """A machine that runs v1 from A. Every test that takes it leaves it so."""
    with life.installed(v1).resume("faults") as machine:
        yield machine


@pytest.fixture
def untouched(host: Machine) -> Iterator[None]:
    """The host is after the test what it was before, but for the error that it recorded."""
    before, lying_about = life.standing(host), lies_about(host)
    yield
    assert_as_before(host, before)
    assert lies_about(host) == lying_about


def lies_about(machine: Machine) -> dict[str, list[str]]:
    """What is left over, but for the inactive slot's files on the ESP: they are as good as its volume."""
    found = left_over(machine)
    ours = {"./EFI/Linux/trident-b.efi", "./EFI/trident/trident-b/systemd-bootx64.efi"}
    return found | {"esp": [path for path in found["esp"] if path not in ours]}


def assert_as_before(machine: Machine, before: life.Standing) -> None:
    after = life.standing(machine)
    assert (after.slot, after.servicing_state) == (before.slot, "provisioned")
    assert (after.boot_order, after.boot_next) == (before.boot_order, None)
    assert after.status["spec"] == before.status["spec"]
    assert after.status["abActiveVolume"] == before.status["abActiveVolume"]


def update(machine: Machine, image: Image, server: Server, additions: Additions, options: str = "") -> Result:
    put(machine, image, server, additions)
    return machine.run(f"trident update {HOST} {options}", check=False, seconds=600)


def failed(machine: Machine, result: Result, *told: str) -> None:
    """The command failed with one error that says this much, and the same was recorded."""
    assert result.returncode == 2, result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    recorded = str(last_error(machine))
    for words in told:
        assert words in result.stderr
        assert words in recorded


def script(point: str, content: str, **fields: Any) -> Additions:
    entry = {"name": "saboteur", "runOn": ["ab-update"], "content": content, **fields}
    return Additions(scripts={point: [entry]})


# Room


@pytest.mark.usefixtures("untouched")
def test_on_a_full_shared_volume_nothing_is_begun(host: Machine, server: Server, v2: Image) -> None:
    """What cannot be recorded is not done; the error cannot be recorded either."""
    fetched = server.bytes_served()
    assert host.read(FILL_SHARED, seconds=120) == "0"
    try:
        result = update(host, v2, server, Additions())
        standing = life.standing(host)
    finally:
        host.run(EMPTY_SHARED)
    assert result.returncode == 2, result.stdout + result.stderr
    assert "/write-to-datastore]:" in result.stderr
    assert (standing.servicing_state, standing.last_error) == ("provisioned", "")
    assert server.bytes_served() - fetched < MIB, "only the head of the image was read"


@pytest.mark.usefixtures("untouched")
def test_a_full_esp_ends_the_update_and_gets_its_room_back(host: Machine, server: Server, v2: Image) -> None:
    host.run(
        "free=$(df --output=avail --block-size=1M /boot/efi | tail -1); "
        "dd if=/dev/zero of=/boot/efi/ballast bs=1M count=$((free - 4)) && sync"
    )
    try:
        result = update(host, v2, server, Additions())
    finally:
        host.run("rm /boot/efi/ballast")
    failed(host, result, "the boot files need")


@pytest.mark.usefixtures("untouched")
def test_a_target_that_fills_up_ends_the_update(host: Machine, server: Server, v2: Image) -> None:
    fill = (
        'fallocate -l $(df --output=avail -B1 "$TARGET_ROOT" | tail -1) "$TARGET_ROOT/ballast"\n'
        'dd if=/dev/zero of="$TARGET_ROOT/crumbs" bs=4k 2>/dev/null || true\n'
    )

    failed(host, update(host, v2, server, script("postProvision", fill)), "No space left")


# Scripts


@pytest.mark.usefixtures("untouched")
def test_a_script_that_never_ends_is_ended(host: Machine, server: Server, v2: Image) -> None:
    """With everything that it started, in whichever session."""
    content = "echo I am thinking\nsetsid sleep 4711 &\nsleep 4712\n"

    result = update(host, v2, server, script("preServicing", content, timeoutSeconds=2))

    failed(host, result, "saboteur", "2 s")
    assert "I am thinking" in result.stderr
    assert host.read("pgrep -f 'sleep 471[12]' || echo none") == "none"


def test_the_update_completes_once_nothing_is_in_its_way(host: Machine, server: Server, v2: Image) -> None:
    """After all that; it is the last test of this machine, which runs v2 then."""
    put(host, v2, server, Additions())
    life.servicing(host, f"trident update {HOST}", seconds=600)
    life.settle(host, seconds=600)

    now = life.standing(host)
    assert (now.slot, now.version, now.servicing_state) == ("B", "2", "provisioned")
    assert now.last_error == ""


# The disk


def test_a_bad_sector_of_the_target_ends_the_update(v1: Image, v2: Image, server: Server) -> None:
    """In the midst of the root image; the active volume lies elsewhere on the disk and works on."""
    first_of_root_b = (1 + 512 + 2048) * MIB // 512
    with life.installed(v1).resume("bad-sector", bad_sector=first_of_root_b + 64 * MIB // 512) as machine:
        machine.wait_for_ssh()
        assert machine.read("cat /sys/class/block/vda3/start") == str(first_of_root_b)
        before, lying_about = life.standing(machine), lies_about(machine)

        result = update(machine, v2, server, Additions())

        failed(machine, result, "Input/output error")
        assert_as_before(machine, before)
        assert lies_about(machine) == lying_about
