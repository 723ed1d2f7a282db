"""One image from its source to its target: whole and verified, or one clear error."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import trident
from tests.machine.image.conftest import LoopDevice
from tests.machine.image.server import cut_after, hang_after, serving
from tests.pure.image.samples import MIB, Sample, compressed
from trident.errors import InvalidInput, Servicing, TridentError, UnsupportedConfiguration
from trident.image.cosi.metadata import ImageFile
from trident.image.cosi.reader import Cosi, open_cosi
from trident.image.source import Patience
from trident.image.stream import Written, check_image, write_image

pytestmark = pytest.mark.machine

QUICK = Patience(connect=2, silence=0.5, retries=3, first_pause=0.01, longest_pause=0.02)


def noise(size: int, seed: str = "noise") -> bytes:
    return hashlib.shake_256(seed.encode()).digest(size)


# Zeroes at the front, in the middle and at the end, runs that match no buffer, and an odd end.
ROOT = bytes(3 * MIB) + noise(2 * MIB + 777) + bytes(5 * MIB + 13) + noise(300_000) + bytes(70_000) + b"end"


def saved(tmp_path: Path, sample: Sample) -> str:
    file = tmp_path / "sample.cosi"
    file.write_bytes(sample.build())
    return str(file)


def root_of(cosi: Cosi) -> ImageFile:
    filesystem = cosi.metadata.filesystem_at("/")
    assert filesystem is not None
    return filesystem.image


def written(tmp_path: Path, sample: Sample, target: Path | str) -> Written:
    with open_cosi(saved(tmp_path, sample), sample.sha384) as cosi:
        return write_image(cosi, root_of(cosi), target)


def refused(tmp_path: Path, sample: Sample) -> TridentError:
    with pytest.raises(TridentError) as caught:
        written(tmp_path, sample, tmp_path / "target")
    assert caught.value.hint
    assert threads() == 0
    return caught.value


def threads() -> int:
    return sum(thread.name.startswith("trident-") for thread in threading.enumerate())


@pytest.mark.parametrize("frames", [1, 7])
def test_a_file_gets_exactly_the_image(tmp_path: Path, frames: int) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"\xa5" * (len(ROOT) + 5000))  # longer, and not zero

    result = written(tmp_path, Sample(root=ROOT, frames=frames), target)

    assert target.read_bytes() == ROOT
    assert result.written == len(ROOT)
    assert threads() == 0


def test_zeroes_of_a_file_are_holes(tmp_path: Path) -> None:
    target = tmp_path / "target"
    written(tmp_path, Sample(root=bytes(64 * MIB) + b"end"), target)

    assert target.stat().st_size == 64 * MIB + 3
    assert target.stat().st_blocks * 512 < MIB


@pytest.mark.parametrize("size", [len(ROOT) + 1, 16 * MIB])
def test_a_block_device_gets_the_image_and_its_zeroes(
    tmp_path: Path, loop_device: LoopDevice, size: int
) -> None:
    size = -(-size // 512) * 512
    node = loop_device(size)

    written(tmp_path, Sample(root=ROOT), node)

    content = Path(node).read_bytes()
    assert content[: len(ROOT)] == ROOT
    assert content[len(ROOT) :] == b"\xa5" * (size - len(ROOT))


def test_a_device_of_exactly_the_size_is_large_enough(tmp_path: Path, loop_device: LoopDevice) -> None:
    node = loop_device(2 * MIB)
    root = noise(2 * MIB)

    written(tmp_path, Sample(root=root), node)

    assert Path(node).read_bytes() == root


def test_a_target_without_direct_io(tmp_path: Path, tmpfs: Path) -> None:
    root = noise(MIB + 5) + bytes(MIB)
    written(tmp_path, Sample(root=root), tmpfs / "target")

    assert (tmpfs / "target").read_bytes() == root


def test_an_empty_image(tmp_path: Path) -> None:
    result = written(tmp_path, Sample(root=b""), tmp_path / "target")

    assert result.written == 0
    assert (tmp_path / "target").read_bytes() == b""


def test_what_was_done_is_reported(tmp_path: Path) -> None:
    sample = Sample(root=noise(5 * MIB))
    seen: list[tuple[int, int]] = []
    with open_cosi(saved(tmp_path, sample)) as cosi:
        root = root_of(cosi)
        result = write_image(cosi, root, tmp_path / "t", moved=lambda done, total: seen.append((done, total)))

    assert result == Written(root.compressed_size, 5 * MIB, root.sha384)
    assert seen[-1] == (root.compressed_size, root.compressed_size)
    assert seen == sorted(seen)


@pytest.mark.parametrize("given", ["device", "caller"])
def test_an_image_larger_than_its_partition_is_refused_before_a_byte_is_written(
    tmp_path: Path, loop_device: LoopDevice, given: str
) -> None:
    node = loop_device(2 * MIB)
    capacity = 2 * MIB + 511 if given == "caller" else None
    sample = Sample(root=noise(2 * MIB + 512))

    with (
        open_cosi(saved(tmp_path, sample)) as cosi,
        pytest.raises(InvalidInput, match=r"holds only") as caught,
    ):
        write_image(cosi, root_of(cosi), node, capacity=capacity)

    assert caught.value.code == "filesystem-size-exceeds-block-device"
    assert set(Path(node).read_bytes()) == {0xA5}


def flip(sample: Sample) -> None:
    data = bytearray(sample.images["images/root.zst"])
    data[len(data) // 2] ^= 1
    sample.images["images/root.zst"] = bytes(data)


def wrong_hash(sample: Sample) -> None:
    sample.alter_image("images/root.zst", sha384="ab" * 48)


def raw_size(change: int) -> Callable[[Sample], None]:
    return lambda sample: sample.alter_image("images/root.zst", uncompressedSize=len(sample.root) + change)


def replaced(data: bytes) -> Callable[[Sample], None]:
    def bend(sample: Sample) -> None:
        sample.images["images/root.zst"] = data
        sha384 = hashlib.sha384(data).hexdigest()
        sample.alter_image("images/root.zst", compressedSize=len(data), sha384=sha384)

    return bend


WHOLE = compressed(ROOT)
BROKEN: dict[str, Callable[[Sample], None]] = {
    "one-flipped-bit": flip,
    "wrong-hash": wrong_hash,
    "one-byte-too-many": raw_size(-1),
    "one-byte-too-few": raw_size(1),
    "much-more-than-said": raw_size(-5 * MIB),
    "not-zstd": replaced(b"this is not zstd" * 100),
    "gzip": replaced(b"\x1f\x8b\x08" + bytes(100)),
    "frame-cut-short": replaced(WHOLE[:-100]),
    "garbage-after-the-frame": replaced(WHOLE + b"garbage"),
    "another-frame-after-the-last": replaced(WHOLE + compressed(b"one more")),
    "nothing": replaced(b""),
    "bomb": replaced(compressed(bytes(200 * MIB))),
}


@pytest.mark.parametrize("bend", BROKEN.values(), ids=BROKEN.keys())
def test_an_image_that_is_not_what_the_metadata_says_is_refused(
    tmp_path: Path, bend: Callable[[Sample], None]
) -> None:
    sample = Sample(root=ROOT)
    bend(sample)

    error = refused(tmp_path, sample)

    assert isinstance(error, InvalidInput)
    assert error.code == "corrupt-os-image"
    assert "images/root.zst" in error.message


def test_a_flipped_bit_in_what_stays_valid_zstd_is_found_by_the_hash(tmp_path: Path) -> None:
    sample = Sample(root=noise(MIB))  # stored uncompressed: zstd notices nothing
    flip(sample)

    assert "SHA-384" in refused(tmp_path, sample).message


def test_an_image_that_needs_a_larger_window_than_its_metadata_admits(tmp_path: Path) -> None:
    sample = Sample(root=noise(40 * MIB)[: 20 * MIB] * 2, window_log=25)
    sample.metadata["compression"]["maxWindowLog"] = 20

    error = refused(tmp_path, sample)

    assert isinstance(error, UnsupportedConfiguration)
    assert error.code == "zstd-window-too-large"


def test_a_large_stated_window_alone_is_no_error(tmp_path: Path) -> None:
    sample = Sample(root=ROOT)
    sample.metadata["compression"]["maxWindowLog"] = 31

    assert written(tmp_path, sample, tmp_path / "target").written == len(ROOT)


def test_a_full_disk(tmp_path: Path, tmpfs: Path) -> None:
    sample = Sample(root=noise(12 * MIB))
    with pytest.raises(Servicing, match="No space left") as caught:
        written(tmp_path, sample, tmpfs / "target")

    assert caught.value.code == "deploy-images"
    assert threads() == 0


def test_a_mounted_device_is_not_written(tmp_path: Path, loop_device: LoopDevice) -> None:
    node = loop_device(8 * MIB)
    subprocess.run(["mkfs.ext4", "-q", node], check=True)
    place = tmp_path / "mounted"
    place.mkdir()
    subprocess.run(["mount", node, place], check=True)
    before = Path(node).read_bytes()
    try:
        with pytest.raises(Servicing) as caught:
            written(tmp_path, Sample(root=ROOT[: 4 * MIB]), node)
    finally:
        subprocess.run(["umount", place], check=True)

    assert caught.value.hint is not None
    assert "mounted" in caught.value.hint
    assert Path(node).read_bytes()[MIB:] == before[MIB:]


@pytest.mark.parametrize(
    "kind", ["directory", "fifo", "missing-directory", "character-device", "missing-device"]
)
def test_what_cannot_hold_an_image_is_refused(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "odd"
    if kind == "directory":
        target.mkdir()
    elif kind == "fifo":
        os.mkfifo(target)
    elif kind == "missing-directory":
        target = target / "below"
    elif kind == "missing-device":
        target = Path("/dev/disk/by-partuuid/0000")
    else:
        target = Path("/dev/null")

    with pytest.raises(Servicing) as caught:
        written(tmp_path, Sample(root=ROOT), target)
    assert caught.value.code == "deploy-images"


def test_checking_reads_everything_and_writes_nothing(tmp_path: Path) -> None:
    sample = Sample(root=ROOT)
    with open_cosi(saved(tmp_path, sample)) as cosi:
        assert check_image(cosi, root_of(cosi)).written == len(ROOT)


def test_over_http_with_cuts(tmp_path: Path, loop_device: LoopDevice) -> None:
    node = loop_device(16 * MIB)
    sample = Sample(root=ROOT)
    with serving(sample.build()) as server, open_cosi(server.url, sample.sha384, patience=QUICK) as cosi:
        server.script = [cut_after(100_000), cut_after(900_000, reset=True)]
        write_image(cosi, root_of(cosi), node)

    assert Path(node).read_bytes()[: len(ROOT)] == ROOT


def test_a_server_that_goes_away_for_good(tmp_path: Path) -> None:
    sample = Sample(root=noise(4 * MIB))
    with serving(sample.build()) as server, open_cosi(server.url, patience=QUICK) as cosi:
        server.usual = cut_after(0)
        with pytest.raises(Servicing, match="cut") as caught:
            write_image(cosi, root_of(cosi), tmp_path / "target")

    assert caught.value.code == "fetch-os-image"
    assert threads() == 0


def test_a_full_disk_ends_the_wait_for_a_silent_server(tmp_path: Path, tmpfs: Path) -> None:
    sample = Sample(root=noise(30 * MIB))
    with serving(sample.build()) as server, open_cosi(server.url, patience=Patience(silence=1000)) as cosi:
        server.usual = hang_after(25 * MIB)
        with pytest.raises(Servicing, match="No space left"):
            write_image(cosi, root_of(cosi), tmpfs / "target")

    assert threads() == 0


@pytest.fixture
def heeding_ctrl_c() -> Iterator[None]:
    """Python's own handler: a job in the background ignores SIGINT from its start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeding_ctrl_c")
