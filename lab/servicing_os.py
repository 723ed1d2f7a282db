"""The servicing OS: the lab's Debian with the agent, run entirely from RAM.

The whole tree is the initrd. No ``root=`` on the command line, no pivot: systemd runs on the rootfs that
the kernel unpacked, so the disk is nobody's.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from lab import agent, debian, ssh, system
from lab.cache import cached, digest
from lab.qemu import DirectBoot

COMMAND_LINE = "console=ttyS0 quiet systemd.show_status=no panic=5"

# Not needed in RAM: the kernel is loaded from outside, and nobody installs packages there.
_TRIMMED = (
    "boot", "initrd.img", "initrd.img.old", "vmlinuz", "vmlinuz.old", "usr/share/doc", "usr/share/perl",
    "usr/share/perl5", "usr/lib/x86_64-linux-gnu/perl-base", "usr/share/initramfs-tools",
    "usr/lib/x86_64-linux-gnu/gconv", "usr/share/i18n", "usr/share/zoneinfo", "usr/lib/dracut",
    "var/lib/dpkg/info", "var/cache", "usr/lib/systemd/boot",
)  # fmt: skip


def servicing_os() -> DirectBoot:
    """The servicing OS with the agent as it is now, reachable as root with the lab's key."""
    deb, key = agent.package(), ssh.public_key()
    base = system.archive(deb)
    recipe = digest(base.name, deb, key, system.OVERLAY / "servicing", Path(__file__))

    def build(path: Path) -> None:
        tree = debian.unpack(base, path.with_name("tree"))
        version = system.kernel_version(tree)
        agent.install(tree, deb)
        path.mkdir()
        shutil.copyfile(tree / "boot" / f"vmlinuz-{version}", path / "kernel")
        _make_live(tree, key)
        _archive(tree, path / "initrd")

    made = cached("servicing-os", recipe, build)
    return DirectBoot(made / "kernel", made / "initrd", COMMAND_LINE)


def _make_live(tree: Path, authorized_key: str) -> None:
    system.add_overlay(tree, "servicing")
    system.write(tree, "root/.ssh/authorized_keys", authorized_key + "\n", 0o600)
    (tree / "root/.ssh").chmod(0o700)
    system.write(tree, "etc/hostname", "servicing\n")
    system.set_os_release(tree, VARIANT="Servicing OS", VARIANT_ID="servicing")
    debian.in_tree(tree, "systemctl", "enable", "systemd-networkd.service")
    for path in _TRIMMED:
        found = tree / path
        if found.is_dir() and not found.is_symlink():
            shutil.rmtree(found)
        else:
            found.unlink(missing_ok=True)
    (tree / "init").symlink_to("usr/lib/systemd/systemd")


def _archive(tree: Path, initrd: Path) -> None:
    """The tree as a newc archive. Under emulation zstd unpacks about as fast as the firmware loads."""
    files = "find . -xdev -print0 | sort -z | cpio --null --create --format=newc --quiet"
    script = f"cd / && {files} | zstd --threads=0 -3"
    debian.in_tree(tree, "sh", "-c", script, output=initrd)
