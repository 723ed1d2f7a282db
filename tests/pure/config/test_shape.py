"""How values may be spelt, and what is said of those that are not: the ten worst of each kind."""

from __future__ import annotations

import pytest

from tests.pure.config.sample import VALID, edited, problems_of
from trident.config.load import load_host_configuration
from trident.config.model import Grow, HostConfiguration, MountPoint, Swap
from trident.config.problems import Severity

G = 1 << 30


def loaded(*edits: tuple[str, str]) -> HostConfiguration:
    return load_host_configuration(edited(*edits), "host.yaml")


def data_partition(size: str) -> tuple[str, str]:
    return "{id: data, size: grow}", f"{{id: data, size: {size}}}"


SIZES = [
    ("grow", Grow.GROW), ("'grow'", Grow.GROW), ("1G", G), ("1024M", G), ("1048576K", G),
    ("1073741824", G), ("'1G'", G), ('" 1 G "', G), ("0x40000000", G), ("0o10000000000", G),
    ("'1073741824'", G), ("04096", 4096), ("'+4096'", 4096), ("1T", 1024 * G), ("4K", 4096),
]  # fmt: skip

NO_SIZES = [
    ("1000", "A partition size must be a multiple of 4096 bytes, and 1000 is not."),
    ("0", "A partition cannot have the size 0."),
    ("-4096", "A size cannot be negative."),
    ("1.5G", "'1.5G' is not a size."),
    ("1GiB", "'1GiB' is not a size."),
    ("1g", "'1g' is not a size."),
    ("1e9", "A size or 'grow' is needed, but '1e9' is neither."),
    (".inf", "A size or 'grow' is needed, but '.inf' is neither."),
    ("true", "A size or 'grow' is needed, but 'true' is neither."),
    ("null", "A size or 'grow' is needed, but 'null' is neither."),
    ("", "A size or 'grow' is needed, but nothing stands here."),
    ("''", "'' is not a size."),
    ("Grow", "'Grow' is not a size."),
    ("[1G]", "Here must stand a size such as 512M, or grow, not a list."),
    ("{a: 1}", "Here must stand a size such as 512M, or grow, not a mapping."),
    ("99999999999T", "This size does not fit into 64 bits."),
    ("9" * 60, "A size or 'grow' is needed, but '" + "9" * 60 + "' is neither."),
    ("1_000_000", "'1_000_000' is not a size."),
    ("٤٠٩٦", "'٤٠٩٦' is not a size."),
]


@pytest.mark.parametrize(("text", "size"), SIZES)
def test_sizes(text: str, size: int | Grow) -> None:
    assert loaded(data_partition(text)).storage.disks[0].partitions[4].size == size


@pytest.mark.parametrize(("text", "message"), NO_SIZES)
def test_what_is_no_size(text: str, message: str) -> None:
    (problem,) = problems_of(edited(data_partition(text)))
    assert (problem.path, problem.message) == ("storage.disks[0].partitions[4].size", message)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("1gb", "Write 1G."),
        ("512 mib", "Write 512M."),
        ("GROW", "Write grow."),
        ("5000", "The next larger one is 8K."),
        ("0", "Write grow for the space that is left."),
        (
            "lots",
            "Write a number, optionally with K, M, G or T (powers of 1024), such as 512M; "
            "or grow, for the space left.",
        ),
    ],
)
def test_a_size_almost_right_gets_the_right_spelling(text: str, suggestion: str) -> None:
    (problem,) = problems_of(edited(data_partition(text)))
    assert problem.suggestion == suggestion


TEXTS = [
    ("host-1", "host-1"), ("123", "123"), ("true", "true"), ("0755", "0755"), ("'null'", "null"),
    ("1.5", "1.5"), ("yes", "yes"), ("!!str 12", "12"), ("null", None), ("~", None), ("", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), TEXTS)
def test_where_text_is_expected_any_scalar_is_its_own_text(text: str, value: str | None) -> None:
    assert loaded(("hostname: host-1", f"hostname: {text}")).os.hostname == value


