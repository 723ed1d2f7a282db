"""Services, kernel modules and SELinux of a target, by the target's own tools in a chroot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from trident.config.model import LoadMode, Module, SelinuxMode
from trident.errors import InvalidInput, Servicing
from trident.host.chroot import furnished
from trident.host.mount import mounted
from trident.host.process import run
from trident.subsystems.osconfig.modules import configure_modules
from trident.subsystems.osconfig.selinux import label_files, set_mode
from trident.subsystems.osconfig.services import switch_services

pytestmark = pytest.mark.machine

MIB = 1024 * 1024
UNIT = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
LINKS = "etc/systemd/system/multi-user.target.wants"


@pytest.fixture
def system(small_system: Path) -> Path:
    units = small_system / "etc/systemd/system"
    units.mkdir(parents=True)
    for name in ("web.service", "print.service", "with@.service"):
        (units / name).write_text(UNIT)
    return small_system


def enabled(root: Path) -> set[str]:
    return {path.name for path in (root / LINKS).glob("*")}


def test_services_are_enabled_and_disabled(system: Path) -> None:
    switch_services(system, ("web.service", "print", "with@it.service"), ())
    assert enabled(system) == {"web.service", "print.service", "with@it.service"}
    switch_services(system, (), ("print.service", "with@it"))
    switch_services(system, ("web",), ("print.service",))
    assert enabled(system) == {"web.service"}


def test_services_that_the_image_lacks_are_all_named(system: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        switch_services(system, ("web", "absent.service"), ("print", "gone.timer"))
    assert caught.value.code == "service-not-found"
    assert caught.value.details["services"] == ["absent.service", "gone.timer"]


@pytest.mark.parametrize("name", ["--root=/", "-h", "", "a b", "../../etc/passwd", "x" * 400, "a\nb", "."])
def test_an_odd_name_is_refused_and_is_no_option(system: Path, name: str) -> None:
    with pytest.raises((InvalidInput, Servicing)) as caught:
        switch_services(system, (name,), ())
    assert caught.value.code in {"service-not-found", "set-up-services"}
    assert enabled(system) == set()


def test_modprobe_reads_what_is_written(system: Path) -> None:
    configure_modules(
        system,
        (
            Module(name="loop", load_mode=LoadMode.ALWAYS, options={"max_loop": "16"}),
            Module(name="floppy", load_mode=LoadMode.DISABLE),
        ),
    )
    with furnished(system):
        shown = run(["modprobe", "--showconfig"], root=system).stdout.splitlines()
    assert "options loop max_loop=16" in shown
    assert "blacklist floppy" in shown
    assert (system / "etc/modules-load.d/modules-load.conf").read_text() == "loop\n"


def test_a_file_of_modules_that_leads_out_of_the_target_is_replaced(system: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("untouched\n")
    (system / "etc/modules-load.d").mkdir()
    (system / "etc/modules-load.d/modules-load.conf").symlink_to(outside)
    configure_modules(system, (Module(name="loop", load_mode=LoadMode.ALWAYS),))
    assert outside.read_text() == "untouched\n"
    assert (system / "etc/modules-load.d/modules-load.conf").read_text() == "loop\n"


def policy(root: Path, mode: str = "SELINUX=permissive\nSELINUXTYPE=tiny\n") -> Path:
    """A policy with two labels; returns the configuration."""
    contexts = root / "etc/selinux/tiny/contexts/files"
    contexts.mkdir(parents=True)
    (contexts / "file_contexts").write_text(
        "/.*\tsystem_u:object_r:default_t:s0\n/etc(/.*)?\tsystem_u:object_r:etc_t:s0\n"
    )
    configuration = root / "etc/selinux/config"
    configuration.write_text(f"# SELINUX= is the mode\n{mode}")
    return configuration


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SELINUX=permissive\nSELINUXTYPE=tiny\n", "SELINUX=enforcing\nSELINUXTYPE=tiny\n"),
        ("SELINUXTYPE=tiny", "SELINUXTYPE=tiny\nSELINUX=enforcing\n"),
        ("  SELINUX=disabled\n", "SELINUX=enforcing\n"),
    ],
)
def test_the_mode_is_written_and_the_rest_stays(system: Path, before: str, after: str) -> None:
    configuration = policy(system, before)
    assert set_mode(system, SelinuxMode.ENFORCING)
    assert configuration.read_text() == f"# SELINUX= is the mode\n{after}"


def test_an_image_without_selinux_can_only_have_it_disabled(system: Path) -> None:
    assert not set_mode(system, SelinuxMode.DISABLED)
    for mode in (SelinuxMode.PERMISSIVE, SelinuxMode.ENFORCING):
        with pytest.raises(InvalidInput) as caught:
            set_mode(system, mode)
        assert caught.value.code == "selinux-enabled-but-not-found"


@pytest.fixture
def labelled(system: Path, tmp_path: Path) -> Iterator[Path]:
    """The system on an ext4 file system of its own, with another file system mounted in it."""
    for name in ("outer", "inner"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(16 * MIB)
        run(["mkfs.ext4", "-q", tmp_path / name])
    root = tmp_path / "labelled"
    root.mkdir()
    with mounted(str(tmp_path / "outer"), root):
        for name in ("usr", "etc", "dev", "proc", "sys", "run", "tmp", "kept"):
            (root / name).mkdir()
        for name in ("bin", "sbin", "lib", "lib64"):
            (root / name).symlink_to(f"usr/{name}")
        with (
            mounted("/usr", root / "usr", options=("bind", "ro")),
            mounted(str(tmp_path / "inner"), root / "kept"),
            furnished(root),
        ):
            yield root


def label(path: Path) -> str | None:
    try:
        return os.getxattr(path, "security.selinux", follow_symlinks=False).rstrip(b"\0").decode()
    except OSError:
        return None


def test_files_get_the_labels_of_the_policy_and_excluded_ones_none(labelled: Path) -> None:
    policy(labelled)
    (labelled / "kept/file").touch()
    (labelled / "srv").mkdir()
    label_files(labelled, ("/dev", "/kept", "/proc", "/run", "/sys", "/tmp", "/usr", "/not-there"))
    assert label(labelled / "etc/selinux/config") == "system_u:object_r:etc_t:s0"
    assert label(labelled / "srv") == "system_u:object_r:default_t:s0"
    assert label(labelled / "kept/file") is None


@pytest.mark.parametrize("lack", ["config", "tiny"])
def test_labels_need_a_policy(labelled: Path, lack: str) -> None:
    configuration = policy(labelled)
    if lack == "config":
        configuration.write_text("SELINUX=enforcing\n")
    else:
        (labelled / "etc/selinux/tiny/contexts/files/file_contexts").unlink()
    with pytest.raises(InvalidInput) as caught:
        label_files(labelled, ())
    assert caught.value.code == "selinux-enabled-but-not-found"
