"""What is written and what is read: YAML's ways to spell a value, for each kind of field."""

from __future__ import annotations

import pytest

from tests.pure.config.sample import VALID, edited
from trident.config.load import judge_host_configuration
from trident.config.model import HostConfiguration
from trident.config.problems import Severity

Place = tuple[tuple[str, str], str]
"""How the sample changes (``%s`` is what is written), and where the value is read."""

OPTIONAL_TEXT: Place = (("id: data, size: grow}", "id: data, size: grow, label: %s }"), "label")
TEXT: Place = (("- {name: tidy,", "- {environmentVariables: {A: %s }, name: tidy,"), "variable")
BOOLEAN: Place = (("os:\n", "trident: {disable: %s }\nos:\n"), "disable")
NUMBER: Place = (("{name: ada,", "{uid: %s, name: ada,"), "uid")
OPTIONAL_ENUM: Place = (("  hostname: host-1", "  selinux: {mode: %s }"), "mode")
ENUM: Place = (("  hostname: host-1", "  uefiFallback: %s"), "fallback")
LIST: Place = (("- {name: tidy,", "- {arguments: %s, name: tidy,"), "arguments")
MAPPING: Place = (("- {name: tidy,", "- {environmentVariables: %s, name: tidy,"), "variables")
OBJECT: Place = (("  hostname: host-1", "  services: %s"), "services")
STRICT_TEXT: Place = (('content: "true"', "content: %s"), "content")
SIZE: Place = (("size: 128M", "size: %s"), "size")
PARTITION_TYPE: Place = (("{id: state,", "{type: %s, id: state,"), "type")
SHA384: Place = (("sha384: ignored", "sha384: %s"), "sha384")
MOUNT_POINT: Place = (("{path: /data, options: noatime}", "%s"), "mount")
UUID = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"


def found(configuration: HostConfiguration, name: str) -> object:
    script = configuration.scripts.post_configure[0]
    partitions = configuration.storage.disks[0].partitions
    mount_point = configuration.storage.filesystems[3].mount_point
    image = configuration.image
    assert mount_point is not None
    assert image is not None
    return {
        "label": partitions[4].label,
        "variable": script.environment_variables.get("A"),
        "disable": configuration.trident.disable,
        "uid": configuration.os.users[0].uid,
        "mode": configuration.os.selinux.mode,
        "fallback": configuration.os.uefi_fallback,
        "arguments": script.arguments,
        "variables": script.environment_variables,
        "services": configuration.os.services.to_document(),
        "content": script.content,
        "size": partitions[3].size,
        "type": partitions[3].type,
        "sha384": image.sha384,
        "mount": (mount_point.path, mount_point.options),
    }[name]