def test_environment_variables_are_text_whatever_they_look_like() -> None:
    variables = "environmentVariables: {A: 1, B: true, C: , D: ~, 5: x, true: 0x1F}"
    script = loaded(("runOn: [all]", f"runOn: [all], {variables}")).scripts.post_configure[0]
    assert script.environment_variables == {
        "A": "1",
        "B": "true",
        "C": "",
        "D": "~",
        "5": "x",
        "true": "0x1F",
    }


@pytest.mark.parametrize("text", ["", "[]"])
def test_a_list_may_be_empty(text: str) -> None:
    users = VALID[VALID.index("  users:") : VALID.index("  netplan:")]
    assert loaded((users, f"  users: {text}\n")).os.users == ()


@pytest.mark.parametrize("text", ["", "{}"])
def test_an_object_may_be_empty(text: str) -> None:
    scripts = VALID[VALID.index("scripts:") :]
    configuration = loaded((scripts, f"scripts: {text}\ntrident: {text}\n"))
    assert configuration.scripts == type(configuration.scripts)()
    assert configuration.trident == type(configuration.trident)()


NO_LISTS = ["null", "~", "5", "text", "true", "{}", "{a: 1}", "''", "1.5", "2024-01-01"]


@pytest.mark.parametrize("text", NO_LISTS)
def test_what_is_no_list(text: str) -> None:
    users = VALID[VALID.index("  users:") : VALID.index("  netplan:")]
    (problem,) = problems_of(edited((users, f"  users: {text}\n")))
    assert (problem.code, problem.path) == ("wrong-type", "os.users")
    assert problem.message.startswith("Here must stand a list, not ")


NO_OBJECTS = ["null", "~", "5", "text", "true", "[]", "[a]", "''", "-1", "0x1F"]


@pytest.mark.parametrize("text", NO_OBJECTS)
def test_what_is_no_object(text: str) -> None:
    (problem,) = problems_of(edited(("scripts:", f"trident: {text}\nscripts:")))
    assert (problem.code, problem.path) == ("wrong-type", "trident")
    assert problem.message.startswith("Here must stand a mapping, not ")


@pytest.mark.parametrize("text", ["true", "True", "TRUE"])
def test_true(text: str) -> None:
    assert loaded(("scripts:", f"trident: {{disable: {text}}}\nscripts:")).trident.disable is True


NO_BOOLEANS = ["yes", "on", "y", "1", "'true'", "null", "", "tRue", "[]", "{}", "truee"]


@pytest.mark.parametrize("text", NO_BOOLEANS)
def test_what_is_no_boolean(text: str) -> None:
    (problem,) = problems_of(edited(("scripts:", f"trident: {{disable: {text}}}\nscripts:")))
    assert (problem.code, problem.path) == ("wrong-type", "trident.disable")


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [("yes", "Write true."), ("off", "Write false."), ("'true'", "Write true, without quotes.")],
)
def test_a_boolean_of_another_language_gets_the_right_spelling(text: str, suggestion: str) -> None:
    (problem,) = problems_of(edited(("scripts:", f"trident: {{disable: {text}}}\nscripts:")))
    assert problem.suggestion == suggestion


@pytest.mark.parametrize(
    ("text", "uid"),
    [("1000", 1000), ("0x3E8", 1000), ("0o10", 8), ("-1", -1), ("~", None), ("2147483647", 2**31 - 1)],
)
def test_user_ids(text: str, uid: int | None) -> None:
    assert loaded(("name: ada", f"name: ada, uid: {text}")).os.users[0].uid == uid


NO_USER_IDS = ["1.0", "1e3", "'1000'", "abc", "1_000", "010", "2147483648", "9" * 400, "true", "[]", "{}"]


@pytest.mark.parametrize("text", NO_USER_IDS)
def test_what_is_no_user_id(text: str) -> None:
    (problem,) = problems_of(edited(("name: ada", f"name: ada, uid: {text}")))
    assert problem.path == "os.users[0].uid"


MOUNT_POINTS = [
    ("/data", MountPoint(path="/data")),
    ("'/data'", MountPoint(path="/data")),
    ("/data/", MountPoint(path="/data")),
    ("//data/./x//", MountPoint(path="/data/x")),
    ("{path: /data}", MountPoint(path="/data")),
    ("{path: /data, options: ''}", MountPoint(path="/data", options="")),
    ("{path: /data, options: 5}", MountPoint(path="/data", options="5")),
    ("~", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "mount_point"), MOUNT_POINTS)
