"""For which systems an extension is, by systemd's rules."""

from __future__ import annotations

import pytest

from trident.image.extension_release import misfit

DEBIAN_13 = {"ID": "debian", "VERSION_ID": "13"}
LEVELLED = {**DEBIAN_13, "SYSEXT_LEVEL": "2", "CONFEXT_LEVEL": "5"}
ROLLING = {"ID": "arch"}


def fits(extension: dict[str, str], system: dict[str, str], prefix: str = "SYSEXT") -> bool:
    return misfit(extension, system, prefix=prefix, architecture="x86_64") is None


@pytest.mark.parametrize(
    ("extension", "system"),
    [
        pytest.param({"ID": "_any"}, DEBIAN_13, id="any-system"),
        pytest.param({"ID": "_any", "VERSION_ID": "1"}, DEBIAN_13, id="any-system-of-any-version"),
        pytest.param({"ID": "_any"}, {}, id="a-system-without-os-release"),
        pytest.param({"ID": "debian", "VERSION_ID": "13"}, DEBIAN_13, id="same-version"),
        pytest.param({"ID": "debian", "SYSEXT_LEVEL": "2"}, LEVELLED, id="same-level"),
        pytest.param({"ID": "debian", "SYSEXT_LEVEL": "2", "VERSION_ID": "12"}, LEVELLED, id="level-first"),
        pytest.param({"ID": "debian", "VERSION_ID": "13"}, LEVELLED, id="only-the-system-has-a-level"),
        pytest.param(
            {"ID": "debian", "VERSION_ID": "13", "SYSEXT_LEVEL": "9"}, DEBIAN_13, id="only-ours-has"
        ),
        pytest.param({"ID": "arch"}, ROLLING, id="rolling"),
        pytest.param({"ID": "arch", "VERSION_ID": "7"}, ROLLING, id="rolling-with-version"),
        pytest.param({"ID": "_any", "ARCHITECTURE": "x86-64"}, DEBIAN_13, id="this-machine"),
        pytest.param({"ID": "_any", "ARCHITECTURE": "_any"}, DEBIAN_13, id="any-machine"),
        pytest.param({"ID": "_any", "SYSEXT_SCOPE": "initrd system"}, DEBIAN_13, id="scope"),
    ],
)
def test_an_extension_fits(extension: dict[str, str], system: dict[str, str]) -> None:
    assert fits(extension, system)


@pytest.mark.parametrize(
    ("extension", "system"),
    [
        pytest.param({}, DEBIAN_13, id="no-id"),
        pytest.param({"ID": ""}, DEBIAN_13, id="empty-id"),
        pytest.param({"ID": "debian"}, DEBIAN_13, id="no-version"),
        pytest.param({"ID": "debian", "VERSION_ID": "12"}, DEBIAN_13, id="other-version"),
        pytest.param({"ID": "debian", "VERSION_ID": "13.1"}, DEBIAN_13, id="longer-version"),
        pytest.param({"ID": "debian", "SYSEXT_LEVEL": "1", "VERSION_ID": "13"}, LEVELLED, id="other-level"),
        pytest.param({"ID": "debian", "SYSEXT_LEVEL": "9"}, DEBIAN_13, id="level-alone"),
        pytest.param({"ID": "debian", "VERSION_ID": "13"}, {}, id="system-unknown"),
        pytest.param(
            {"ID": "debian", "VERSION_ID": "13"}, {**DEBIAN_13, "ID": "x", "ID_LIKE": "debian"}, id="id-like"
        ),
        pytest.param({"ID": "_any", "ARCHITECTURE": "arm64"}, DEBIAN_13, id="other-machine"),
        pytest.param({"ID": "_any", "ARCHITECTURE": "x86_64"}, DEBIAN_13, id="not-systemds-name"),
        pytest.param({"ID": "_any", "SYSEXT_SCOPE": "portable initrd"}, DEBIAN_13, id="other-scope"),
        pytest.param({"ID": "_any", "SYSEXT_SCOPE": ""}, DEBIAN_13, id="no-scope"),
    ],
)
def test_an_extension_does_not_fit(extension: dict[str, str], system: dict[str, str]) -> None:
    assert not fits(extension, system)


def test_a_confext_has_a_level_and_a_scope_of_its_own() -> None:
    assert fits({"ID": "debian", "CONFEXT_LEVEL": "5"}, LEVELLED, "CONFEXT")
    assert not fits({"ID": "debian", "SYSEXT_LEVEL": "2"}, LEVELLED, "CONFEXT")
    assert fits({"ID": "_any", "SYSEXT_SCOPE": "initrd"}, DEBIAN_13, "CONFEXT")