READ: list[tuple[Place, str, object]] = [
    (TEXT, "12", "12"),
    (TEXT, "true", "true"),
    (TEXT, "null", "null"),
    (TEXT, "~", "~"),
    (TEXT, "", ""),
    (TEXT, "0755", "0755"),
    (TEXT, "yes", "yes"),
    (TEXT, "1.50", "1.50"),
    (TEXT, "2024-01-31", "2024-01-31"),
    (TEXT, "12:30", "12:30"),
    (TEXT, "'it''s'", "it's"),
    (TEXT, '"a\\tb\\u00e9\\x41"', "a\tb\u00e9A"),
    (TEXT, '"\\U0001F600"', "\U0001f600"),
    (TEXT, "http://x/#y", "http://x/#y"),
    (TEXT, "!!str 12", "12"),
    (TEXT, "!!int 12", "12"),
    (TEXT, "!!int abc", "abc"),
    (TEXT, "!x abc", "abc"),
    (TEXT, "!!binary aGk=", "aGk="),
    (TEXT, "! 12", "12"),
    (TEXT, "!!null null", "null"),
    (TEXT, "=", "="),
    (TEXT, "<<", "<<"),
    (TEXT, "&a b", "b"),
    (TEXT, "a\n       b", "a b"),
    (TEXT, '"a\n       b"', "a b"),
    (TEXT, '"a\\\n       b"', "ab"),
    (TEXT, "'a\n\n       b'", "a\nb"),
    (TEXT, "a\ufeffb", "a\ufeffb"),
    (OPTIONAL_TEXT, "12", "12"),
    (OPTIONAL_TEXT, "", None),
    (OPTIONAL_TEXT, "~", None),
    (OPTIONAL_TEXT, "null", None),
    (OPTIONAL_TEXT, "NULL", None),
    (OPTIONAL_TEXT, "nUll", "nUll"),
    (OPTIONAL_TEXT, "'null'", "null"),
    (OPTIONAL_TEXT, "!!null ~", None),
    (OPTIONAL_TEXT, "!!str null", "null"),
    (OPTIONAL_TEXT, "!x null", "null"),
    (OPTIONAL_TEXT, "!!str", ""),
    (OPTIONAL_TEXT, "! null", "null"),
    (BOOLEAN, "true", True),
    (BOOLEAN, "False", False),
    (BOOLEAN, "TRUE", True),
    (BOOLEAN, "!!bool true", True),
    (BOOLEAN, "!!str true", True),
    (BOOLEAN, "!x true", True),
    (NUMBER, "12", 12),
    (NUMBER, "+12", 12),
    (NUMBER, "-12", -12),
    (NUMBER, "0x1F", 31),
    (NUMBER, "0o17", 15),
    (NUMBER, "0b11", 3),
    (NUMBER, "-0", 0),
    (NUMBER, "null", None),
    (NUMBER, "", None),
    (NUMBER, "!!int 12", 12),
    (NUMBER, "!!str 12", 12),
    (NUMBER, "! 12", 12),
    (NUMBER, "2147483647", 2**31 - 1),
    (ENUM, "optimistic", "optimistic"),
    (ENUM, "optimistic # as ever", "optimistic"),
    (ENUM, "'optimistic'", "optimistic"),
    (ENUM, "!optimistic", "optimistic"),
    (ENUM, "!optimistic null", "optimistic"),
    (ENUM, "!!str optimistic", "optimistic"),
    (ENUM, "!<!optimistic>", "optimistic"),
    (ENUM, "!%6fptimistic", "optimistic"),
    (OPTIONAL_ENUM, "null", None),
    (OPTIONAL_ENUM, "", None),
    (OPTIONAL_ENUM, "!enforcing", "enforcing"),
    (OPTIONAL_ENUM, "!enforcing ~", "enforcing"),
    (OPTIONAL_ENUM, "!!null null", None),
    (LIST, "", ()),
    (LIST, "[]", ()),
    (LIST, "[a, 1, null]", ("a", "1", "null")),
    (LIST, "[a,]", ("a",)),
    (LIST, "!!seq [a]", ("a",)),
    (LIST, "!x [!y a]", ("a",)),
    (LIST, "!!str", ()),
    (LIST, "&a", ()),
    (MAPPING, "", {}),
    (MAPPING, "{}", {}),
    (MAPPING, "{a: 1}", {"a": "1"}),
    (MAPPING, "{a}", {"a": ""}),
    (MAPPING, "{1: a, ~: b, true: c}", {"1": "a", "~": "b", "true": "c"}),
    (MAPPING, "{'a':b}", {"a": "b"}),
    (MAPPING, "{? a : b}", {"a": "b"}),
    (MAPPING, "{<<: a}", {"<<": "a"}),
    (MAPPING, "!!map {!x a: b}", {"a": "b"}),
    (OBJECT, "", {}),
    (OBJECT, "{}", {}),
    (OBJECT, "!!map {enable: [a]}", {"enable": ["a"]}),
    (STRICT_TEXT, "'12'", "12"),
    (STRICT_TEXT, "0755", "0755"),
    (STRICT_TEXT, "!!str 12", "12"),
    (STRICT_TEXT, "!!binary aGk=", "aGk="),
    (STRICT_TEXT, '"null"', "null"),
    (STRICT_TEXT, "yes", "yes"),
    (SIZE, "4096", 4096),
    (SIZE, "'4096'", 4096),
    (SIZE, "0x1000", 4096),
    (SIZE, "!!int '4096'", 4096),
    (SIZE, "!!str 1M", 2**20),
    (SIZE, "+4096", 4096),
    (PARTITION_TYPE, "srv", "srv"),
    (PARTITION_TYPE, "{srv: }", "srv"),
    (PARTITION_TYPE, "{srv: {}}", "srv"),
    (PARTITION_TYPE, UUID.upper(), UUID),
    (PARTITION_TYPE, f"'{UUID.replace('-', '')}'", UUID),
    (PARTITION_TYPE, "!!str srv", "srv"),
    (SHA384, "ignored", "ignored"),
    (SHA384, "{ignored: null}", "ignored"),
    (SHA384, "A" * 96, "a" * 96),
    (SHA384, f"'{'1' * 96}'", "1" * 96),
    (SHA384, f"!!str {'1' * 96}", "1" * 96),
    (MOUNT_POINT, "/data", ("/data", "defaults")),
    (MOUNT_POINT, "{path: /data}", ("/data", "defaults")),
    (MOUNT_POINT, "!!str /data", ("/data", "defaults")),
    (MOUNT_POINT, "{path: !x /data, options: 5}", ("/data", "5")),
]


