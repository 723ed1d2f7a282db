"""A whole disk from a COSI, and the checks of one without writing."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.machine.image.conftest import LoopDevice
from tests.pure.image.samples import DISK_GUID, ESP_TYPE, MIB, ROOT_TYPE, Sample, encoded, old_document, tar
from trident.errors import InvalidInput, Servicing, UnsupportedConfiguration
from trident.image.check import inspect_cosi, read_gpt, verify_cosi
from trident.image.cosi.reader import Cosi, open_cosi
from trident.image.gpt import GptPartition, make_gpt
from trident.image.write_disk import write_disk

pytestmark = pytest.mark.machine

ROOT = bytes(MIB) + hashlib.shake_256(b"root").digest(2 * MIB)


def sample(tmp_path: Path, **changes: Any) -> Sample:
    return Sample(root=ROOT, partition_size=8 * MIB, **changes)


def opened(tmp_path: Path, sample: Sample) -> Cosi:
    file = tmp_path / "sample.cosi"
    file.write_bytes(sample.build())
    return open_cosi(str(file), sample.sha384)


def sfdisk(path: Path | str) -> dict[str, Any]:
    subprocess.run(["sfdisk", "--verify", path], check=True, capture_output=True)
    done = subprocess.run(["sfdisk", "--json", path], check=True, capture_output=True, text=True)
    table: dict[str, Any] = json.loads(done.stdout)["partitiontable"]
    return table


def test_a_file_becomes_the_disk_that_the_image_was_made_from(tmp_path: Path) -> None:
    target = tmp_path / "disk.raw"
    target.write_bytes(b"\xa5" * 40 * MIB)
    with opened(tmp_path, sample(tmp_path)) as cosi:
        result = write_disk(cosi, target)
        assert result.size == target.stat().st_size == cosi.metadata.disk.size  # type: ignore[union-attr]

    table = sfdisk(target)
    assert table["id"].lower() == DISK_GUID
    assert [(part["start"], part["size"]) for part in table["partitions"]] == [(2048, 2048), (4096, 16384)]
    assert target.read_bytes()[2 * MIB : 2 * MIB + len(ROOT)] == ROOT


def test_a_larger_device_gets_its_backup_table_at_its_end(tmp_path: Path, loop_device: LoopDevice) -> None:
    node = loop_device(64 * MIB)
    with opened(tmp_path, sample(tmp_path)) as cosi:
        assert write_disk(cosi, node).size == 64 * MIB

    table = sfdisk(node)
    assert table["lastlba"] == 64 * MIB // 512 - 34
    content = Path(node).read_bytes()
    assert content[2 * MIB : 2 * MIB + len(ROOT)] == ROOT
    assert set(content[9 * MIB : 10 * MIB]) == {0}  # old signatures at the end of the partition are gone


def test_a_smaller_device_is_refused_before_a_byte_is_written(
    tmp_path: Path, loop_device: LoopDevice
) -> None:
    node = loop_device(4 * MIB)
    with opened(tmp_path, sample(tmp_path)) as cosi, pytest.raises(InvalidInput) as caught:
        write_disk(cosi, node)

    assert caught.value.code == "disk-too-small"
    assert set(Path(node).read_bytes()) == {0xA5}


def test_a_mounted_device_is_refused(tmp_path: Path, loop_device: LoopDevice) -> None:
    node = loop_device(64 * MIB)
    subprocess.run(["mkfs.ext4", "-q", node], check=True)
    (tmp_path / "mounted").mkdir()
    subprocess.run(["mount", node, tmp_path / "mounted"], check=True)
    try:
        with opened(tmp_path, sample(tmp_path)) as cosi, pytest.raises(Servicing, match="busy") as caught:
            write_disk(cosi, node)
    finally:
        subprocess.run(["umount", tmp_path / "mounted"], check=True)
    assert caught.value.code == "deploy-images"


def test_an_image_that_fails_leaves_no_partition_table(tmp_path: Path, loop_device: LoopDevice) -> None:
    node = loop_device(64 * MIB)
    broken = sample(tmp_path)
    broken.alter_image("images/root.zst", sha384="00" * 48)
    with opened(tmp_path, broken) as cosi, pytest.raises(InvalidInput):
        write_disk(cosi, node)

    assert set(Path(node).read_bytes()[:MIB]) == {0}


@pytest.mark.parametrize("name", ["image.cosi", "link"])
def test_an_image_is_not_written_over_itself(tmp_path: Path, name: str) -> None:
    file = tmp_path / "image.cosi"
    with opened(tmp_path, sample(tmp_path)) as cosi:
        source = Path(cosi.url)
        source.rename(file)
    (tmp_path / "link").symlink_to(file)
    content = file.read_bytes()
    with open_cosi(f"file://{file}") as cosi, pytest.raises(InvalidInput) as caught:
        write_disk(cosi, tmp_path / name)
    assert caught.value.code == "target-is-image"
    assert file.read_bytes() == content


def test_before_1_2_there_is_no_disk_to_write(tmp_path: Path) -> None:
    file = tmp_path / "old.cosi"
    file.write_bytes(tar([("metadata.json", encoded({**old_document("1.1"), "images": []}))]))
    with open_cosi(str(file)) as cosi:
        assert read_gpt(cosi) is None
        assert inspect_cosi(cosi).partitions == ()
        with pytest.raises(UnsupportedConfiguration) as caught:
            write_disk(cosi, tmp_path / "disk.raw")
    assert caught.value.code == "os-image-without-disk"


def test_inspecting_says_what_is_where(tmp_path: Path) -> None:
    with opened(tmp_path, sample(tmp_path)) as cosi:
        inspection = inspect_cosi(cosi)

    esp, root = inspection.partitions
    assert (esp.mount_point, esp.offset, esp.size) == ("/boot/efi", MIB, MIB)
    assert (root.mount_point, root.entry.type, root.shrunk) == ("/", ROOT_TYPE, True)
    assert inspection.metadata_sha384 == sample(tmp_path).sha384


def test_verifying_reads_every_image(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    with opened(tmp_path, sample(tmp_path)) as cosi:
        verification = verify_cosi(cosi, lambda done, total: seen.append((done, total)))
        total = sum(image.compressed_size for image in cosi.metadata.image_files())

    assert [path for path, _ in verification.images] == [
        "images/gpt.zst",
        "images/esp.zst",
        "images/root.zst",
    ]
    assert verification.fetched == total
    assert seen[-1] == (total, total)
    assert seen == sorted(seen)


def test_verifying_finds_one_flipped_bit_in_any_image(tmp_path: Path) -> None:
    for name in ("gpt.zst", "esp.zst", "root.zst"):
        bent = sample(tmp_path)
        data = bytearray(bent.images[f"images/{name}"])
        data[-3] ^= 4
        bent.images[f"images/{name}"] = bytes(data)
        with opened(tmp_path, bent) as cosi, pytest.raises(InvalidInput) as caught:
            verify_cosi(cosi)
        assert caught.value.code == "corrupt-os-image"


def test_verifying_finds_images_out_of_order(tmp_path: Path) -> None:
    shuffled = sample(tmp_path)
    shuffled.images = dict(reversed(shuffled.images.items()))
    with opened(tmp_path, shuffled) as cosi, pytest.raises(InvalidInput, match="order of the disk"):
        verify_cosi(cosi)


def test_verifying_finds_an_image_larger_than_its_partition(tmp_path: Path) -> None:
    size = 12 * MIB
    esp = GptPartition(1, ESP_TYPE, DISK_GUID, 2048, 4095)
    root = GptPartition(2, ROOT_TYPE, DISK_GUID, 4096, 4096 + 2048 - 1)
    table = make_gpt(DISK_GUID, size, (esp, root))
    with (
        opened(tmp_path, sample(tmp_path, table=table)) as cosi,
        pytest.raises(InvalidInput, match="more than its"),
    ):
        verify_cosi(cosi)


def test_verifying_finds_an_image_without_its_partition(tmp_path: Path) -> None:
    table = make_gpt(DISK_GUID, 12 * MIB, (GptPartition(1, ESP_TYPE, DISK_GUID, 2048, 4095),))
    with (
        opened(tmp_path, sample(tmp_path, table=table)) as cosi,
        pytest.raises(InvalidInput, match="no partition 2"),
    ):
        verify_cosi(cosi)
