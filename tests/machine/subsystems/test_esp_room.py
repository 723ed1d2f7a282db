"""An EFI system partition that is too small, as a small file system."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from trident.errors import UnsupportedConfiguration
from trident.host.mount import mounted
from trident.state.status import AbVolume
from trident.subsystems.boot.copy import copy_boot_files
from trident.subsystems.boot.names import Slot

pytestmark = pytest.mark.machine

MIB = 1024 * 1024
SLOT = Slot(0, AbVolume.B)


@pytest.fixture
def esp(tmp_path: Path) -> Iterator[Path]:
    """4 MiB, of which the running slot's kernel takes 1."""
    directory = tmp_path / "esp"
    directory.mkdir()
    with mounted("tmpfs", directory, fstype="tmpfs", options=("size=4m",)):
        (directory / "EFI/Linux").mkdir(parents=True)
        (directory / SLOT.other.uki).write_bytes(b"a" * MIB)
        yield directory


def image(tmp_path: Path, kernel_size: int) -> Path:
    root = tmp_path / "image"
    (root / "EFI/Linux").mkdir(parents=True)
    (root / "EFI/systemd").mkdir()
    (root / "EFI/Linux/linux.efi").write_bytes(b"b" * kernel_size)
    (root / "EFI/systemd/systemd-bootx64.efi").write_bytes(b"c" * 1000)
    return root


def test_the_kernel_that_is_replaced_makes_room(esp: Path, tmp_path: Path) -> None:
    (esp / SLOT.uki).write_bytes(b"old" * (MIB // 2))
    copy_boot_files(image(tmp_path, 2 * MIB), esp, SLOT, "x86_64")
    assert (esp / SLOT.uki).read_bytes() == b"b" * (2 * MIB)
    assert (esp / SLOT.other.uki).read_bytes() == b"a" * MIB


def test_half_a_kernel_that_a_power_cut_left_makes_room(esp: Path, tmp_path: Path) -> None:
    (esp / "EFI/Linux/.trident-b.efi.new").write_bytes(b"h" * (2 * MIB))
    copy_boot_files(image(tmp_path, 2 * MIB), esp, SLOT, "x86_64")
    assert sorted(path.name for path in (esp / "EFI/Linux").iterdir()) == ["trident-a.efi", "trident-b.efi"]


def test_the_kernel_that_runs_never_makes_room(esp: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedConfiguration) as caught:
        copy_boot_files(image(tmp_path, 3 * MIB), esp, SLOT, "x86_64")
    assert caught.value.code == "esp-too-small"
    assert caught.value.details["free"] == 3 * MIB
    assert (esp / SLOT.other.uki).read_bytes() == b"a" * MIB
    assert sorted(path.name for path in (esp / "EFI/Linux").iterdir()) == ["trident-a.efi"]