def test_mount_points(text: str, mount_point: MountPoint | None) -> None:
    configuration = loaded(("{path: /data, options: noatime}", text))
    assert configuration.storage.filesystems[3].mount_point == mount_point


@pytest.mark.parametrize(
    "text", ["5", "true", "1.5", "0x1F", "[/data]", "[]", "{}", "{pth: /data}", "{path: [a]}"]
)
def test_what_is_no_mount_point(text: str) -> None:
    problems = problems_of(edited(("{path: /data, options: noatime}", text)))
    assert problems
    assert all(problem.path.startswith("storage.filesystems[3].mountPoint") for problem in problems)


@pytest.mark.parametrize("text", ["data", "{deviceId: data}", "'data'"])
def test_the_id_of_its_device_alone_is_a_swap_area(text: str) -> None:
    swap = "{id: data, size: 1G, type: swap}"
    assert loaded(
        ("storage:\n", f"storage:\n  swap: [{text}]\n"),
        ("{id: data, size: grow}", swap),
        (
            "    - {deviceId: data, source: new, type: ext4, mountPoint: {path: /data, options: noatime}}\n",
            "",
        ),
    ).storage.swap == (Swap(device_id="data"),)


@pytest.mark.parametrize("text", ["5", "true", "[data]", "{}", "{device_id: data}", "{deviceId: [data]}"])
def test_what_is_no_swap_area(text: str) -> None:
    problems = problems_of(edited(("storage:\n", f"storage:\n  swap: [{text}]\n")))
    assert problems
    assert all(problem.path.startswith("storage.swap[0]") for problem in problems)


HASH = "ec9a9aa23f02b30f4ec6a168b9bc24733b652eeab4f8abc243630666a5e34cea1667c34313a13ec1564ac4871b80112f"


@pytest.mark.parametrize("text", [HASH, HASH.upper(), f"'{HASH}'"])
def test_a_checksum_is_96_hexadecimal_digits(text: str) -> None:
    image = loaded(("sha384: ignored", f"sha384: {text}")).image
    assert image is not None
    assert image.sha384 == HASH


NO_CHECKSUMS = [
    (HASH[:-1], "A SHA-384 has 96 hexadecimal digits, and this has 95."),
    (HASH + "0", "A SHA-384 has 96 hexadecimal digits, and this has 97."),
    ("g" + HASH[1:], f"'g{HASH[1:57]}...' is neither 96 hexadecimal digits nor 'ignored'."),
    ("sha384:" + HASH, "The digits stand here without 'sha384:' before them."),
    ("Ignored", "'Ignored' is neither 96 hexadecimal digits nor 'ignored'."),
    ("null", "Text is needed, but 'null' is not text here."),
    ("", "Text is needed, but nothing stands here."),
    ("''", "'' is neither 96 hexadecimal digits nor 'ignored'."),
    ("1" * 96, f"Text is needed, but '{'1' * 57}...' is not text here."),
    ("[]", "Here must stand 96 hexadecimal digits, or ignored, not a list."),
]


@pytest.mark.parametrize(("text", "message"), NO_CHECKSUMS)
def test_what_is_no_checksum(text: str, message: str) -> None:
    (problem,) = problems_of(edited(("sha384: ignored", f"sha384: {text}")))
    assert (problem.path, problem.message) == ("image.sha384", message)


def test_96_decimal_digits_need_quotes_as_they_do_upstream() -> None:
    image = loaded(("sha384: ignored", f"sha384: '{'1' * 96}'")).image
    assert image is not None
    assert image.sha384 == "1" * 96


URLS = [
    "http://h/x", "https://h:8443/x?y=z", "file:///srv/x.cosi", "oci://registry/x:tag", "HTTP://h/x", "http://[::1]/x",
    "http://user:pw@h/x",
]  # fmt: skip


@pytest.mark.parametrize("text", URLS)
def test_image_urls(text: str) -> None:
    assert problems_of(edited(("http://127.0.0.1/v1.cosi", f'"{text}"'))) == ()


