"""``trident validate`` with an image: what does not fit is told beside all else, in its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.pure.config.sample import VALID, edited
from tests.pure.image.samples import Sample
from trident.cli.main import main

FORGETFUL = edited(
    ("    - {deviceId: data, source: new, type: ext4, mountPoint: {path: /data, options: noatime}}\n", ""),
    ("  netplan: {version: 2, ethernets: {lan: {dhcp4: true}}}\n", ""),
    ("sha384: ignored", "sha384: " + "ab" * 48),
)


@pytest.fixture
def sample() -> Sample:
    sample = Sample(root=b"root")
    sample.metadata["osPackages"].append(
        {"name": "netplan.io", "version": "1", "release": "1", "arch": "noarch"}
    )
    return sample


@pytest.fixture
def folder(tmp_path: Path, sample: Sample, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with an image and configurations that fit it and do not, to be in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v1.cosi").write_bytes(sample.build())
    (tmp_path / "good.yaml").write_text(VALID)
    (tmp_path / "bad.yaml").write_text(FORGETFUL)
    return tmp_path


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(capsys.readouterr().out)
    return read


@pytest.mark.parametrize("spelling", ["v1.cosi", "./v1.cosi", "FOLDER/v1.cosi", "file://FOLDER/v1.cosi"])
def test_a_configuration_that_fits_is_valid(
    folder: Path, capsys: pytest.CaptureFixture[str], spelling: str
) -> None:
    assert main(["validate", "good.yaml", "--image", spelling.replace("FOLDER", str(folder))]) == 0
    told = capsys.readouterr()
    assert told.out == "good.yaml is a valid Host Configuration and fits its image.\n"
    assert told.err == ""


def test_mismatches_are_shown_with_the_line_that_is_to_blame(
    folder: Path, sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "bad.yaml", "--image", "v1.cosi", "--architecture", "aarch64"]) == 2
    told = capsys.readouterr().err
    assert f"error[image-sha384-mismatch]: The metadata of the image has the sha384 {sample.sha384}." in told
    assert " --> bad.yaml:1:48 (image.sha384)" in told
    assert "1 | image: {url: http://127.0.0.1/v1.cosi, sha384: abab" in told
    assert "error[mismatched-architecture]: The image is for x86_64, but the machine is arm64." in told
    assert " --> v1.cosi\n  = Use an image for arm64.\n" in told
    assert "2 errors in bad.yaml" in told


@pytest.mark.usefixtures("folder")
def test_programs_get_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(
        ["validate", "good.yaml", "bad.yaml", "--image=v1.cosi", "--architecture=arm64", "--output=json"]
    )
    assert code == 2
    good, bad = document(capsys)["files"]
    assert [problem["code"] for problem in good["problems"]] == ["mismatched-architecture"]
    placed, unplaced = bad["problems"]
    assert (placed["path"], placed["file"], placed["line"]) == ("image.sha384", "bad.yaml", 1)
    assert (unplaced["path"], unplaced["file"], unplaced["line"]) == ("", "v1.cosi", 0)
    assert not bad["valid"]


def test_mistakes_of_the_configuration_are_told_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "both.yaml").write_text(FORGETFUL.replace("hostname: host-1", "hostname: -host"))
    main(["validate", "both.yaml", "--image", "v1.cosi", "--output", "json"])
    assert [problem["code"] for problem in document(capsys)["problems"]] == [
        "image-sha384-mismatch",
        "invalid-hostname",
    ]


def test_each_configuration_is_compared_with_its_own_image(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = f"file://{folder}/v1.cosi"
    (folder / "mine.yaml").write_text(VALID.replace("http://127.0.0.1/v1.cosi", here))
    (folder / "gone.yaml").write_text(VALID.replace("http://127.0.0.1/v1.cosi", here + ".old"))
    (folder / "none.yaml").write_text(
        VALID.replace("image: {url: http://127.0.0.1/v1.cosi, sha384: ignored}\n", "")
    )
    assert main(["validate", "mine.yaml", "gone.yaml", "none.yaml", "--own-image", "--output", "json"]) == 2
    mine, gone, none = document(capsys)["files"]
    assert mine["valid"]
    assert [(one["code"], one["path"], one["line"]) for one in gone["problems"]] == [
        ("load-cosi", "image.url", 1)
    ]
    assert ("no-image-to-compare", "error") in [(one["code"], one["severity"]) for one in none["problems"]]


BROKEN = {
    "no file": ("gone.cosi", "load-cosi"),
    "a directory": (".", "load-cosi"),
    "no name": ("", "invalid-image-url"),
    "another host's file": ("file://elsewhere/v1.cosi", "invalid-image-url"),
    "a name with a null byte": ("a\0b", "invalid-image-url"),
    "a scheme of tomorrow": ("oci://registry.example/v1", "unsupported-image-url"),
    "a URL without a host": ("http:///v1.cosi", "invalid-image-url"),
    "a port that is none": ("http://127.0.0.1:99999/", "invalid-image-url"),
    "a URL with a space": ("http://127.0.0.1/a b", "invalid-image-url"),
    "half a bracket": ("http://[::1/v1.cosi", "invalid-image-url"),
    "an empty file": ("empty.cosi", "corrupt-os-image"),
    "the configuration": ("good.yaml", "corrupt-os-image"),
    "half an image": ("half.cosi", "corrupt-os-image"),
    "no JSON": ("torn.cosi", "corrupt-os-image"),
    "COSI 2": ("later.cosi", "unsupported-cosi-version"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_image_that_cannot_be_read_is_one_error(
    folder: Path, sample: Sample, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    image, code = BROKEN[name]
    data = sample.build()
    (folder / "empty.cosi").write_bytes(b"")
    (folder / "half.cosi").write_bytes(data[:3000])
    (folder / "torn.cosi").write_bytes(data.replace(b'"osArch"', b"'osArch'"))
    sample.metadata["version"] = "2.0"
    (folder / "later.cosi").write_bytes(sample.build())
    assert main(["validate", "good.yaml", "--image", image, "--output", "json"]) == 2
    (problem,) = document(capsys)["problems"]
    assert (problem["code"], problem["line"]) == (code, 0)
    assert problem["message"].endswith(".")


def test_no_secret_of_a_url_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for url in (
        "http://me:secret@127.0.0.1:1/v1.cosi?token=secret",
        "http://me:secret@:1/",
        "HTTP://me:secret@x y/",
    ):
        (folder / "own.yaml").write_text(VALID)
        assert main(["validate", "own.yaml", "--image", url]) == 2
        told = capsys.readouterr()
        assert "secret" not in told.out + told.err


@pytest.mark.parametrize(
    "options",
    [["--image"], ["--image", "v1.cosi", "--own-image"], ["--image", "v1.cosi", "--architecture", "riscv64"]],
)
@pytest.mark.usefixtures("folder")
def test_options_that_make_no_sense_are_refused(options: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["validate", "good.yaml", *options])
    assert caught.value.code == 2


@pytest.mark.usefixtures("folder")
def test_an_architecture_without_an_image_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "good.yaml", "--architecture", "arm64"]) == 2
    assert "error[invalid-input/option-without-image]" in capsys.readouterr().err
