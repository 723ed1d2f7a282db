"""``trident explain``: fields, rules, and what people type for them."""

from __future__ import annotations

import json

import pytest

from tests.pure.config.sample import VALID, edited, problems_of
from trident.cli.main import main
from trident.config.load import judge_host_configuration
from trident.config.reference.explain import explanation, render
from trident.config.reference.places import places
from trident.config.reference.topics import find_topic, names, topic_of
from trident.config.report import render_problems
from trident.crosscheck.reference import codes
from trident.errors import InvalidInput


def test_a_field_is_told_with_its_type_default_words_example_and_place(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "storage.filesystems[0].source"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("storage.filesystems.source\n")
    for line in (
        "  type:     FileSystemSource, of the values below",
        "  default:  image",
        "  new                   A new, empty file system.",
        "  storage:\n    filesystems:\n      - source: new",
    ):
        assert line in told


def test_an_object_lists_its_fields_and_says_which_are_required(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "storage.disks"]) == 0
    told = capsys.readouterr().out
    assert "  id*   " in told
    assert "  adoptedPartitions     <list of AdoptedPartition>" in told


def test_without_a_field_the_sections_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    told = capsys.readouterr().out
    assert "  storage   " in told
    assert "  managementOs   " in told


def test_a_rule_is_told_by_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "ssh-keys-without-ssh-mode"]) == 0
    told = capsys.readouterr().out
    assert "A user with ssh keys may log in over ssh." in told
    assert "breaking it:  a warning" in told


def test_a_rule_that_reads_a_table_shows_it_and_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "invalid-partition-type"]) == 0
    told = capsys.readouterr().out
    assert "what to do:   Change the type of the partition" in told
    assert "  swap-device         'swap'\n" in told


def test_a_code_of_reading_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "unknown-field"]) == 0
    assert "does not have" in capsys.readouterr().out


def test_the_list_holds_every_field_and_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--list"]) == 0
    listed = capsys.readouterr().out.split()
    assert listed == [*names(), *codes()]
    assert {"os.users.sshMode", "duplicate-device-id", "yaml-tag"} <= set(listed)


@pytest.mark.parametrize("name", names())
def test_everything_that_is_listed_can_be_explained(name: str) -> None:
    document = explanation(name)
    json.dumps(document)
    assert document[{"field": "path"}.get(document["kind"], "code")] == name
    assert all(len(line) <= 200 for line in render(document).splitlines())


@pytest.mark.parametrize("path", [path for path, place in places().items() if place.field.examples])
def test_every_example_is_one_that_validate_can_read_at_its_place(path: str) -> None:
    text = explanation(path)["example"]
    about_the_value = {"wrong-type", "invalid-value", "unknown-value", "unknown-field"}
    found = judge_host_configuration(text, path).problems
    assert [problem.message for problem in found if problem.code in about_the_value] == []


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ("storage.disks[0].partitions[12].size", "storage.disks.partitions.size"),
        ("storage.disks[].partitions[].size", "storage.disks.partitions.size"),
        ("storage.disks.0.partitions.1.size", "storage.disks.partitions.size"),
        (".storage.disks.", "storage.disks"),
        (" os ", "os"),
        ("partitions.size", "storage.disks.partitions.size"),
        ("Partition", "storage.disks.partitions"),
        ("os.netplan.ethernets.eth0", "os.netplan"),
        ("storage.swap.deviceId", "storage.swap.deviceId"),
    ],
)
def test_what_people_type_leads_to_the_field(typed: str, path: str) -> None:
    assert explanation(typed)["path"] == path


def test_the_end_of_several_paths_is_answered_with_all_of_them() -> None:
    with pytest.raises(InvalidInput) as caught:
        find_topic("sshMode")
    assert caught.value.hint == "Several fields are called so: os.users.sshMode, managementOs.users.sshMode."


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("storage.disk", "Did you mean 'storage.disks'?"),
        ("Storage.Disks", "Did you mean 'storage.disks'?"),
        ("storage.disks.partitions.sise", "Did you mean 'storage.disks.partitions.size'?"),
        ("storage.ab_update.volumepairs", "Did you mean 'storage.abUpdate.volumePairs'?"),
        ("invalid-partition-typ", "Did you mean 'invalid-partition-type'?"),
        ("partitionTabelType", "Did you mean 'storage.disks.partitionTableType'?"),
        (
            "storage.disks.colour",
            "The fields of storage.disks are: id, device, partitionTableType, partitions, adoptedPartitions.",
        ),
        ("os.hostname.length", "'os.hostname' has no fields below it."),
        ("..", "Run 'trident explain' for the fields at the top."),
        ("", "Run 'trident explain' for the fields at the top."),
    ],
)
def test_what_is_not_there_gets_the_nearest(typed: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        find_topic(typed)
    assert (caught.value.code, caught.value.hint) == ("unknown-topic", hint)


@pytest.mark.parametrize(
    "typed",
    ["[" * 5000, "a." * 5000, "storage." * 2000, "-" * 10_000, "\x1b[2J", "日本", "\udcff", "storage[", "%s"],
)  # fmt: skip
def test_nonsense_is_one_short_error(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--", typed]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error[invalid-input/unknown-topic]: ")
    assert len(told) < 1000
    assert "\x1b" not in told


def with_network(ethernet: str) -> str:
    return edited(("lan: {dhcp4: true}", ethernet))


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        (edited(("size: 128M", "size: 12Q")), ["storage.disks.partitions.size"]),
        (edited(("sshMode: key-only", "sshMode: keyonly")), ["os.users.sshMode"]),
        (edited(("      partitionTableType: gpt\n", "")), ["storage.disks"]),
        (edited(("hostname:", "hostnam:")), ["os"]),
        (edited(("/dev/vda", "vda")), ["disk-path-not-absolute"]),
        (with_network("eth0.5: {dhcp4: perhaps}"), ["netplan-refuses"]),
        (with_network("eth0.5: {dhcp: true}"), ["netplan-unknown-key"]),
        (with_network("eth0.5: {link: [a]}"), ["os.netplan"]),
        (VALID + "network: {}\n", [None]),
        ("a: [", [None]),
    ],
)
def test_a_problem_leads_to_what_explains_it(text: str, topics: list[str | None]) -> None:
    assert [topic_of(problem) for problem in problems_of(text)] == topics


def test_validate_ends_with_the_commands_that_tell_more() -> None:
    text = edited(("size: 128M", "size: 12Q"), ("hostname:", "hostnam:"), ("name: ada", "uid: x"))
    assert render_problems(problems_of(text)).endswith(
        "4 errors in host.yaml\n"
        "More: trident explain storage.disks.partitions.size\n"
        "      trident explain os\n"
        "      trident explain os.users\n"
    )
