"""The rules about adopted partitions, arrays, encryption, verity and extensions: how each is broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.pure.config.building import Host
from trident.config.problems import Severity

HASH = "ab" * 48
OTHER_HASH = "cd" * 48
FILESYSTEMS = "storage.filesystems"
OVERLAY = "/var/lib/trident-overlay"


def root_verity() -> Host:
    """A valid host whose root is on a verity device over A/B volume pairs."""
    host = Host()
    del host.storage["filesystems"][1]
    for name, type in (("root-data", "root"), ("root-hash", "root-verity"), ("overlay", "linux-generic")):
        host.pair(name, host.partition(f"{name}-a", type), host.partition(f"{name}-b", type))
    host.verity("root", "root-data", "root-hash", "root")
    host.filesystem(deviceId="root", mountPoint={"path": "/", "options": "ro"})
    host.filesystem(deviceId=host.partition("boot", "xbootldr"), mountPoint="/boot")
    host.filesystem(deviceId="overlay", source="new", mountPoint=OVERLAY)
    host.filesystem(deviceId=host.partition("state"), source="new", mountPoint="/var/lib/trident")
    host.filesystem(source="new", type="tmpfs", mountPoint="/var/tmp")
    return host


def usr_verity() -> Host:
    """A valid host whose `/usr` is on a verity device."""
    host = Host()
    host.verity("usr", host.partition("usr-data", "usr"), host.partition("usr-hash", "usr-verity"))
    host.filesystem(deviceId="usr", mountPoint={"path": "/usr", "options": "ro"})
    return host


def encrypted() -> Host:
    """A valid host with an encrypted volume."""
    host = Host()
    host.filesystem(deviceId=host.encrypted("data", host.partition("raw")), source="new", mountPoint="/srv")
    return host


def extended() -> Host:
    """A valid A/B host with a sysext and a confext."""
    host = Host()
    host.filesystem_at("/")["deviceId"] = host.pair("root", "base-root", host.partition("b", "root", "2G"))
    host.filesystem(deviceId=host.partition("state"), source="new", mountPoint="/var/lib/trident")
    host.document["os"] = {
        "sysexts": [{"url": "http://127.0.0.1/s.raw", "sha384": HASH}],
        "confexts": [{"url": "http://127.0.0.1/c.raw", "sha384": HASH}],
    }
    return host


class Case(NamedTuple):
    """What breaks one rule, and the one problem that it makes."""

    code: str
    start: Callable[[], Host]
    break_it: Callable[[Host], Any]
    path: str
    message: str
    suggestion: str | None


def mounted(host: Host, path: str) -> dict[str, Any]:
    """The file system mounted at a path, with its mount point as an object."""
    filesystems: list[dict[str, Any]] = host.storage["filesystems"]
    for filesystem in filesystems:
        mount = filesystem["mountPoint"]
        if path in (mount, mount["path"] if isinstance(mount, dict) else None):
            filesystem["mountPoint"] = mount if isinstance(mount, dict) else {"path": mount}
            return filesystem
    raise AssertionError(path)


def extend(host: Host, key: str, **fields: str) -> None:
    host.document["os"][key].append({"url": "http://127.0.0.1/x.raw", "sha384": OTHER_HASH, **fields})


def extend_twice(host: Host, key: str, path: str) -> None:
    host.document["os"][key][0]["path"] = path
    extend(host, key, path=path)


CASES = [
    Case(
        "odd-device-id",
        Host,
        lambda host: host.partition("a\nb"),
        "storage.disks[0].partitions[2].id",
        "An id of a partition holds control characters.",
        None,
    ),
    Case(
        "datastore-path-differs-between-a-and-b",
        root_verity,
        lambda host: (
            mounted(host, "/")["mountPoint"].update(options="ro"),
            host.storage["filesystems"].__delitem__(4),
        ),
        f"{FILESYSTEMS}[1].deviceId",
        "The datastore '/var/lib/trident/datastore.sqlite' is on 'root', which differs between A and B.",
        "Mount a file system on a partition of its own there.",
    ),
    Case(
        "unusable-image-url",
        Host,
        lambda host: host.document["image"].update(url="s3://bucket/v1.cosi"),
        "image.url",
        "Nothing can be fetched from 's3:'.",
        "Use http, https, file or oci.",
    ),
    Case(
        "unusable-extension-url",
        extended,
        lambda host: host.document["os"]["sysexts"][0].update(url="http:x"),
        "os.sysexts[0].url",
        "'http:x' names no host.",
        "Write http://host/path.",
    ),
    Case(
        "adopted-partition-criterion",
        Host,
        lambda host: host.disk.update(adoptedPartitions=[{"id": "old"}]),
        "storage.disks[0].adoptedPartitions[0]",
        "Nothing says which partition 'old' is.",
        "Add 'matchLabel' or 'matchUuid'.",
    ),
    Case(
        "adopted-partition-criterion",
        Host,
        lambda host: host.adopted("old", matchLabel="x", matchUuid="6a0f1d9c-0b7e-4c5d-9c1a-2f3e4d5c6b7a"),
        "storage.disks[0].adoptedPartitions[0]",
        "The adopted partition 'old' has both 'matchLabel' and 'matchUuid'.",
        "Remove one of them.",
    ),
    Case(
        "invalid-target-count",
        Host,
        lambda host: host.array("md", host.partition("one")),
        "storage.raid.software[0].devices",
        "The RAID array 'md' needs 2 or more devices, and it has 1.",
        "Name more partitions.",
    ),
    Case(
        "reference-kind-mismatch",
        Host,
        lambda host: host.pair(
            "pair", host.partition("a"), host.array("b", host.partition("b1"), host.partition("b2"))
        ),
        "storage.abUpdate.volumePairs[0]",
        "The A/B volume pair 'pair' needs devices of one kind, but 'a' is a partition, 'b' is a RAID array.",
        None,
    ),
    Case(
        "invalid-raidlevel",
        Host,
        lambda host: host.filesystem_at("/boot/efi").update(
            deviceId=host.array("md", host.partition("e1", "esp"), host.partition("e2", "esp"), level="raid0")
        ),
        f"{FILESYSTEMS}[0].deviceId",
        "The file system at '/boot/efi' needs a RAID array of level 'raid1', but 'md' is of 'raid0'.",
        "Write 'level: raid1' for 'md'.",
    ),
    Case(
        "invalid-verity-hash-partition-type",
        usr_verity,
        lambda host: host.disk["partitions"][3].update(type="root-verity"),
        "storage.verity[0].hashDeviceId",
        "The verity device 'usr' cannot have its hashes on 'usr-hash', of type 'root-verity' "
        "beside data of type 'usr'.",
        "The type can be 'usr-verity'.",
    ),
    Case(
        "invalid-verity-hash-partition-type",
        usr_verity,
        lambda host: host.disk["partitions"][2].update(type="usr-verity"),
        "storage.verity[0].dataDeviceId",
        "The verity device 'usr' cannot have its data on 'usr-data', of type 'usr-verity'.",
        "The type can be 'linux-generic' or 'root' or 'usr'.",
    ),
    Case(
        "filesystem-type-with-source",
        Host,
        lambda host: host.filesystem(deviceId=host.partition("p"), source="new", type="auto"),
        f"{FILESYSTEMS}[2].type",
        "The type of a new file system cannot be 'auto'.",
        "It can be 'ext4' or 'xfs' or 'vfat' or 'ntfs' or 'tmpfs'.",
    ),
    Case(
        "filesystem-unexpected-block-device-id",
        Host,
        lambda host: host.filesystem(
            deviceId=host.partition("p"), source="new", type="tmpfs", mountPoint="/t"
        ),
        f"{FILESYSTEMS}[2].deviceId",
        "A file system of type 'tmpfs' is on no block device.",
        "Remove 'deviceId'.",
    ),
    Case(
        "filesystem-missing-mount-point",
        Host,
        lambda host: host.filesystem(source="new", type="tmpfs"),
        f"{FILESYSTEMS}[2]",
        "A file system of type 'tmpfs' needs a mount point.",
        "Add 'mountPoint'.",
    ),
    Case(
        "invalid-encryption-recovery-key-url-scheme",
        encrypted,
        lambda host: host.storage["encryption"].update(recoveryKeyUrl="https://keys.example/key"),
        "storage.encryption.recoveryKeyUrl",
        "The recovery key must be in a local file, and 'https' is not 'file'.",
        "Write file:///path/of/the/key.",
    ),
    Case(
        "unsupported-encryption-pcrs",
        encrypted,
        lambda host: host.storage["encryption"].update(pcrs=[7, "kernel-boot", 4, "debug"]),
        "storage.encryption.pcrs[3]",
        "A volume cannot be sealed to PCR 16 (debug).",
        "It can be sealed to 4 (boot-loader-code), 7 (secure-boot-policy), 11 (kernel-boot).",
    ),
    Case(
        "unsupported-verity-devices",
        usr_verity,
        lambda host: host.verity("more", host.partition("more-data"), host.partition("more-hash"), "more"),
        "storage.verity[1]",
        "There can be one verity device, for '/' or for '/usr', and this is another.",
        "Remove all but one.",
    ),
    Case(
        "verity-device-without-filesystem",
        usr_verity,
        lambda host: host.storage["filesystems"].pop(),
        "storage.verity[0]",
        "No file system is on the verity device 'usr'.",
        "Write 'deviceId: usr' for '/' or '/usr'.",
    ),
    Case(
        "verity-filesystem-without-mount-point",
        usr_verity,
        lambda host: host.storage["filesystems"][2].pop("mountPoint"),
        f"{FILESYSTEMS}[2]",
        "The file system on the verity device 'usr' needs a mount point.",
        "Add 'mountPoint: {path: /, options: ro}'.",
    ),
    Case(
        "verity-mount-path",
        usr_verity,
        lambda host: (
            mounted(host, "/usr")["mountPoint"].update(path="/opt"),
            [part.pop("type") for part in host.disk["partitions"][2:]],
        ),
        f"{FILESYSTEMS}[2].mountPoint.path",
        "What is on a verity device is mounted at '/' or '/usr', not at '/opt'.",
        None,
    ),
    Case(
        "verity-device-mounted-read-write",
        usr_verity,
        lambda host: mounted(host, "/usr")["mountPoint"].update(options="defaults,rootcontext=x"),
        f"{FILESYSTEMS}[2].mountPoint",
        "'/usr' is on the verity device 'usr', so it must be mounted 'ro'.",
        "Write {path: /usr, options: ro}.",
    ),
    Case(
        "verity-device-name-invalid",
        usr_verity,
        lambda host: host.storage["verity"][0].update(name="root"),
        "storage.verity[0].name",
        "The name of the verity device of '/usr' must be 'usr'.",
        "Write 'name: usr'.",
    ),
    Case(
        "verity-boot-missing",
        root_verity,
        lambda host: host.storage["filesystems"].remove(host.filesystem_at("/boot")),
        FILESYSTEMS,
        "The root is on a verity device, so '/boot' must be a file system of its own.",
        "Add one from the image at '/boot'.",
    ),
    Case(
        "verity-boot-missing",
        root_verity,
        lambda host: host.filesystem_at("/boot").update(source="new"),
        f"{FILESYSTEMS}[2].source",
        "The root is on a verity device, so '/boot' must come from the image.",
        "Write 'source: image', or remove 'source' and 'type'.",
    ),
    Case(
        "overlay-on-read-only-volume",
        root_verity,
        lambda host: mounted(host, OVERLAY)["mountPoint"].update(path="/elsewhere"),
        f"{FILESYSTEMS}[1].mountPoint.options",
        "The root is on a verity device, so '/var/lib/trident-overlay', which keeps the changes of '/etc', "
        "must be writable; but it is on '/', which is mounted 'ro'.",
        "Mount a new file system at '/var/lib/trident-overlay'.",
    ),
    Case(
        "mount-point-not-backed-by-block-device",
        root_verity,
        lambda host: host.storage["filesystems"].__setitem__(
            3, {"source": "new", "type": "tmpfs", "mountPoint": OVERLAY}
        ),
        f"{FILESYSTEMS}[3]",
        "The root is on a verity device, so '/var/lib/trident-overlay', which keeps the changes of '/etc', "
        "must be on a block device.",
        "The file system at '/var/lib/trident-overlay' is in memory.",
    ),
    Case(
        "mount-point-not-backed-by-ab-update-volume-pair",
        root_verity,
        lambda host: host.filesystem_at(OVERLAY).update(deviceId=host.partition("lone")),
        f"{FILESYSTEMS}[3].deviceId",
        "'/var/lib/trident-overlay' keeps the changes of '/etc' for the root on its verity device, so beside "
        "A/B volume pairs it must be on one, and 'lone' is none.",
        None,
    ),
    Case(
        "self-upgrade-on-read-only-root-verity-fs",
        root_verity,
        lambda host: host.document.update(internalParams={"selfUpgradeTrident": True}),
        "internalParams.selfUpgradeTrident",
        "The root is on a verity device, so 'selfUpgradeTrident' cannot write the agent there.",
        "Remove it.",
    ),
    Case(
        "selinux-with-root-verity",
        root_verity,
        lambda host: host.document.update(os={"selinux": {"mode": "enforcing"}}),
        "os.selinux.mode",
        "SELinux ('enforcing') with a root on a verity device needs an image that boots a UKI.",
        "Write 'mode: disabled' for any other.",
    ),
    Case(
        "duplicate-extension-image",
        extended,
        lambda host: extend(host, "sysexts", sha384=HASH.upper()),
        "os.sysexts[1].sha384",
        "This is the image of extension 1 of 'sysexts'.",
        "Remove one of them, or correct the SHA-384.",
    ),
    Case(
        "duplicate-extension-image-path",
        extended,
        lambda host: extend_twice(host, "confexts", "/var/lib/confexts/x.raw"),
        "os.confexts[1].path",
        "Two extensions are put at '/var/lib/confexts/x.raw'.",
        None,
    ),
    Case(
        "extension-image-invalid-file-extension",
        extended,
        lambda host: extend(host, "sysexts", path="/var/lib/extensions/x.img"),
        "os.sysexts[1].path",
        "An extension is put into a '.raw' file, and '/var/lib/extensions/x.img' names none.",
        None,
    ),
    Case(
        "extension-image-invalid-directory",
        extended,
        lambda host: extend(host, "confexts", path="/etc/extensions/x.raw"),
        "os.confexts[1].path",
        "An extension of 'os.confexts' cannot be put into '/etc/extensions'.",
        "Write /var/lib/confexts/x.raw or /usr/lib/confexts/x.raw or /usr/local/lib/confexts/x.raw.",
    ),
    Case(
        "extension-image-not-on-ab-volume",
        extended,
        lambda host: host.filesystem(
            deviceId=host.partition("ext"), source="new", mountPoint="/var/lib/extensions"
        ),
        "os.sysexts[0]",
        "The extension is put at '/var/lib/extensions', on the file system at '/var/lib/extensions', "
        "which A and B share.",
        "Put '/var/lib/extensions' on an A/B volume pair.",
    ),
    Case(
        "selinux-with-extensions",
        extended,
        lambda host: host.document["os"].update(selinux={"mode": "permissive"}),
        "os.selinux.mode",
        "SELinux ('permissive') does not work with extensions.",
        "Write 'mode: disabled'.",
    ),
]


@pytest.mark.parametrize("start", [Host, root_verity, usr_verity, encrypted, extended])
def test_what_the_cases_start_from_breaks_no_rule(start: Callable[[], Host]) -> None:
    assert start().problems() == ()


@pytest.mark.parametrize("broken", CASES, ids=lambda broken: f"{broken.code}:{broken.path}")
def test_breaking_a_rule_is_told_once_with_a_way_out(broken: Case) -> None:
    host = broken.start()
    broken.break_it(host)
    found = [
        (p.code, p.path, p.message, p.suggestion) for p in host.problems() if p.code != "unusual-mount-path"
    ]
    assert found == [(broken.code, broken.path, broken.message, broken.suggestion)]


def test_extensions_go_anywhere_without_a_and_b() -> None:
    host = extended()
    del host.storage["abUpdate"], host.storage["filesystems"][2]
    host.filesystem_at("/")["deviceId"] = "base-root"
    assert host.problems() == ()


def test_an_extension_can_lie_on_a_verity_device_over_a_pair() -> None:
    host = root_verity()
    host.document["os"] = {"sysexts": [{"url": "http://127.0.0.1/s.raw", "sha384": HASH}]}
    assert host.problems() == ()


def test_an_overlay_needs_no_pair_where_there_is_none() -> None:
    host = usr_verity()
    host.storage["verity"][0]["name"] = "root"
    host.storage["filesystems"][1:] = []
    host.filesystem(deviceId="usr", mountPoint={"path": "/", "options": "ro"})
    for part, type in zip(host.disk["partitions"][2:], ("root", "root-verity"), strict=True):
        part["type"] = type
    host.filesystem(deviceId=host.partition("boot"), mountPoint="/boot")
    host.filesystem(deviceId=host.partition("var"), source="new", mountPoint="/var")
    assert host.problems() == ()


def test_a_root_can_be_adopted() -> None:
    host = Host()
    host.filesystem_at("/").update(source="adopted", deviceId=host.adopted("old-root"))
    assert host.problems() == ()


def test_warnings_refuse_nothing() -> None:
    host = extended()
    host.document["os"]["selinux"] = {"mode": "enforcing"}
    assert [problem.severity for problem in host.problems()] == [Severity.WARNING]