NO_URLS = [
    "/srv/x.cosi",
    "x.cosi",
    "",
    "http://",
    "http://?x",
    "http://h:port/",
    "http://h:65536/",
    "http://[::1/",
    "http://300.1.1.1/",
    "http://a b/",
    "://h",
    "oci://h h/",
    "5",
]


@pytest.mark.parametrize("text", NO_URLS)
def test_what_is_no_image_url(text: str) -> None:
    (problem,) = problems_of(edited(("http://127.0.0.1/v1.cosi", f'"{text}"')))
    assert (problem.code, problem.path) == ("invalid-value", "image.url")


UUIDS = [
    "6a0f1d9c-0b7e-4c5d-9c1a-2f3e4d5c6b7a",
    "6A0F1D9C-0B7E-4C5D-9C1A-2F3E4D5C6B7A",
    "6a0f1d9c0b7e4c5d9c1a2f3e4d5c6b7a",
    "'{6a0f1d9c-0b7e-4c5d-9c1a-2f3e4d5c6b7a}'",
    "urn:uuid:6a0f1d9c-0b7e-4c5d-9c1a-2f3e4d5c6b7a",
]


@pytest.mark.parametrize("text", UUIDS)
def test_uuids(text: str) -> None:
    partitions = loaded(("size: grow", f"size: grow, uuid: {text}")).storage.disks[0].partitions
    assert partitions[4].uuid == UUIDS[0]


NO_UUIDS = [
    "x",
    "''",
    "5",
    "6a0f1d9c",
    UUIDS[0] + "0",
    "6a0f-1d9c" * 4,
    "g" * 32,
    "urn:" + UUIDS[0],
    "[]",
    "{}",
]


@pytest.mark.parametrize("text", NO_UUIDS)
def test_what_is_no_uuid(text: str) -> None:
    problems = problems_of(edited(("size: grow", f"size: grow, uuid: {text}")))
    assert [problem.path for problem in problems] == ["storage.disks[0].partitions[4].uuid"]


UNUSABLE_URLS = {
    "ftp://h/x": "Nothing can be fetched from 'ftp:'.",
    "javascript:1": "Nothing can be fetched from 'javascript:'.",
    "http:h": "'http:h' names no host.",
    "file:/x": "'file:/x' names no host.",
    "oci:///x": "'oci:///x' names no host.",
    "http://h/a b": "A URL cannot hold spaces or control characters.",
}


@pytest.mark.parametrize("text", UNUSABLE_URLS)
def test_a_url_that_names_no_image_is_warned_of(text: str) -> None:
    (problem,) = problems_of(edited(("http://127.0.0.1/v1.cosi", f'"{text}"')))
    assert (problem.code, problem.path, problem.message, problem.severity) == (
        "unusable-image-url", "image.url", UNUSABLE_URLS[text], Severity.WARNING,
    )  # fmt: skip


NO_IDS = ["[]", "{}", "[data]"]


@pytest.mark.parametrize("text", NO_IDS)
def test_what_is_no_id(text: str) -> None:
    (problem,) = problems_of(edited(("{id: data,", f"{{id: {text},")))
    assert problem.path == "storage.disks[0].partitions[4].id"


@pytest.mark.parametrize("text", ["", "''", '"a\\nb"', '"a\\0b"', '"\\e[31m"', '"\\u200b"', '"\\t"'])
def test_an_id_that_cannot_be_printed_is_warned_of(text: str) -> None:
    edits = ("{id: data,", f"{{id: {text},"), ("{deviceId: data,", f"{{deviceId: {text},")
    (problem,) = [p for p in problems_of(edited(*edits)) if p.severity is Severity.WARNING]
    assert (problem.code, problem.path) == ("odd-device-id", "storage.disks[0].partitions[4].id")


@pytest.mark.parametrize("text", ["data-1", "data/1", "d ä t a", "5", "'*'", "../x", "true"])
def test_ids_may_look_odd(text: str) -> None:
    edits = ("{id: data,", f"{{id: {text},"), ("{deviceId: data,", f"{{deviceId: {text},")
    assert problems_of(edited(*edits)) == ()


