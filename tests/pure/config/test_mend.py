"""One mistake does not hide another: rules judge a text as it was probably meant."""

from __future__ import annotations

import pytest

from tests.pure.config.sample import edited, problems_of

DANGLING = ("volumeBId: root-b", "volumeBId: rootb")
"""A mistake that only a rule finds, in the section where the others stand."""


def codes(*edits: tuple[str, str]) -> set[tuple[str, str]]:
    return {(problem.code, problem.path) for problem in problems_of(edited(*edits))}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("size: 128M", "size: 128m", "invalid-value"),
        ("size: grow", "size: GROW", "invalid-value"),
        ("partitionTableType: gpt", "partitionTableType: GPT", "unknown-value"),
        ("id: esp, type: esp", "id: esp, type: ESP", "unknown-value"),
        ("source: new, type", "source: New, type", "unknown-value"),
        ("partitionTableType: gpt", "partitionTableType: gpt\n      vendor: x", "unknown-field"),
        ("partitionTableType:", "partitionTableTyp:", "unknown-field"),
    ],
)
def test_a_mistake_that_can_be_mended_does_not_hide_a_broken_rule(old: str, new: str, code: str) -> None:
    found = codes((old, new), DANGLING)
    assert {code, "non-existent-reference"} <= {each for each, _path in found}


def test_each_mistake_is_told_once() -> None:
    problems = problems_of(edited(("partitionTableType: gpt", "partitionTableType: GPT"), DANGLING))
    assert [problem.code for problem in problems] == ["unknown-value", "non-existent-reference"]


def test_a_value_below_a_misspelt_field_is_looked_at_too() -> None:
    found = codes(("hostname:", "uefiFallBack: nothing\n  hostname:"))
    assert found == {("unknown-field", "os.uefiFallBack"), ("unknown-value", "os.uefiFallback")}


def test_a_problem_of_the_mended_text_stands_where_it_stood_in_the_text() -> None:
    text = edited(("volumeBId: root-b", "volumeBid: rootb"))
    (dangling,) = [problem for problem in problems_of(text) if problem.code == "non-existent-reference"]
    assert text.splitlines()[dangling.line - 1][dangling.column - 1 :].startswith("rootb")


def test_what_cannot_be_mended_leaves_the_rules_of_its_section_to_the_next_run() -> None:
    found = codes(("size: grow", "size: [much]"), DANGLING, ('permissions: "0644"', 'permissions: "9"'))
    assert found == {
        ("wrong-type", "storage.disks[0].partitions[4].size"),
        ("additional-file-invalid-permissions", "os.additionalFiles[0].permissions"),
    }


def test_a_guess_is_not_complained_about() -> None:
    assert codes(("root-a, type: root, size: 2G", "root-a, type: root, size: GROW")) == {
        ("invalid-value", "storage.disks[0].partitions[1].size")
    }


def test_a_field_written_in_both_spellings_keeps_the_right_one() -> None:
    found = codes(("hostname: ", "hostName: bad_\n  hostname: "))
    assert {code for code, _path in found} == {"unknown-field"}


def test_a_misspelt_kind_of_health_check_is_not_taken_for_a_script() -> None:
    problems = problems_of(
        edited(
            ("scripts:", "health: {checks: [{name: web, runOn: [all], systemdService: [nginx]}]}\nscripts:")
        )
    )
    assert [problem.suggestion for problem in problems] == ["Did you mean 'systemdServices'?"]


def test_extensions_with_misspelt_hashes_are_judged_as_different_ones() -> None:
    images = "[{url: 'http://h/a.raw', sha384: aa}, {url: 'http://h/b.raw', sha384: bb, path: /run/b.raw}]"
    found = codes(("hostname:", f"sysexts: {images}\n  hostname:"))
    assert ("extension-image-invalid-directory", "os.sysexts[1].path") in found
    assert "duplicate-extension-image" not in {code for code, _path in found}


def test_an_optional_setting_that_cannot_be_read_does_not_hide_the_rules_about_the_others() -> None:
    users = "- {name: ada, uid: 99999999999}\n    - {name: ada, sshMode"
    found = codes(("- {name: ada, sshMode", users))
    assert found == {("invalid-value", "os.users[0].uid"), ("duplicate-usernames", "os.users[1].name")}