@pytest.mark.parametrize(("place", "written", "value"), READ)
def test_it_is_read_as(place: Place, written: str, value: object) -> None:
    (old, new), name = place
    verdict = judge_host_configuration(edited((old, new.replace("%s", written))), "host.yaml")
    assert verdict.configuration is not None, [problem.message for problem in verdict.problems]
    assert found(verdict.configuration, name) == value


NO_LIST = "Here must stand a list, not "
NO_BOOLEAN = "Here must stand true or false, not "
NO_NUMBER = "A whole number is needed, but "
NO_TYPE = (
    "Here must stand 'esp', 'root', 'swap', 'root-verity', 'home', 'var', 'usr', 'usr-verity', 'tmp', "
    "'linux-generic', 'srv' or 'xbootldr', or a UUID, not "
)
NO_MODE = "Here must stand 'disabled', 'permissive' or 'enforcing', not "
NO_OWN_TAG = "has no meaning here."

REFUSED: list[tuple[Place, str, str, str | None]] = [
    (OPTIONAL_TEXT, "!!null a", "The tag '!!null' stands before 'a', which is not null.", "Remove the tag."),
    (OPTIONAL_TEXT, "!!null", "The tag '!!null' stands before '', which is not null.", "Remove the tag."),
    (TEXT, "[a]", "Here must stand text, not a list.", None),
    (TEXT, "{a: b}", "Here must stand text, not a mapping.", None),
    (BOOLEAN, "yes", NO_BOOLEAN + "'yes'.", "Write true."),
    (BOOLEAN, "'true'", NO_BOOLEAN + "the text 'true'.", "Write true, without quotes."),
    (BOOLEAN, "!!bool 'true'", NO_BOOLEAN + "the text 'true'.", "Write true, without quotes."),
    (BOOLEAN, "1", NO_BOOLEAN + "'1'.", "Write true."),
    (BOOLEAN, "", NO_BOOLEAN + "nothing.", None),
    (BOOLEAN, "null", NO_BOOLEAN + "'null'.", None),
    (NUMBER, "'12'", NO_NUMBER + "'12' in quotes is none.", "Remove the quotes."),
    (NUMBER, "!!int '12'", NO_NUMBER + "'12' in quotes is none.", "Remove the quotes."),
    (NUMBER, "0755", NO_NUMBER + "'0755' is none.", None),
    (NUMBER, "1_000", NO_NUMBER + "'1_000' is none.", None),
    (NUMBER, "0X1F", NO_NUMBER + "'0X1F' is none.", None),
    (NUMBER, "1e3", NO_NUMBER + "'1e3' is none.", None),
    (NUMBER, "12.0", NO_NUMBER + "'12.0' is none.", None),
    (NUMBER, ".inf", NO_NUMBER + "'.inf' is none.", None),
    (NUMBER, "2147483648", "2147483648 does not fit into 32 bits.", None),
    (NUMBER, "9" * 38, "9" * 38 + " does not fit into 32 bits.", None),
    (NUMBER, "9" * 500, NO_NUMBER + "'" + "9" * 57 + "...' is none.", None),
    (OPTIONAL_ENUM, "on", NO_MODE + "'on'.", None),
    (OPTIONAL_ENUM, "Enforcing", NO_MODE + "'Enforcing'.", "Did you mean 'enforcing'?"),
    (OPTIONAL_ENUM, "!enforcing x", NO_MODE + "'x'.", None),
    (OPTIONAL_ENUM, "! enforcing", NO_MODE + "'enforcing'.", None),
    (OPTIONAL_ENUM, "!foo", NO_MODE + "nothing.", None),
    (OPTIONAL_ENUM, "!enforcing {}", NO_MODE + "a mapping.", None),
    (OPTIONAL_ENUM, "{enforcing: }", NO_MODE + "a mapping.", None),
    (ENUM, "null", "Here must stand 'conservative', 'optimistic' or 'disabled', not 'null'.", None),
    (LIST, "null", NO_LIST + "'null'.", "Write an item as '- ' on a line of its own, or [] for none."),
    (LIST, "a", NO_LIST + "'a'.", "Write an item as '- ' on a line of its own, or [] for none."),
    (LIST, "{}", NO_LIST + "a mapping.", "Write an item as '- ' on a line of its own, or [] for none."),
    (OBJECT, "null", "Here must stand a mapping, not 'null'.", "Its fields are: enable, disable."),
    (
        OBJECT,
        "{<<: {enable: [a]}}",
        "The services section has no field '<<'.",
        "YAML 1.2 has no merge keys; write the merged values out.",
    ),
    (STRICT_TEXT, "12", "Text is needed, but '12' is not text here.", "Put it in quotes: '12'."),
    (STRICT_TEXT, "!!int abc", "Text is needed, but 'abc' is not text here.", "Put it in quotes: 'abc'."),
    (STRICT_TEXT, "!x abc", f"The tag '!x' {NO_OWN_TAG}", "Remove the tag."),
    (SIZE, "!x 4096", f"The tag '!x' {NO_OWN_TAG}", "Remove the tag."),
    (
        SIZE,
        "!!float 4096",
        "A size or 'grow' is needed, but '4096' is neither.",
        "Write for example 512M, 8G or grow.",
    ),
    (SIZE, "{4096: }", "Here must stand a size such as 512M, or grow, not a mapping.", None),
    (PARTITION_TYPE, "1" * 32, NO_TYPE + f"'{'1' * 32}'.", None),
    (PARTITION_TYPE, "!srv", NO_TYPE + "nothing.", None),
    (PARTITION_TYPE, "{srv: 1}", NO_TYPE + "a mapping.", None),
    (PARTITION_TYPE, "{srv: , home: }", NO_TYPE + "a mapping.", None),
    (
        SHA384,
        "1" * 96,
        f"Text is needed, but '{'1' * 57}...' is not text here.",
        f"Put it in quotes: '{'1' * 57}...'.",
    ),
    (MOUNT_POINT, "!x /data", f"The tag '!x' {NO_OWN_TAG}", "Remove the tag."),
    (MOUNT_POINT, "!x {path: /data}", f"The tag '!x' {NO_OWN_TAG}", "Remove the tag."),
    (MOUNT_POINT, "5", "Here must stand a path or an object, not '5'.", None),
]


