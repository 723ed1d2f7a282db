"""Bad input on real machines: one clear error, the running system untouched, ``trident get`` still true."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
import yaml

from lab import images, life
from lab.host_configuration import PATH, host_configuration
from lab.http import Server
from lab.machine import Machine
from lab.ssh import Result

pytestmark = pytest.mark.vm

MIB = 1024 * 1024
Spoil = Callable[[Path, Path], None]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture(scope="module")
def host(server: Server) -> Iterator[Machine]:
    """A machine that was installed with v1 and runs it from A. Every test leaves it so."""
    with life.installed(images.good(1)).resume("bad-input") as machine:
        yield machine


@pytest.fixture
def untouched(host: Machine) -> Iterator[None]:
    """The host is after the test what it was before: same slot, same state, same boot order."""
    before = life.standing(host)
    yield
    after = life.standing(host)
    assert (after.slot, after.servicing_state) == ("A", "provisioned")
    assert after.boot_order == before.boot_order
    assert after.boot_next is None
    assert after.status["spec"] == before.status["spec"]


def refused(result: Result, code: str) -> None:
    """The command failed with this one error and exit code 2, and showed no traceback."""
    assert result.returncode == 2, result.stderr
    assert f"/{code}]:" in result.stderr, result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def update(machine: Machine, url: str, sha384: str = "ignored", options: str = "") -> Result:
    text = host_configuration(images.good(2), url).replace(images.good(2).sha384, sha384)
    machine.put(text, "/tmp/bad.yaml")
    return machine.run(f"trident update {options} /tmp/bad.yaml", check=False, seconds=240)


# What is wrong with the image


def truncate(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    with target.open("r+b") as file:
        file.truncate(source.stat().st_size * 3 // 4)


def flip_bit_of(member: str) -> Spoil:
    def spoil(source: Path, target: Path) -> None:
        shutil.copyfile(source, target)
        with tarfile.open(source) as archive:
            found = next(entry for entry in archive if member in entry.name)
        with target.open("r+b") as file:
            file.seek(found.offset_data + found.size // 2)
            byte = file.read(1)[0]
            file.seek(-1, 1)
            file.write(bytes([byte ^ 0x10]))

    return spoil


def with_metadata(old: bytes, new: bytes) -> Spoil:
    """A COSI with other words in its metadata, and a tar that is in order."""

    def spoil(source: Path, target: Path) -> None:
        with tarfile.open(source) as archive, tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as copy:
            for entry in archive:
                file = archive.extractfile(entry)
                assert file is not None
                if entry.name == "metadata.json":
                    content = file.read()
                    assert old in content
                    content = content.replace(old, new)
                    entry.size = len(content)
                    copy.addfile(entry, BytesIO(content))
                else:
                    copy.addfile(entry, file)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        pytest.param(truncate, "corrupt-os-image", id="truncated"),
        pytest.param(flip_bit_of("root"), "corrupt-os-image", id="a flipped bit in the root image"),
        pytest.param(flip_bit_of("esp"), "corrupt-os-image", id="a flipped bit in the ESP image"),
        pytest.param(
            with_metadata(b'"version": "1.2"', b'"version": "2.0"'),
            "unsupported-cosi-version",
            id="a newer major version",
        ),
    ],
)
@pytest.mark.usefixtures("untouched")
def test_a_damaged_image_is_refused(
    host: Machine, server: Server, tmp_path: Path, spoil: Spoil, code: str
) -> None:
    cosi = tmp_path / "bad.cosi"
    spoil(images.good(2).path, cosi)
    refused(update(host, server.publish(cosi)), code)
    last_error = yaml.safe_load(host.read("trident get last-error"))
    assert code in str(last_error["error"])


@pytest.mark.usefixtures("untouched")
def test_metadata_with_another_hash_is_refused(host: Machine, server: Server) -> None:
    url = server.publish(images.good(2).path)
    refused(update(host, url, sha384="0" * 96), "image-sha384-mismatch")


@pytest.mark.usefixtures("untouched")
def test_an_image_that_is_not_there_is_refused(host: Machine, server: Server) -> None:
    refused(update(host, f"http://10.0.2.2:{server.port}/absent.cosi"), "load-cosi")


@pytest.mark.usefixtures("untouched")
def test_the_image_that_runs_already_is_refused(host: Machine, server: Server) -> None:
    """Under another name, so that the configuration differs and the image does not."""
    url = server.publish(images.good(1).path, "again.cosi")
    refused(update(host, url), "duplicate-fs-uuid-ab-update")


# What is wrong with the order of things


@pytest.mark.usefixtures("untouched")
def test_finalize_before_stage_is_refused(host: Machine, server: Server) -> None:
    url = server.publish(images.good(2).path)
    result = update(host, url, options="--allowed-operations=finalize")
    refused(result, "finalize-before-stage")


@pytest.mark.usefixtures("untouched")
def test_commit_with_nothing_to_commit_says_so_and_succeeds(host: Machine) -> None:
    for _ in range(2):
        assert "Nothing to commit" in host.run("trident commit").stdout


@pytest.mark.usefixtures("untouched")
def test_an_install_on_a_running_system_is_refused(host: Machine, server: Server) -> None:
    host.put(host_configuration(images.good(2), server.publish(images.good(2).path)), "/tmp/good.yaml")
    result = host.run("trident install /tmp/good.yaml", check=False)
    refused(result, "clean-install-on-provisioned-host")


@pytest.mark.usefixtures("untouched")
def test_a_second_update_is_told_who_is_at_work_and_ctrl_c_ends_the_first(
    host: Machine, server: Server
) -> None:
    image = images.good(2)
    url = server.publish(image.path, "stalled.cosi")
    gate = server.stall("stalled.cosi", image.size // 2)
    host.put(host_configuration(image, url), "/tmp/good.yaml")
    first = host.ssh.start("echo $$ > /tmp/pid; exec trident update /tmp/good.yaml")
    try:
        gate.wait_until_reached(120)
        refused(host.run("trident update /tmp/good.yaml", check=False), "servicing-in-progress")
        refused(host.run("trident commit", check=False), "servicing-in-progress")
        assert yaml.safe_load(host.read("trident get"))["servicingState"] == "provisioned"
        host.run("kill -INT $(cat /tmp/pid)")
        _, stderr = first.communicate(timeout=60)
        assert first.returncode == 130, stderr
        assert b"[servicing/interrupted]" in stderr
    finally:
        gate.open()
        if first.poll() is None:
            first.kill()
            first.communicate()
    assert host.read("trident get last-error").startswith("category: servicing")
    assert host.run("findmnt --list --noheadings --output TARGET").stdout.count("/run/trident") == 0


@pytest.mark.usefixtures("untouched")
def test_a_datastore_without_room_is_refused_before_anything_is_written(
    host: Machine, server: Server
) -> None:
    url = server.publish(images.good(2).path)
    host.run("dd if=/dev/zero of=/var/lib/trident/ballast bs=1M; sync; dd if=/dev/zero bs=512 "
             "of=/var/lib/trident/crumbs", check=False)  # fmt: skip
    try:
        result = update(host, url)
        refused(result, "write-to-datastore")
        assert "Make room" in result.stderr
    finally:
        host.run("rm -f /var/lib/trident/ballast /var/lib/trident/crumbs")


def test_a_host_configuration_with_mistakes_is_refused_with_their_places(host: Machine) -> None:
    host.put("image:\n  url: x\n  sha384: ignored\nstorrage: {}\n", "/tmp/bad.yaml")
    result = host.run("trident update /tmp/bad.yaml", check=False)
    assert result.returncode == 2
    assert "/tmp/bad.yaml:4:1" in result.stderr
    assert "storage" in result.stderr


# What is wrong with the machine to install


@pytest.fixture(scope="module")
def blank(server: Server) -> Iterator[Machine]:
    """A machine with a blank disk and the servicing OS in RAM."""
    with life.in_servicing_os().resume("blank") as machine:
        yield machine


def install(machine: Machine, text: str) -> Result:
    machine.put(text, "/tmp/bad.yaml")
    return machine.run("trident install /tmp/bad.yaml", check=False, seconds=240)


@pytest.fixture
def configuration(server: Server) -> str:
    return host_configuration(images.good(1), server.publish(images.good(1).path))


def test_an_update_before_the_install_is_refused(blank: Machine, configuration: str) -> None:
    blank.put(configuration, PATH)
    refused(blank.run("trident update", check=False), "host-not-provisioned")


def test_a_disk_that_is_not_there_is_refused(blank: Machine, configuration: str) -> None:
    result = install(blank, configuration.replace("/dev/vda", "/dev/vdz"))
    assert result.returncode == 2
    assert "/dev/vdz" in result.stderr


def test_a_disk_that_is_too_small_is_refused(blank: Machine, configuration: str) -> None:
    result = install(blank, configuration.replace("size: 2G", "size: 200G"))
    assert result.returncode == 2
    assert "/dev/vda" in result.stderr


def test_an_image_larger_than_its_partition_is_refused(blank: Machine, configuration: str) -> None:
    result = install(blank, configuration.replace("size: 2G", "size: 64M"))
    refused(result, "filesystem-size-exceeds-block-device")
    assert blank.run("sfdisk --dump /dev/vda", check=False).returncode != 0, "the disk is still blank"


def test_a_volume_too_small_for_the_datastore_leaves_the_boot_order_alone(
    blank: Machine, configuration: str
) -> None:
    """No file system fits into 8 KiB, so that the install ends before an image is written."""
    before = life.standing(blank).boot_order
    result = install(blank, configuration.replace("size: 256M", "size: 8K"))
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert life.standing(blank).boot_order == before
    assert yaml.safe_load(blank.read("trident get"))["servicingState"] == "not-provisioned"
