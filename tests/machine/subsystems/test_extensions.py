"""Extension images judged by their content, with real file systems and real loop mounts."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.machine.subsystems import extension_images as images
from tests.machine.subsystems.extension_hosts import (
    CONFEXTS,
    NOTHING,
    SYSEXTS,
    configuration,
    extension,
    placed,
    refused,
    settle,
    stage,
    stored,
    update,
)
from trident.errors import TridentError
from trident.subsystems.extensions.kinds import STORE

pytestmark = [pytest.mark.machine, pytest.mark.usefixtures("nothing_is_left")]

MIB = 1024 * 1024


@pytest.mark.parametrize("fstype", ["squashfs", "erofs", "ext4"])
def test_an_image_is_fetched_verified_and_put_under_its_own_name(host: Path, work: Path, fstype: str) -> None:
    image = images.pack(images.tree(work, "tools"), fstype)
    wanted = configuration((extension(image),))
    stage(NOTHING, wanted, host)
    assert placed(host) == {}
    settle(NOTHING, wanted, host)
    assert placed(host) == {"tools.raw": images.sha384(image)}
    assert stored(host) == {f"sysexts/{images.sha384(image)}/tools.raw"}


def test_a_confext_has_its_own_release_file_and_directory(host: Path, work: Path) -> None:
    image = images.pack(images.tree(work, "site", confext=True))
    update(NOTHING, configuration((), (extension(image),)), host)
    assert placed(host, CONFEXTS) == {"site.raw": images.sha384(image)}


def test_only_root_may_enter_the_store_and_read_what_is_placed(host: Path, work: Path) -> None:
    update(NOTHING, configuration((extension(images.pack(images.tree(work))),)), host)
    assert stat.S_IMODE((host / STORE.lstrip("/")).stat().st_mode) == 0o700
    file = host / SYSEXTS / "tools.raw"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stat().st_nlink == 2, "it takes its room once"


def usr_only(work: Path) -> Path:
    """The files of /usr alone, as a usr partition has them."""
    return images.pack(images.tree(work, directory="lib/extension-release.d"))


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(lambda w: ((images.ROOT_X86_64, images.pack(images.tree(w))),), id="root"),
        pytest.param(lambda w: ((images.USR_X86_64, usr_only(w)),), id="usr"),
        pytest.param(
            lambda w: (
                (images.SRV, images.pack(images.tree(w, "other"))),
                (images.ROOT_X86_64, images.pack(images.tree(w), "erofs")),
            ),
            id="root-is-second",
        ),
    ],
)
def test_a_disk_image_is_read_by_its_partition_table(
    host: Path, work: Path, parts: Callable[[Path], tuple[tuple[str, Path], ...]]
) -> None:
    disk = images.in_partitions(*parts(work))
    update(NOTHING, configuration((extension(disk),)), host)
    assert placed(host) == {"tools.raw": images.sha384(disk)}


def released(work: Path, release: dict[str, str]) -> bytes:
    return images.pack(images.tree(work, release=release)).read_bytes()


def two_releases(work: Path) -> bytes:
    files = images.tree(work)
    directory = files / "usr/lib/extension-release.d"
    shutil.copy(directory / "extension-release.tools", directory / "extension-release.more")
    return images.pack(files).read_bytes()


def renamed_release(work: Path, name: str) -> bytes:
    files = images.tree(work)
    directory = files / "usr/lib/extension-release.d"
    (directory / "extension-release.tools").rename(directory / name)
    return images.pack(files).read_bytes()


def with_os_release(work: Path) -> bytes:
    files = images.tree(work)
    (files / "usr/lib/os-release").write_text("ID=other\n")
    return images.pack(files).read_bytes()


def linked_release(work: Path) -> bytes:
    files = images.tree(work)
    release = files / "usr/lib/extension-release.d/extension-release.tools"
    release.unlink()
    release.symlink_to("/etc/os-release")
    return images.pack(files).read_bytes()


BROKEN = {
    "empty": lambda work: b"",
    "text": lambda work: b"#!/bin/sh\nexit 0\n" * 5000,
    "cut short": lambda work: images.pack(images.tree(work)).read_bytes()[:600],
    "partitions cut short": lambda work: images.in_partitions(
        (images.ROOT_X86_64, images.pack(images.tree(work)))
    ).read_bytes()[: MIB + 4096],
    "partition table alone": lambda work: images.in_partitions(
        (images.ROOT_X86_64, images.pack(images.tree(work)))
    ).read_bytes()[:1024],
    "for another machine": lambda work: images.in_partitions(
        (images.ROOT_ARM64, images.pack(images.tree(work)))
    ).read_bytes(),
    "no root among its partitions": lambda work: images.in_partitions(
        (images.SRV, images.pack(images.tree(work)))
    ).read_bytes(),
    "a confext": lambda work: images.pack(images.tree(work, confext=True)).read_bytes(),
    "two release files": two_releases,
    "a release file without a name": lambda work: renamed_release(work, "extension-release."),
    "a release file of another name": lambda work: renamed_release(work, "os-release"),
    "a hidden name": lambda work: renamed_release(work, "extension-release..x"),
    "a name of two words": lambda work: renamed_release(work, "extension-release.a b"),
    "a name that commands a terminal": lambda work: renamed_release(work, "extension-release.\x9b31m"),
    "a name that is no text": lambda work: renamed_release(work, os.fsdecode(b"extension-release.\xff")),
    "a name that turns text round": lambda work: renamed_release(work, "extension-release.\u202ex"),
    "no SYSEXT_ID": lambda work: released(work, {"ID": "_any"}),
    "an empty SYSEXT_ID": lambda work: released(work, {"ID": "_any", "SYSEXT_ID": '""'}),
    "its own os-release": with_os_release,
    "a release file that is a link out": linked_release,
}


@pytest.mark.parametrize("make", BROKEN.values(), ids=list(BROKEN))
def test_what_is_no_extension_image_is_refused(host: Path, work: Path, make: Callable[[Path], bytes]) -> None:
    image = work / "broken.raw"
    image.write_bytes(make(work))
    error = refused(host, extension(image))
    assert error.code == "invalid-extension-image"
    assert str(image) in error.message
    assert not any(name.startswith("sysexts/") for name in stored(host))


@pytest.mark.parametrize(
    ("release", "says"),
    [
        ({"ID": "fedora", "VERSION_ID": "13"}, "ID 'fedora'"),
        ({"ID": "debian", "VERSION_ID": "12"}, "VERSION_ID '12'"),
        ({"ID": "debian"}, "no VERSION_ID"),
        ({"VERSION_ID": "13"}, "no ID"),
        ({"ID": "_any", "ARCHITECTURE": "arm64"}, "ARCHITECTURE 'arm64'"),
        ({"ID": "_any", "SYSEXT_SCOPE": "initrd"}, "SYSEXT_SCOPE 'initrd'"),
    ],
)
def test_an_image_for_another_system_is_refused(
    host: Path, work: Path, release: dict[str, str], says: str
) -> None:
    image = images.pack(images.tree(work, release={**release, "SYSEXT_ID": "tools"}))
    error = refused(host, extension(image))
    assert error.code == "incompatible-extension-image"
    assert says in error.message


def test_a_path_must_end_in_the_images_own_name(host: Path, work: Path) -> None:
    image = images.pack(images.tree(work, "tools"))
    error = refused(host, extension(image, "/etc/extensions/mytools.raw"))
    assert error.code == "extension-image-name-mismatch"
    assert "/etc/extensions/tools.raw" in str(error.hint)


def test_another_hash_than_the_configured_one_is_refused(host: Path, work: Path) -> None:
    image = images.pack(images.tree(work))
    error = refused(host, extension(image, sha384="ab" * 48))
    assert error.code == "extension-image-hash-mismatch"
    assert images.sha384(image) in error.message
    assert stored(host) == set(), "what is refused takes no room"


@pytest.mark.parametrize(
    ("names", "ids", "code"),
    [
        (("one", "two"), ("same", "same"), "duplicate-extension-id"),
        (("same", "same"), ("one", "two"), "duplicate-extension-name"),
    ],
)
def test_two_extensions_that_are_one_are_refused(
    host: Path, work: Path, names: tuple[str, str], ids: tuple[str, str], code: str
) -> None:
    found = [
        images.pack(images.tree(work, name, release={"ID": "_any", "SYSEXT_ID": key}))
        for name, key in zip(names, ids, strict=True)
    ]
    assert refused(host, *(extension(image) for image in found)).code == code


def test_a_new_extension_is_compared_with_those_that_stay(host: Path, work: Path) -> None:
    first = extension(images.pack(images.tree(work, "one", release={"ID": "_any", "SYSEXT_ID": "x"})))
    second = extension(images.pack(images.tree(work, "two", release={"ID": "_any", "SYSEXT_ID": "x"})))
    update(NOTHING, configuration((first,)), host)
    with pytest.raises(TridentError, match="SYSEXT_ID 'x'"):
        stage(configuration((first,)), configuration((first, second)), host)


def test_a_missing_file_and_a_directory_are_refused(host: Path, work: Path) -> None:
    for url in (f"file://{work}/absent.raw", f"file://{work}", "file:///work/%00", "file://elsewhere/x.raw"):
        assert refused(host, extension(url, sha384="ab" * 48)).code in {
            "load-extension-image",
            "invalid-image-url",
        }
