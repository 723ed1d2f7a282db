"""Every rule: how a configuration breaks it, and what is said where."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.pure.config.sample import VALID, edited, problems_of
from tests.pure.config.test_rules_names import CASES as NAME_CASES
from tests.pure.config.test_rules_storage import CASES as STORAGE_CASES
from trident.config.rules import all_rules
from trident.config.rules.rule import Rule


class Case(NamedTuple):
    """Edits that break one rule, and the one problem that they make."""

    code: str
    edits: tuple[tuple[str, str], ...]
    path: str
    message: str


def case(code: str, path: str, message: str, *edits: tuple[str, str]) -> Case:
    return Case(code, edits, path, message)


FILESYSTEMS = "storage.filesystems"
PARTITIONS = "storage.disks[0].partitions"
PAIRS = "storage.abUpdate.volumePairs"
SHARED = "mountPoint: /var/lib/trident"
DATA_LINE = VALID[VALID.index("    - {deviceId: data") : VALID.index("os:\n")]
OTHER_DISK = "{id: other, device: /dev/vda, partitionTableType: gpt, partitions: []}"
LONG = "a-name-of-more-than-thirty-six-letters"

CASES = [
    # block devices
    case(
        "duplicate-device-id",
        f"{PARTITIONS}[4].id",
        f"The id 'state' already belongs to a partition ({PARTITIONS}[3]).",
        ("{id: data,", "{id: state,"),
        (DATA_LINE, ""),
    ),
    case(
        "duplicate-device-id",
        f"{PARTITIONS}[4].id",
        "The id 'os' already belongs to a disk (storage.disks[0]).",
        ("{id: data,", "{id: os,"),
        (
            "    - {deviceId: data, source: new, type: ext4, mountPoint: {path: /data, options: noatime}}\n",
            "",
        ),
    ),
    case(
        "duplicate-device-id",
        f"{PAIRS}[0].id",
        "The id 'os' already belongs to a disk (storage.disks[0]).",
        ("{id: root,", "{id: os,"),
        ("{deviceId: root,", "{deviceId: data,"),
        (DATA_LINE, ""),
    ),
    case(
        "disk-path-not-absolute",
        "storage.disks[0].device",
        "The device of disk 'os' must be an absolute path.",
        ("/dev/vda", "disk/by-id/x"),
    ),
    case(
        "unique-field-constraint-error",
        "storage.disks[1].device",
        "The disks 'os' and 'other' have the same device.",
        (
            "  abUpdate:",
            "    - {id: other, device: /dev/vda, partitionTableType: gpt, partitions: []}\n  abUpdate:",
        ),
    ),
    case(
        "unique-field-constraint-error",
        f"{PARTITIONS}[4].uuid",
        "The partitions 'state' and 'data' have the same uuid.",
        ("size: 128M", "size: 128M, uuid: 6A0F1D9C-0B7E-4C5D-9C1A-2F3E4D5C6B7A"),
        ("size: grow", "size: grow, uuid: 6a0f1d9c0b7e4c5d9c1a2f3e4d5c6b7a"),
    ),
    case(
        "non-existent-reference",
        f"{FILESYSTEMS}[3].deviceId",
        "There is no block device 'date'.",
        ("{deviceId: data,", "{deviceId: date,"),
    ),
    case(
        "non-existent-reference",
        f"{PAIRS}[0].volumeBId",
        "There is no block device 'root-c'.",
        ("volumeBId: root-b", "volumeBId: root-c"),
    ),
    case(
        "invalid-reference-kind",
        f"{FILESYSTEMS}[3].deviceId",
        "The file system at '/data' needs a partition, a RAID array, an A/B volume pair or an "
        "encrypted volume, but 'os' is a disk.",
        ("{deviceId: data,", "{deviceId: os,"),
    ),
    case(
        "duplicate-target-id",
        f"{PAIRS}[0].volumeBId",
        "The A/B volume pair 'root' names 'root-a' twice, but its devices must differ.",
        ("volumeBId: root-b", "volumeBId: root-a"),
    ),
    case(
        "referrer-forbidden-sharing",
        f"{FILESYSTEMS}[3].deviceId",
        "The file system at '/data' uses 'state', which the file system at '/var/lib/trident' uses already.",
        ("{deviceId: data,", "{deviceId: state,"),
    ),
    case(
        "partition-size-not-fixed",
        f"{PARTITIONS}[2].size",
        "The A/B volume pair 'root' consists of 'root-b', so that needs a fixed size.",
        ("{id: root-b, type: root, size: 2G}", "{id: root-b, type: root, size: grow}"),
        ("{id: data, size: grow}", "{id: data, size: 1G}"),
    ),
    case(
        "partition-size-mismatch",
        f"{PAIRS}[0]",
        "The A/B volume pair 'root' needs partitions of one size, but 'root-a' has 2G, 'root-b' has 3000M.",
        ("{id: root-b, type: root, size: 2G}", "{id: root-b, type: root, size: 3000M}"),
    ),
    case(
        "partition-label-too-long",
        f"{PARTITIONS}[3].label",
        "The label of a partition can have 36 characters, and this has 38.",
        ("size: 128M", f"size: 128M, label: {LONG}"),
    ),
    case(
        "partition-label-too-long",
        f"{PARTITIONS}[3].id",
        "The label of a partition (its id, as it has none of its own) can have 36 characters, "
        "and this has 38.",
        ("{id: state,", f"{{id: {LONG},"),
        ("{deviceId: state,", f"{{deviceId: {LONG},"),
    ),
    # file systems
    case(
        "storage-missing",
        "storage",
        "There is no storage section, so nothing says where '/' and the agent's state are.",
        (VALID[VALID.index("storage:") : VALID.index("os:\n")], ""),
    ),
    case(
        "filesystem-type-with-image",
        f"{FILESYSTEMS}[1].type",
        "The file system at '/' comes from the image, which brings its own type.",
        ("mountPoint: /}", "mountPoint: /, type: ext4}"),
    ),
    case(
        "filesystem-esp-without-mount-point",
        f"{FILESYSTEMS}[3].overrideEspMount",
        "A file system can only be the ESP if it has a mount point.",
        ("type: ext4, mountPoint: {path: /data, options: noatime}", "overrideEspMount: override"),
    ),
    case(
        "filesystem-missing-block-device-id",
        f"{FILESYSTEMS}[3]",
        "The file system at '/data' needs a block device.",
        ("{deviceId: data, source", "{source"),
    ),
    case(
        "filesystem-missing-block-device-id",
        f"{FILESYSTEMS}[3]",
        "This file system needs a block device.",
        (
            "{deviceId: data, source: new, type: ext4, mountPoint: {path: /data, options: noatime}}",
            "{source: image}",
        ),
    ),
    case(
        "mount-point-path-not-absolute",
        f"{FILESYSTEMS}[3].mountPoint.path",
        "The mount path 'data' is not absolute.",
        ("path: /data", "path: data"),
    ),
    case(
        "mount-point-path-climbs",
        f"{FILESYSTEMS}[3].mountPoint.path",
        "The mount path '/data/../srv' contains '..'.",
        ("path: /data", "path: /data/../srv"),
    ),
    case(
        "duplicate-mount-point",
        f"{FILESYSTEMS}[3].mountPoint.path",
        "Two file systems are mounted at '/var/lib/trident'.",
        ("path: /data", "path: /var//lib/./trident/"),
    ),
    case(
        "filesystem-esp-multiple",
        f"{FILESYSTEMS}[3]",
        "The file system at '/efi' is the ESP, but the file system at '/boot/efi' is too.",
        ("{id: data, size: grow}", "{id: data, size: grow, type: esp}"),
        (
            "source: new, type: ext4, mountPoint: {path: /data,",
            "overrideEspMount: override, mountPoint: {path: /efi,",
        ),
    ),
    case(
        "esp-mount-point-not-found",
        FILESYSTEMS,
        "No file system is the ESP: none is mounted at '/boot/efi'.",
        ("mountPoint: /boot/efi}", "mountPoint: /efi}"),
    ),
    case(
        "esp-mount-point-not-found",
        FILESYSTEMS,
        "No file system is the ESP: none is mounted at '/boot/efi'.",
        ("mountPoint: /boot/efi}", "mountPoint: /boot/efi, overrideEspMount: block}"),
    ),
    case(
        "expected-mount-point-not-found",
        FILESYSTEMS,
        "No file system is mounted at '/'.",
        ("    - {deviceId: root, mountPoint: /}\n", ""),
    ),
    case(
        "mount-point-not-backed-by-image",
        f"{FILESYSTEMS}[1].source",
        "The file system at '/' must come from the image.",
        ("{deviceId: root,", "{deviceId: root, source: new,"),
    ),
    case(
        "mount-point-not-backed-by-image",
        f"{FILESYSTEMS}[0].source",
        "The file system at '/boot/efi' must come from the image.",
        ("{deviceId: esp,", "{deviceId: esp, source: new, type: vfat,"),
    ),
    case(
        "var-tmp-on-read-only-volume",
        f"{FILESYSTEMS}[1].mountPoint.options",
        "'/var/tmp' must be writable, but '/' is mounted with 'ro'.",
        ("mountPoint: /}", "mountPoint: {path: /, options: 'noatime,ro'}}"),
    ),
    case(
        "partition-type-mismatch",
        f"{PAIRS}[0]",
        "The A/B volume pair 'root' needs partitions of one type, "
        "but 'root-a' is 'root', 'root-b' is 'linux-generic'.",
        ("{id: root-b, type: root, size: 2G}", "{id: root-b, size: 2G}"),
    ),
    case(
        "invalid-partition-type",
        f"{FILESYSTEMS}[0].deviceId",
        "The file system at '/boot/efi' cannot be on 'esp', a partition of type 'linux-generic'.",
        ("{id: esp, type: esp, ", "{id: esp, "),
    ),
    case(
        "unusual-mount-path",
        f"{FILESYSTEMS}[3].mountPoint.path",
        "'/data' is unusual for a partition of type 'home'.",
        ("{id: data, size: grow}", "{id: data, size: grow, type: home}"),
    ),
    # the agent and the image
    case(
        "datastore-path-invalid-extension",
        "trident.datastorePath",
        "The datastore path must end in '.sqlite', and '/var/lib/trident/state.db' does not.",
        ("scripts:", "trident: {datastorePath: /var/lib/trident/state.db}\nscripts:"),
    ),
    case(
        "datastore-path-not-in-known-volume",
        "trident.datastorePath",
        "The datastore path 'state.sqlite' is not absolute.",
        ("scripts:", "trident: {datastorePath: state.sqlite}\nscripts:"),
    ),
    case(
        "datastore-path-not-in-known-volume",
        "trident.datastorePath",
        "The datastore '/tmp/x.sqlite' would be in memory, and lost at a reboot.",
        ("scripts:", "trident: {datastorePath: /tmp/x.sqlite}\nscripts:"),
        ("  filesystems:\n", "  filesystems:\n    - {source: new, type: tmpfs, mountPoint: /tmp}\n"),
    ),
    case(
        "datastore-path-in-ab-update-volume",
        f"{FILESYSTEMS}[1].deviceId",
        "The datastore '/var/lib/trident/datastore.sqlite' is on the A/B volume pair 'root', mounted at '/': "
        "the next update would lose it.",
        ("mountPoint: /var/lib/trident", "mountPoint: /var/lib/tridents"),
    ),
    case(
        "datastore-path-on-read-only-volume",
        f"{FILESYSTEMS}[2].mountPoint.options",
        "The datastore '/var/lib/trident/datastore.sqlite' must be writable, "
        "but '/var/lib/trident' is mounted 'ro'.",
        ("mountPoint: /var/lib/trident", "mountPoint: {path: /var/lib/trident, options: ro}"),
    ),
    case(
        "missing-os-image",
        "image",
        "File systems come from the image, but no image is named.",
        ("image: {url: http://127.0.0.1/v1.cosi, sha384: ignored}\n", ""),
    ),
    # the target OS
    case(
        "duplicate-usernames",
        "os.users[1].name",
        "There are two users named 'ada'.",
        ("  netplan:", "    - name: ada\n  netplan:"),
    ),
    case(
        "invalid-username",
        "os.users[0].name",
        "A user name cannot contain ':'.",
        ("name: ada", 'name: "a:b"'),
    ),
    case(
        "ssh-keys-without-ssh-mode",
        "os.users[0].sshPublicKeys",
        "User 'ada' has ssh keys, but 'sshMode' is 'block', so they cannot be used.",
        ("sshMode: key-only", "sshMode: block"),
    ),
    case(
        "additional-file-both-content-and-source",
        "os.additionalFiles[0]",
        "The additional file '/etc/motd' has both 'content' and 'source'.",
        ("content: hello", "content: hello, source: /etc/motd"),
    ),
    case(
        "additional-file-no-content-or-source",
        "os.additionalFiles[0]",
        "The additional file '/etc/motd' has neither 'content' nor 'source'.",
        ("content: hello, ", ""),
    ),
    case(
        "additional-file-invalid-permissions",
        "os.additionalFiles[0].permissions",
        "'644' is not a permission: it starts with 0, is octal and at most 0777.",
        ('"0644"', "644"),
    ),
    case(
        "additional-file-destination-climbs",
        "os.additionalFiles[0].destination",
        "'/etc/../../motd' does not name a file inside the target OS.",
        ("/etc/motd", "/etc/../../motd"),
    ),
    case(
        "invalid-hostname",
        "os.hostname",
        "'host 1' is not a host name: it has letters, digits and '-', with '.' between its parts.",
        ("host-1", "host 1"),
    ),
    case(
        "invalid-netplan-version",
        "os.netplan.version",
        "The netplan version must be 2.",
        ("version: 2", "version: 1"),
    ),
    case(
        "invalid-netplan-version",
        "managementOs.netplan.version",
        "The netplan version must be 2.",
        ("scripts:", "managementOs: {netplan: {version: 3}}\nscripts:"),
    ),
    case(
        "unsupported-netplan-renderer",
        "os.netplan.renderer",
        "The netplan renderer 'NetworkManager' is not supported.",
        ("version: 2,", "version: 2, renderer: NetworkManager,"),
    ),
    case(
        "invalid-interface-name",
        "os.netplan.ethernets.en*",
        "'en*' cannot be the id of an interface: no spaces, no '*', '?', '[' or ']'.",
        ("{lan:", "{en*:"),
    ),
    # scripts
    case(
        "script-content-or-path",
        "scripts.postConfigure[0]",
        "The script 'tidy' has both 'content' and 'path'.",
        ('content: "true"', 'content: "true", path: /bin/true'),
    ),
    case(
        "script-content-or-path",
        "scripts.postConfigure[0]",
        "Script 1 of 'postConfigure' has neither 'content' nor 'path'.",
        ('name: tidy, content: "true", ', ""),
    ),
    case(
        "script-path-not-absolute",
        "scripts.postConfigure[0].path",
        "The path of a script is absolute, and 'bin/tidy' is not.",
        ('content: "true"', "path: bin/tidy"),
    ),
    case(
        "script-never-runs",
        "scripts.postConfigure[0]",
        "The script 'tidy' never runs, because its 'runOn' names no servicing type.",
        (", runOn: [all]", ""),
    ),
    case(
        "script-without-time",
        "scripts.postConfigure[0].timeoutSeconds",
        "The script 'tidy' has no time to run: its 'timeoutSeconds' is 0.",
        ("runOn: [all]", "runOn: [all], timeoutSeconds: 0"),
    ),
    # health
    case(
        "health-check-waits-for-itself",
        "health.checks[0].systemdServices[1]",
        "'multi-user.target' is active only after the health checks, so this one fails after each boot.",
        (
            "scripts:",
            "health:\n  checks:\n    - {runOn: [all], systemdServices: [a.service, multi-user.target]}\n"
            "    - {runOn: [runtime-update], systemdServices: [multi-user.target]}\nscripts:",
        ),
    ),
    case(
        "health-check-settles-too-long",
        "health.checks[1].settleSeconds",
        "Services cannot be watched for 18446744073709551615 seconds: a day (86400) is the most.",
        (
            "scripts:",
            "health:\n  checks:\n    - {runOn: [all], systemdServices: [a.service], settleSeconds: 86400}\n"
            "    - {runOn: [all], systemdServices: [a], settleSeconds: 18446744073709551615}\nscripts:",
        ),
    ),
    case(
        "health-check-takes-too-long",
        "health.checks[1].timeoutSeconds",
        "For up to 86401 seconds, more than a day, an ill host neither goes back nor can be serviced.",
        (
            "scripts:",
            "health:\n  checks:\n    - {runOn: [all], content: 'true', timeoutSeconds: 86400}\n"
            "    - {runOn: [all], systemdServices: [a], timeoutSeconds: 86401}\nscripts:",
        ),
    ),
]


def test_the_sample_breaks_no_rule() -> None:
    assert problems_of(VALID) == ()


@pytest.mark.parametrize("broken", CASES, ids=lambda broken: f"{broken.code}:{broken.path}")
def test_breaking_a_rule_is_told_once_where_it_is_broken(broken: Case) -> None:
    found = [(p.code, p.path, p.message) for p in problems_of(edited(*broken.edits))]
    assert found == [(broken.code, broken.path, broken.message)]


def test_every_rule_has_a_case() -> None:
    assert {rule.code for rule in all_rules()} == {
        broken.code for cases in (CASES, STORAGE_CASES, NAME_CASES) for broken in cases
    }


def test_rules_have_codes_of_their_own() -> None:
    codes = [rule.code for rule in all_rules()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_a_rule_is_one_sentence_with_its_source(rule: Rule) -> None:
    assert rule.sentence.endswith(".")
    assert rule.source


BAD_USER_NAMES = [
    "",
    ".",
    "..",
    "-a",
    "+a",
    "~a",
    "a b",
    "a,b",
    "a/b",
    "a\\tb",
    "a" * 33,
    "ü" * 17,
    "a\\u0007",
]
GOOD_USER_NAMES = ["a", "a.b", "_x", "A", "a-b_c", "user1", "a" * 32, "ü"]


@pytest.mark.parametrize("name", BAD_USER_NAMES)
def test_user_names_that_useradd_refuses(name: str) -> None:
    assert [p.code for p in problems_of(edited(("name: ada", f'name: "{name}"')))] == ["invalid-username"]


@pytest.mark.parametrize("name", GOOD_USER_NAMES)
def test_user_names_that_useradd_takes(name: str) -> None:
    assert problems_of(edited(("name: ada", f'name: "{name}"'))) == ()


@pytest.mark.parametrize("text", ["0", "00", "0644", "0777", "00755", "0000", "'0600'", "0o17"])
def test_permissions_as_upstream_takes_them(text: str) -> None:
    expected = ["additional-file-invalid-permissions"] if text == "0o17" else []
    assert [p.code for p in problems_of(edited(('"0644"', text)))] == expected


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("644", "Write '0644'."),
        ("0o600", "Write '0600'."),
        ("420", "It is octal: write '0644' if 420 is meant as decimal, else '0420'."),
        ("493", "Write '0755', which is 493 in octal."),
        ("444", "It is octal: write '0674' if 444 is meant as decimal, else '0444'."),
        ("1000", "Write it in octal, such as '0644'."),
        ("rw-r--r--", "Write it in octal, such as '0644'."),
    ],
)
def test_permissions_are_guessed_only_where_they_make_sense(text: str, suggestion: str) -> None:
    (problem,) = problems_of(edited(('"0644"', text)))
    assert problem.suggestion == suggestion


@pytest.mark.parametrize(
    "text", ["644", "1000", "01000", "0888", "rw-r--r--", "''", "-0644", "+0644", "0x1a4", "6_4"]
)
def test_permissions_as_upstream_refuses_them(text: str) -> None:
    assert [p.code for p in problems_of(edited(('"0644"', text)))] == ["additional-file-invalid-permissions"]


@pytest.mark.parametrize("name", ["a", "a.b.c", "A-1", "0", "x" * 64, "h_1"])
def test_good_host_names(name: str) -> None:
    assert problems_of(edited(("host-1", f"'{name}'"))) == ()


@pytest.mark.parametrize("name", ["", "-a", "a-", "a..b", ".a", "a.", "a b", "ä", "a/b", "x" * 65])
def test_bad_host_names(name: str) -> None:
    assert [p.code for p in problems_of(edited(("host-1", f"'{name}'")))] == ["invalid-hostname"]


@pytest.mark.parametrize("version", ["0", "1", "3", "20", "255", "0x3", "0b1"])
def test_netplan_versions_that_are_not_two(version: str) -> None:
    codes = [p.code for p in problems_of(edited(("version: 2", f"version: {version}")))]
    assert codes == ["invalid-netplan-version"]


def test_an_agent_that_is_disabled_needs_no_datastore() -> None:
    without_shared = (SHARED, "mountPoint: /elsewhere")
    assert problems_of(edited(without_shared, ("scripts:", "trident: {disable: true}\nscripts:"))) == ()


def test_a_plain_host_without_a_and_b_keeps_its_datastore_on_the_root() -> None:
    text = edited(
        ("  abUpdate:\n    volumePairs:\n      - {id: root, volumeAId: root-a, volumeBId: root-b}\n", ""),
        ("{deviceId: root,", "{deviceId: root-a,"),
        ("    - {deviceId: state, source: new, mountPoint: /var/lib/trident}\n", ""),
    )
    assert problems_of(text) == ()


def test_the_esp_can_be_somewhere_else() -> None:
    assert (
        problems_of(edited(("mountPoint: /boot/efi}", "mountPoint: /efi, overrideEspMount: override}"))) == ()
    )


def test_what_is_wrong_with_a_file_system_of_an_unknown_device_is_said_once() -> None:
    text = edited(("{deviceId: esp, mountPoint", "{deviceId: es, mountPoint"))
    (problem,) = problems_of(text)
    assert (problem.code, problem.suggestion) == ("non-existent-reference", "Did you mean 'esp'?")
