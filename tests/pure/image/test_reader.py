"""Opening a COSI: the tar is walked without reading bodies, and what is broken is one error."""

from __future__ import annotations

import hashlib
import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pure.image.samples import Sample, document, encoded, old_document, tar
from trident.errors import InvalidInput, TridentError
from trident.image.cosi.archive import MOST_ENTRIES
from trident.image.cosi.metadata import ImageFile
from trident.image.cosi.reader import Cosi
from trident.image.source.base import ByteStream


class Memory:
    """A source over bytes that notes what is read of them."""

    def __init__(self, data: bytes) -> None:
        self.url = "memory:sample.cosi"
        self.size = len(data)
        self.reads: list[tuple[int, int]] = []
        self._data = data

    def read(self, offset: int, length: int) -> bytes:
        assert 0 <= offset <= offset + length <= self.size
        self.reads.append((offset, length))
        return self._data[offset : offset + length]

    def stream(self, offset: int, length: int) -> ByteStream:
        raise NotImplementedError

    def abort(self) -> None: ...

    def close(self) -> None: ...


def opened(data: bytes, sha384: str | None = None) -> Cosi:
    return Cosi(Memory(data), sha384)


def refused(data: bytes, sha384: str | None = None) -> TridentError:
    with pytest.raises(InvalidInput) as caught:
        opened(data, sha384)
    return caught.value


def image(cosi: Cosi, name: str) -> ImageFile:
    return next(image for image in cosi.metadata.image_files() if image.path == f"images/{name}")


@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_images_are_found_where_they_are(tar_format: int) -> None:
    sample = Sample(root=b"root" * 5000)
    data = sample.build(tar_format=tar_format)

    cosi = opened(data, sample.sha384)

    root = image(cosi, "root.zst")
    assert data[cosi.offset_of(root) :][: root.compressed_size] == sample.images["images/root.zst"]
    assert cosi.metadata_sha384 == sample.sha384


def test_names_that_need_a_header_of_their_own_are_read() -> None:
    long = "images/" + "deep/" * 40 + "r.zst"
    for tar_format in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        data = tar(
            [("metadata.json", encoded({**old_document("1.0"), "images": []})), (long, b"x" * 9)], tar_format
        )

        assert opened(data).offset_of(ImageFile(long, 9)) == data.index(b"x" * 9)


def test_bodies_are_not_read() -> None:
    sample = Sample(root=bytes(hashlib.shake_256(b"noise").digest(3_000_000)))
    source = Memory(sample.build())

    Cosi(source).locate_images()

    assert sum(length for _, length in source.reads) < 400_000


def test_an_image_opens_in_one_read() -> None:
    source = Memory(Sample(root=b"r" * 1000).build())

    Cosi(source)

    assert [offset for offset, _ in source.reads if offset > 0 and offset >= 262144] == []


@pytest.mark.parametrize("case", ["lower", "upper", "ignored", "none"])
def test_the_expected_hash_may_be_spelt_either_way_or_left_out(case: str) -> None:
    sample = Sample()
    spelt = {"lower": sample.sha384, "upper": sample.sha384.upper(), "ignored": "ignored", "none": None}

    assert opened(sample.build(), spelt[case]).metadata_sha384 == sample.sha384


def test_one_flipped_bit_in_the_metadata_is_a_sha384_mismatch() -> None:
    sample = Sample()
    data = bytearray(sample.build())
    data[data.index(b'"osArch"') + 3] ^= 0x20

    error = refused(bytes(data), sample.sha384)

    assert error.code == "image-sha384-mismatch"
    assert "sha384" in error.message
    assert error.details["expected"] == sample.sha384


def test_a_hash_that_is_none_is_said_to_be_none() -> None:
    assert refused(Sample().build(), "sha384:abc").code == "invalid-image-sha384"


NO_COSI = {
    "empty": b"",
    "text": b"hello, world\n" * 100,
    "zeroes": bytes(4096),
    "half-a-header": Sample().build()[:300],
    "gzip": b"\x1f\x8b" + bytes(1000),
    "tar-of-other-things": tar([("README", b"hi")]),
}


@pytest.mark.parametrize("data", NO_COSI.values(), ids=NO_COSI.keys())
def test_what_is_no_cosi_is_said_to_be_none(data: bytes) -> None:
    error = refused(data)

    assert error.code == "corrupt-os-image"
    assert "not a COSI file" in error.message


def test_a_1_2_file_needs_its_marker_first() -> None:
    sample = Sample()
    start = [("metadata.json", sample.metadata_bytes)]
    assert "cosi-marker" in refused(tar([*start, *sample.images.items()])).message
    assert "cosi-marker" in refused(tar([*start, ("cosi-marker", b""), *sample.images.items()])).message
    assert "cosi-marker" in refused(tar([("cosi-marker", b"x"), *start, *sample.images.items()])).message