ENUMERATIONS = [
    ("partitionTableType: gpt", "partitionTableType: mbr", "Here must stand 'gpt', not 'mbr'.", None),
    ("type: esp", "type: efi", None, "Did you mean 'esp'?"),
    ("{id: data, size", "{id: data, type: linux, size", None, "Did you mean 'linux-generic'?"),
    ("type: ext4", "type: btrfs", None, None),
    ("sshMode: key-only", "sshMode: keys", None, "Did you mean 'key-only'?"),
    ("sshMode: key-only", "sshMode: keyOnly", None, "Did you mean 'key-only'?"),
    ("sshMode: key-only", "sshMode: Key-Only", None, "Did you mean 'key-only'?"),
    ("runOn: [all]", "runOn: [ab_update]", None, "Did you mean 'ab-update'?"),
    ("runOn: [all]", "runOn: [ALL]", None, "Did you mean 'all'?"),
    (
        "type: ext4",
        "type: ext3",
        "Here must stand 'ext4', 'xfs', 'vfat', 'ntfs', 'tmpfs' or 'auto', not 'ext3'.",
        "Did you mean 'ext4'?",
    ),
    ("hostname: host-1", "uefiFallback: true", None, None),
    ("hostname: host-1", "uefiFallback: null", None, None),
    ("hostname: host-1", "uefiFallback: [disabled]", None, None),
]


@pytest.mark.parametrize(("old", "new", "message", "suggestion"), ENUMERATIONS)
def test_a_value_that_is_not_one_of_those_listed(
    old: str, new: str, message: str | None, suggestion: str | None
) -> None:
    (problem,) = problems_of(edited((old, new)))
    assert message is None or problem.message == message
    assert problem.suggestion == suggestion


A_PARTITION = "storage.disks[].partitions[]"
INSTEAD_OF_OPERATIONS = "Remove it, and use the option --allowed-operations of install and update."
UNKNOWN = [
    ("mountPoint: /}", "mountpoint: /}", "Did you mean 'mountPoint'?"),
    ("mountPoint: /}", "mount_point: /}", "Did you mean 'mountPoint'?"),
    ("mountPoint: /}", "mount: /}", "Did you mean 'mountPoint'?"),
    ("hostname: host-1", "hostName: host-1", "Did you mean 'hostname'?"),
    ("    - id: os\n", "    - id: os\n      size: 8\n", f"'size' is a field of '{A_PARTITION}'."),
    ("os:\n  hostname: host-1\n", "hostname: host-1\nos:\n", "'hostname' is a field of 'os'."),
    ("os:\n  hostname: host-1\n", "os:\n  image: x\n", "'image' belongs at the top of the file."),
    ("image:", "allowedOperations: []\nimage:", INSTEAD_OF_OPERATIONS),
    ("image:", "hostConfiguration: {}\nimage:", "Remove this line and indent what follows one level less."),
    ("scripts:", "scripts:\n  zzz: 1",
     "Its fields are: preServicing, postProvision, postConfigure, preReboot."),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "suggestion"), UNKNOWN)
def test_an_unknown_field_is_an_error_with_what_was_meant(old: str, new: str, suggestion: str) -> None:
    problems = [p for p in problems_of(edited((old, new))) if p.code == "unknown-field"]
    assert [problem.suggestion for problem in problems] == [suggestion]


def test_what_is_missing_is_told_at_the_object_that_lacks_it() -> None:
    problems = problems_of(edited(("{id: data, size: grow}", "{}"), ("/dev/vda", "null")))
    assert [(p.line, p.path, p.message) for p in problems] == [
        (12, "storage.disks[0].partitions[4]", "A partition needs 'id'."),
        (12, "storage.disks[0].partitions[4]", "A partition needs 'size'."),
    ]


@pytest.mark.parametrize(
    "text", ["text", "[]", "- a\n", "5", "null", "true", "'x'", "[[[]]]", "! x", "|\n  x\n"]
)
def test_a_document_that_is_no_mapping(text: str) -> None:
    (problem,) = problems_of(text)
    assert (problem.code, problem.path) == ("wrong-type", "")


def test_an_explicit_null_password_is_refused_as_upstream_refuses_it() -> None:
    assert [p.path for p in problems_of(edited(("name: ada", "name: ada, password: ~")))] == [
        "os.users[0].password"
    ]
    assert problems_of(edited(("name: ada", "name: ada, password: {type: locked}"))) == ()
