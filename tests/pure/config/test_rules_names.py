"""The rules about text that reaches files of the host, and about what can be said and does harm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.pure.config.building import Host
from trident.config.problems import Severity
from trident.config.rules import all_rules

DATASTORE = "/var/lib/trident/../../x.sqlite"
PLAIN_NAME = "Write a name of letters, digits, '-' and '_'."


def encrypted(name: str = "luks-srv") -> Host:
    """A valid host with an encrypted volume."""
    host = Host()
    device = host.encrypted("data", host.partition("raw"), name)
    host.filesystem(deviceId=device, source="new", mountPoint="/srv")
    return host


def mounted(path: str, options: str = "defaults") -> Host:
    """A valid host, but for where one more file system is mounted, or how."""
    host = Host()
    mount = {"path": path, "options": options}
    host.filesystem(deviceId=host.partition("more"), source="new", mountPoint=mount)
    return host


def array(level: str, count: int, name: str = "md") -> Host:
    """A valid host with an array."""
    host = Host()
    members = [host.partition(f"md-{number}", size="1G") for number in range(count)]
    host.storage["raid"] = {"software": [{"id": "md", "name": name, "level": level, "devices": members}]}
    host.filesystem(deviceId="md", source="new", mountPoint="/srv")
    return host


def unsealed() -> Host:
    host = encrypted()
    host.storage["encryption"]["pcrs"] = []
    return host


def said(section: str, value: Any) -> Host:
    host = Host()
    host.document[section] = value
    return host


def on_disk(device: str) -> Host:
    host = Host()
    host.disk["device"] = device
    return host


class Case(NamedTuple):
    """A configuration that breaks one rule and no other, and what is said about it."""

    code: str
    host: Callable[[], Host]
    path: str
    message: str
    suggestion: str | None


CASES = [
    Case(
        "datastore-path-climbs",
        lambda: said("trident", {"datastorePath": DATASTORE}),
        "trident.datastorePath",
        f"The datastore path '{DATASTORE}' contains '..'.",
        "Write the path that it leads to.",
    ),
    Case(
        "datastore-path-climbs",
        lambda: said("trident", {"datastorePath": "/var/lib/tri\ndent/x.sqlite"}),
        "trident.datastorePath",
        "The datastore path holds control characters.",
        None,
    ),
    Case(
        "odd-disk-path",
        lambda: on_disk("/dev/disk/../vda"),
        "storage.disks[0].device",
        "The device of disk 'os', '/dev/disk/../vda', contains '..'.",
        "Write the path that it leads to.",
    ),
    Case(
        "odd-disk-path",
        lambda: on_disk("/dev/v\0da"),
        "storage.disks[0].device",
        "The device of disk 'os' holds control characters.",
        None,
    ),
    Case(
        "odd-device-name",
        lambda: encrypted("../sda"),
        "storage.encryption.volumes[0].deviceName",
        "The name of a device is no path, and '../sda' contains '/'.",
        PLAIN_NAME,
    ),
    Case(
        "odd-device-name",
        lambda: encrypted("a\nb"),
        "storage.encryption.volumes[0].deviceName",
        "The name of a device holds spaces or control characters.",
        PLAIN_NAME,
    ),
    Case(
        "odd-device-name",
        lambda: array("raid1", 2, ""),
        "storage.raid.software[0].name",
        "The name of a device is empty.",
        PLAIN_NAME,
    ),
    Case(
        "odd-device-name",
        lambda: array("raid1", 2, ".."),
        "storage.raid.software[0].name",
        "'..' cannot be the name of a device.",
        PLAIN_NAME,
    ),
    Case(
        "odd-mount-path",
        lambda: mounted("/srv\n/dev/sda /etc ext4"),
        "storage.filesystems[2].mountPoint.path",
        "The mount path holds line breaks or control characters.",
        None,
    ),
    Case(
        "odd-mount-options",
        lambda: mounted("/srv", "noatime, nodev"),
        "storage.filesystems[2].mountPoint.options",
        "Mount options hold white space or control characters, which fstab has between its fields.",
        "Write noatime,nodev.",
    ),
    Case(
        "mount-path-of-the-kernel",
        lambda: mounted("/proc"),
        "storage.filesystems[2].mountPoint.path",
        "'/proc' belongs to the running system, which mounts it itself.",
        "Mount the file system elsewhere.",
    ),
    Case(
        "encryption-without-pcrs",
        unsealed,
        "storage.encryption.pcrs",
        "The volumes are sealed to no PCR, so that this TPM would open them to any system.",
        "Write 'pcrs: [7]', with Secure Boot on.",
    ),
    Case(
        "encryption-without-volumes",
        lambda: Host().with_encryption(volumes=[], pcrs=[]),
        "storage.encryption.volumes",
        "Nothing is encrypted, because 'volumes' is empty.",
        "Name a volume, or remove 'encryption'.",
    ),
    Case(
        "too-few-raid6-devices",
        lambda: array("raid6", 3),
        "storage.raid.software[0].devices",
        "An array of level 'raid6' has 4 devices or more, and 'md' has 3.",
        "Name more partitions, or write 'level: raid1'.",
    ),
    Case(
        "too-few-raid5-devices",
        lambda: array("raid5", 2),
        "storage.raid.software[0].devices",
        "An array of level 'raid5' has 3 devices or more, and 'md' has 2.",
        "Name more partitions, or write 'level: raid1'.",
    ),
    Case(
        "duplicate-additional-file",
        lambda: said("os", {"additionalFiles": [file("/etc/motd"), file("/etc//motd")]}),
        "os.additionalFiles[1].destination",
        "Two additional files are put at '/etc/motd': the last one stays.",
        "Remove one of them.",
    ),
    Case(
        "service-enabled-and-disabled",
        lambda: said("os", {"services": {"enable": ["cups"], "disable": ["ssh", "cups.service"]}}),
        "os.services.disable[1]",
        "The service 'cups.service' is in 'enable' too.",
        "Remove it from one of the two.",
    ),
    Case(
        "duplicate-management-os-usernames",
        lambda: said("managementOs", {"users": [{"name": "ops"}, {"name": "ops"}]}),
        "managementOs.users[1].name",
        "There are two users named 'ops'.",
        "Merge the two, or rename one.",
    ),
]


def file(destination: str) -> dict[str, str]:
    return {"destination": destination, "content": "Hello.\n"}


@pytest.mark.parametrize("broken", CASES, ids=lambda broken: f"{broken.code}:{broken.path}")
def test_it_is_warned_of_where_it_is_and_with_what_to_do(broken: Case) -> None:
    (problem,) = broken.host().problems()
    told = (problem.code, problem.path, problem.message, problem.suggestion)
    assert told == (broken.code, broken.path, broken.message, broken.suggestion)
    assert problem.severity is Severity.WARNING


ONLY_WARNED_OF = {
    "encryption-without-volumes",
    "too-few-raid5-devices",
    "duplicate-additional-file",
    "service-enabled-and-disabled",
    "duplicate-management-os-usernames",
}


def test_what_would_harm_a_host_is_not_carried_out() -> None:
    stopping = {rule.code for rule in all_rules() if rule.stops_servicing}
    assert stopping & {broken.code for broken in CASES} == {broken.code for broken in CASES} - ONLY_WARNED_OF


@pytest.mark.parametrize("options", ["a b", "a\tb", "a\nb", "a\0b", " ", "a,\u2028b"])
def test_options_that_would_end_a_field_or_a_line_of_fstab(options: str) -> None:
    assert [problem.code for problem in mounted("/srv", options).problems()] == ["odd-mount-options"]


@pytest.mark.parametrize("path", ["/proc", "/sys", "/dev", "/run", "/dev/", "//run"])
def test_where_the_running_system_mounts_itself(path: str) -> None:
    assert [problem.code for problem in mounted(path).problems()] == ["mount-path-of-the-kernel"]


@pytest.mark.parametrize("path", ["/dev/shm", "/runs", "/srv/proc", "/srv/with space", "/srv/x..y"])
def test_mount_paths_that_are_good(path: str) -> None:
    assert mounted(path).problems() == ()


def test_arrays_that_are_large_enough() -> None:
    assert array("raid5", 3).problems() == array("raid6", 4).problems() == ()


def test_an_agent_that_is_disabled_has_no_datastore_to_lose() -> None:
    assert said("trident", {"datastorePath": DATASTORE, "disable": True}).problems() == ()