def test_an_older_file_needs_no_marker() -> None:
    old = {**old_document("1.1"), "images": []}

    assert str(opened(tar([("metadata.json", encoded(old))])).metadata.version) == "1.1"


def test_a_truncated_file_is_found_before_anything_is_fetched() -> None:
    sample = Sample(root=hashlib.shake_256(b"x").digest(200_000))
    data = sample.build()

    error = refused(data[: len(data) // 2])

    assert error.code == "corrupt-os-image"
    assert "truncated" in error.message


@given(st.integers(min_value=0))
@settings(max_examples=60)
def test_cut_anywhere_it_is_an_error(place: int) -> None:
    data = Sample(root=hashlib.shake_256(b"y").digest(5000)).build().rstrip(b"\0")
    cut = data[: place % len(data)]
    with pytest.raises(InvalidInput):
        opened(cut).locate_images()


def test_an_image_that_is_missing_is_named() -> None:
    sample = Sample()
    del sample.images["images/root.zst"]

    with pytest.raises(InvalidInput, match=r"images/root\.zst") as caught:
        opened(sample.build() + bytes(100_000)).locate_images()
    assert caught.value.code == "corrupt-os-image"


def test_an_image_of_another_size_than_the_metadata_says_is_refused() -> None:
    sample = Sample()
    sample.images["images/root.zst"] += b"more"

    cosi = opened(sample.build())

    with pytest.raises(InvalidInput, match="but its metadata says"):
        cosi.offset_of(image(cosi, "root.zst"))


def test_two_files_of_one_name_are_refused() -> None:
    sample = Sample()
    files = [("cosi-marker", b""), ("metadata.json", sample.metadata_bytes), *sample.images.items()]

    with pytest.raises(InvalidInput, match="two files"):
        opened(tar([*files, files[2]])).offset_of(ImageFile("images/absent"))


def test_what_follows_the_end_of_the_archive_is_not_looked_at() -> None:
    hidden = tar([("images/hidden.zst", b"surprise")])
    cosi = opened(Sample().build() + hidden)

    with pytest.raises(InvalidInput, match="does not hold"):
        cosi.offset_of(ImageFile("images/hidden.zst", 8))


def test_a_link_in_place_of_an_image_is_no_image() -> None:
    sample = Sample()
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in [("cosi-marker", b""), ("metadata.json", sample.metadata_bytes)]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("images/root.zst")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/shadow"
        archive.addfile(link)

    with pytest.raises(InvalidInput, match="does not hold"):
        opened(output.getvalue() + bytes(100_000)).offset_of(ImageFile("images/root.zst"))


def test_a_damaged_header_is_not_taken_for_the_end() -> None:
    data = bytearray(Sample().build())
    data[data.index(b"images/esp.zst\0") + 1] ^= 1

    with pytest.raises(InvalidInput, match="damaged"):
        opened(bytes(data)).locate_images()


def test_an_endless_archive_is_given_up() -> None:
    data = tar([(f"file-{number}", b"") for number in range(MOST_ENTRIES + 1)])

    with pytest.raises(InvalidInput, match=f"more than {MOST_ENTRIES} files"):
        opened(data)


def test_a_header_chain_without_end_is_given_up() -> None:
    long_name = tarfile.TarInfo("x" * 200).tobuf(tarfile.GNU_FORMAT)[:1024]

    with pytest.raises(InvalidInput):
        opened(long_name * 5000 + bytes(1024))


def test_a_pax_header_that_claims_gigabytes_costs_no_memory() -> None:
    header = tarfile.TarInfo("PaxHeaders/x")
    header.type, header.size = tarfile.XHDTYPE, 8 * 1024**3

    with pytest.raises(InvalidInput):
        opened(header.tobuf(tarfile.GNU_FORMAT) + bytes(4096))


def test_metadata_that_claims_gigabytes_costs_no_memory() -> None:
    header = tarfile.TarInfo("metadata.json")
    header.size = 17 * 1024 * 1024

    class Huge(Memory):
        def __init__(self) -> None:
            super().__init__(header.tobuf(tarfile.GNU_FORMAT) + bytes(512 * 1024))
            self.size = 100 * 1024 * 1024

    with pytest.raises(InvalidInput, match="larger than"):
        Cosi(Huge())


@settings(max_examples=300)
@given(st.data())
def test_any_damage_to_the_headers_is_one_error(data: st.DataObject) -> None:
    whole = bytearray(Sample(metadata=document()).build())
    for _ in range(data.draw(st.integers(1, 4))):
        header = data.draw(st.sampled_from([0, 512]))
        whole[header + data.draw(st.integers(0, 511))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):  # as a writer would that means it
        for begin in (0, 512):
            block = whole[begin : begin + 512]
            block[148:156] = b" " * 8
            whole[begin + 148 : begin + 156] = b"%06o\0 " % sum(block)
    try:
        opened(bytes(whole)).locate_images()
    except InvalidInput as error:
        assert error.message
