"""The Debian system that the lab's images and its servicing OS are made of."""

from __future__ import annotations

import re
from pathlib import Path

from lab import agent, debian
from lab.cache import cached, digest
from lab.tool import run_tool

OVERLAY = Path(__file__).parent / "overlay"

# What SYSEXT_LEVEL and CONFEXT_LEVEL are in every image: extensions fit all versions of the system.
EXTENSION_LEVEL = "1"

PACKAGES = (
    "linux-image-cloud-amd64",
    "initramfs-tools", "zstd", "cpio", "kmod",
    "systemd", "systemd-sysv", "udev", "dbus", "systemd-boot-efi", "systemd-ukify",
    "netplan.io", "iproute2", "iputils-ping", "libnss-myhostname", "openssh-server",
    "sudo", "passwd", "util-linux", "mount", "procps", "xfsprogs",
)  # fmt: skip

# Units that nothing in the lab needs; together they are a third of the boot time under emulation.
_MASKED = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer",
    "e2scrub_all.timer", "e2scrub_reap.service", "systemd-tmpfiles-clean.timer",
    "getty@tty1.service", "getty-static.service", "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path", "systemd-firstboot.service", "systemd-logind.service",
    "systemd-binfmt.service", "proc-sys-fs-binfmt_misc.automount", "systemd-pstore.service",
    "dev-hugepages.mount", "dev-mqueue.mount", "sys-fs-fuse-connections.mount", "sys-kernel-config.mount",
    "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "modprobe@configfs.service",
    "modprobe@drm.service", "modprobe@efi_pstore.service", "modprobe@fuse.service",
    "ldconfig.service", "systemd-hwdb-update.service", "systemd-journal-catalog-update.service",
    "systemd-hibernate-clear.service", "systemd-networkd-wait-online.service",
    "systemd-networkd-persistent-storage.service", "systemd-tpm2-setup.service",
    "systemd-tpm2-setup-early.service", "systemd-pcrphase.service", "systemd-pcrphase-sysinit.service",
    "systemd-pcrmachine.service", "systemd-creds.socket", "systemd-initctl.socket",
    "systemd-pcrextend.socket", "systemd-pcrlock.socket",
)  # fmt: skip
_MASKED_GENERATORS = (
    "systemd-cryptsetup-generator", "systemd-debug-generator", "systemd-gpt-auto-generator",
    "systemd-hibernate-resume-generator", "systemd-integritysetup-generator", "systemd-rc-local-generator",
    "systemd-run-generator", "systemd-ssh-generator", "systemd-system-update-generator",
    "systemd-sysv-generator", "systemd-tpm2-generator", "systemd-veritysetup-generator",
)  # fmt: skip


def archive(deb: Path) -> Path:
    """A tar of the system for an agent: packages, the lab's settings, kernel and initrd in /boot.

    Args:
        deb: the agent's package, which is not in it; what the agent depends on is.
    """
    base = debian.tree("debian", sorted({*PACKAGES, *agent.dependencies(deb)}))
    key = digest(base.name, OVERLAY / "common", Path(__file__))

    def build(path: Path) -> None:
        tree = debian.unpack(base, path.with_name("tree"))
        _settle(tree)
        debian.pack(tree, path)

    return cached("system", key, build)


def add_overlay(tree: Path, name: str) -> None:
    """Copy one of the lab's overlays onto a tree, owned by root."""
    run_tool("cp", "--recursive", "--no-preserve=ownership,timestamps", f"{OVERLAY / name}/.", tree)


def kernel_version(tree: Path) -> str:
    """The version of the one kernel in a tree."""
    (modules,) = (tree / "usr/lib/modules").iterdir()
    return modules.name


def write(tree: Path, path: str, content: str, mode: int = 0o644) -> None:
    """Write a file in a tree."""
    target = tree / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content, encoding="utf-8")
    target.chmod(mode)


def set_os_release(tree: Path, **fields: str) -> None:
    """Set fields of /etc/os-release, replacing what they were."""
    path = tree / "usr/lib/os-release"
    text = path.read_text(encoding="utf-8")
    for key, value in fields.items():
        text = re.sub(rf"^{key}=.*\n", "", text, flags=re.MULTILINE) + f'{key}="{value}"\n'
    path.write_text(text, encoding="utf-8")


def _settle(tree: Path) -> None:
    add_overlay(tree, "common")
    units = tree / "etc/systemd/system"
    for unit in _MASKED:
        _mask(units / unit)
    for generator in _MASKED_GENERATORS:
        _mask(tree / "etc/systemd/system-generators" / generator)
    # What mmdebstrap took from the host or made only once must not be the same on every machine.
    for pattern in ("etc/ssh/ssh_host_*", "etc/hostname", "etc/resolv.conf", "var/lib/dbus/machine-id"):
        for found in tree.glob(pattern):
            found.unlink()
    write(tree, "etc/machine-id", "")
    for emptied in ("var/lib/apt/lists", "var/cache/apt", "var/log"):
        for leftover in sorted((tree / emptied).rglob("*"), reverse=True):
            if leftover.is_file():
                leftover.unlink()
    debian.in_tree(tree, "update-initramfs", "-u", "-k", kernel_version(tree))


def _mask(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/null")