def test_ctrl_c_while_waiting_for_the_server(tmp_path: Path) -> None:
    sample = Sample(root=noise(8 * MIB))
    with serving(sample.build()) as server, open_cosi(server.url, patience=Patience(silence=1000)) as cosi:
        server.usual = hang_after(3 * MIB)
        timer = threading.Timer(0.5, signal.pthread_kill, (threading.get_ident(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            write_image(cosi, root_of(cosi), tmp_path / "target")
        timer.join()

    assert threads() == 0


def test_an_error_of_the_progress_callback_stops_everything(tmp_path: Path) -> None:
    sample = Sample(root=noise(8 * MIB))

    def moved(done: int, total: int) -> None:
        raise RuntimeError("nobody watches")

    with open_cosi(saved(tmp_path, sample)) as cosi, pytest.raises(RuntimeError, match="nobody watches"):
        write_image(cosi, root_of(cosi), tmp_path / "target", moved=moved)
    assert threads() == 0


def test_images_follow_each_other_over_one_connection(tmp_path: Path) -> None:
    sample = Sample(root=ROOT)
    with serving(sample.build()) as server, open_cosi(server.url, patience=QUICK) as cosi:
        cosi.locate_images()
        for image in cosi.metadata.image_files():
            write_image(cosi, image, tmp_path / Path(image.path).name)

    assert server.connections == 1
    assert (tmp_path / "root.zst").read_bytes() == ROOT


_STAGE = """
import sys
from trident.image.cosi.reader import open_cosi
from trident.image.stream import write_image
with open_cosi(sys.argv[1]) as cosi:
    write_image(cosi, cosi.metadata.filesystem_at("/").image, sys.argv[2])
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize("size", [64, 640])
def test_memory_does_not_grow_with_the_image(tmp_path: Path, size: int) -> None:
    sample = Sample(root=noise(MIB) * size, window_log=23)
    command = [sys.executable, "-c", _STAGE, saved(tmp_path, sample), str(tmp_path / "target")]
    environment = {**os.environ, "PYTHONPATH": str(Path(trident.__file__).parents[1])}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)

    assert int(done.stdout) < 96 * 1024
    assert (tmp_path / "target").stat().st_size == size * MIB