@pytest.mark.parametrize(("place", "written", "message", "suggestion"), REFUSED)
def test_it_is_refused_where_it_stands(
    place: Place, written: str, message: str, suggestion: str | None
) -> None:
    (old, new), _ = place
    text = edited((old, new.replace("%s", written)))
    verdict = judge_host_configuration(text, "host.yaml")
    (problem,) = [p for p in verdict.problems if p.severity is Severity.ERROR]
    assert (problem.message, problem.suggestion) == (message, suggestion)
    assert written in text.split("\n")[problem.line - 1]


BLOCKS = [
    ("|\n      a\n      b\n", "a\nb\n"),
    ("|-\n      a\n      b\n", "a\nb"),
    ("|+\n      a\n\n", "a\n\n"),
    (">\n      a\n      b\n", "a b\n"),
    (">-\n      a\n\n      b\n", "a\nb"),
    (">-\n      a\n        b\n      c\n", "a\n  b\nc"),
    ("|2-\n        a\n", "  a"),
    ("|-\n      12\n", "12"),
    ("|-\n      # no comment\n", "# no comment"),
    ("|\n\n      a\n", "\na\n"),
    ("|\n      a\n# a comment\n", "a\n"),
]


@pytest.mark.parametrize(("written", "value"), BLOCKS)
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_block_text_is_kept_as_its_header_says(written: str, value: str, line_break: str) -> None:
    text = f"{VALID}  preServicing:\n  - content: {written}".replace("\n", line_break)
    configuration = judge_host_configuration(text, "host.yaml").configuration
    assert configuration is not None
    assert configuration.scripts.pre_servicing[0].content == value


WHOLE = [
    ("--- \n" + VALID + "...\n", True),
    ("%YAML 1.1\n---\n" + VALID, True),
    ("%YAML 1.2\n---\n" + VALID, True),
    ("%FOO bar\n---\n" + VALID, False),
    ("# first\n\n" + VALID, True),
    ("--- !!map\n" + VALID, True),
    (VALID.replace("\n", "\r\n"), True),
    (VALID.replace("\n", "\r"), True),
    (VALID.replace("\n", "\x85"), True),
    (VALID.rstrip("\n"), True),
    (VALID.replace("host-1", "host-1 \t"), True),
    (VALID + "# \x85", True),
    ("\ufeff# mark\n" + VALID, True),
    (VALID.replace("hostname: h", "hostname:\th"), True),
    ("%YAML 2.0\n---\n" + VALID, False),
    ("%YAML 1.2\n" + VALID, False),
    ("---\n---\n" + VALID, False),
    (VALID + "---\n", False),
    (VALID + "...\nfoo\n", False),
    ("\ufeff" + VALID, False),
    (VALID + "\x7f", False),
    (VALID + "# \x01", False),
    ("[" + VALID + "]", False),
    ("- a\n", False),
    ("text\n", False),
    ("null\n", False),
    (VALID.replace("  hostname", "\thostname"), False),
]


@pytest.mark.parametrize(("text", "is_read"), WHOLE)
def test_a_whole_document_is_read_or_not(text: str, is_read: bool) -> None:
    verdict = judge_host_configuration(text, "host.yaml")
    assert (verdict.configuration is not None) == is_read
    assert is_read or any(problem.severity is Severity.ERROR for problem in verdict.problems)


def test_a_health_check_is_read_by_what_its_values_are() -> None:
    check = "- {name: '8080', runOn: !!null null, systemdServices: ['80'], timeoutSeconds: !!int '5'}"
    text = VALID + f"health:\n  checks:\n    {check}\n"
    configuration = judge_host_configuration(text, "host.yaml").configuration
    assert configuration is not None
    assert configuration.health.to_document()["checks"] == [
        {"name": "8080", "systemdServices": ["80"], "timeoutSeconds": 5}
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: web", "name: 8080", "Here must stand text, not '8080'."),
        ("name: web", "name: null", "Here must stand text, not 'null'."),
        ("name: web", "name: true", "Here must stand text, not 'true'."),
        ("[nginx]", "[80]", "Here must stand text, not '80'."),
        ("[nginx]", "!!str", "Here must stand a list, not nothing."),
        ("timeoutSeconds: 5", "timeoutSeconds: !!str 5", NO_NUMBER + "'5' in quotes is none."),
        ("timeoutSeconds: 5", "timeoutSeconds: 5.0", NO_NUMBER + "'5.0' is none."),
    ],
)
def test_a_number_is_no_text_in_a_health_check(old: str, new: str, message: str) -> None:
    check = "{name: web, systemdServices: [nginx], timeoutSeconds: 5}"
    text = VALID + f"health:\n  checks:\n    - {check.replace(old, new)}\n"
    problems = [
        p for p in judge_host_configuration(text, "host.yaml").problems if p.severity is Severity.ERROR
    ]
    assert [problem.message for problem in problems] == [message]
