"""What people see of a mistake."""

from __future__ import annotations

import pytest

from tests.pure.config.sample import edited, problems_of
from trident.config.model import HostConfiguration
from trident.config.problems import ConfigurationErrors
from trident.config.report import render_problems


def shown(text: str, *, colour: bool = False) -> str:
    return render_problems(problems_of(text), colour=colour)


def test_a_mistake_is_shown_with_its_line_a_caret_and_what_to_write() -> None:
    assert (
        shown(edited(("partitionTableType", "partitionTabelType"), ("sshMode: key-only, ", "")))
        == """\
error[unknown-field]: A disk has no field 'partitionTabelType'.
 --> host.yaml:6:7 (storage.disks[0].partitionTabelType)
  |
6 |       partitionTabelType: gpt
  |       ^^^^^^^^^^^^^^^^^^ Did you mean 'partitionTableType'?

warning[ssh-keys-without-ssh-mode]: User 'ada' has ssh keys, but 'sshMode' is 'block', so they cannot be used.
  --> host.yaml:24:19 (os.users[0].sshPublicKeys)
   |
24 |     - {name: ada, sshPublicKeys: [ssh-ed25519 AAAA]}
   |                   ^^^^^^^^^^^^^ Write 'sshMode: key-only'.

1 error and 1 warning in host.yaml
More: trident explain storage.disks
      trident explain ssh-keys-without-ssh-mode
"""
    )


def test_nothing_to_tell_is_nothing() -> None:
    assert render_problems([]) == ""


def test_colour_is_only_there_on_request() -> None:
    text = edited(("/dev/vda", "vda"))
    assert "\x1b" not in shown(text)
    assert "\x1b[1;31merror[disk-path-not-absolute]" in shown(text, colour=True)


def test_a_long_line_is_cut_around_the_mistake() -> None:
    text = edited(("hostname: host-1", "hostname: " + "x" * 5000 + "!"))
    line = next(line for line in shown(text).splitlines() if line.startswith("22 | "))
    assert len(line) == len("22 | ") + 100


def test_the_caret_stands_below_wide_characters() -> None:
    text = edited(("name: ada, sshMode", 'name: "日本 ", sshMode'))
    lines = shown(text).splitlines()
    assert lines[3].index('"') == lines[4].index("^")
    assert lines[4].count("^") == len('"') * 2 + 2 * 2 + 1


def test_what_a_file_says_cannot_steer_the_terminal() -> None:
    escapes = [("host-1", '"\\e[2Jx y"'), ("host-1", "\x1b[2J"), ("hostname", '"\\e]0;x\\a"')]
    for edit in escapes:
        text = edited(edit)
        assert "\x1b" not in shown(text)
        assert "\x07" not in shown(text)
    assert "'\\x1b[2Jx y' is not a host name" in shown(edited(("host-1", '"\\e[2Jx y"')))


def test_a_mistake_without_a_text_is_shown_without_a_line() -> None:
    with pytest.raises(ConfigurationErrors) as caught:
        HostConfiguration.from_document({"oss": 1}, "host status")
    assert (
        render_problems(caught.value.problems)
        == """\
error[unknown-field]: A Host Configuration has no field 'oss'.
  --> host status (oss)
  = Did you mean 'os'?

1 error in host status
"""
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: ada, ", "name: ada, password: hunter2, "),
        ("name: ada, ", "name: ada, password: {type: hunter2}, "),
        ("name: ada, ", "name: ada, password: {plain: hunter2}, "),
        ("url: http://127.0.0.1/v1.cosi", "url: 'ftp://ada:hunter2@127.0.0.1/v1.cosi'"),
        ("url: http://127.0.0.1/v1.cosi", "url: 'ada:hunter2@127.0.0.1'"),
        ("url: http://127.0.0.1/v1.cosi", "url: 'ftp://127.0.0.1/v1.cosi?signature=hunter2'"),
    ],
)
def test_a_secret_is_not_shown_with_its_mistake(old: str, new: str) -> None:
    problems = problems_of(edited((old, new), ("volumeBId: root-b", "volumeBId: rootb")))
    assert problems
    assert "hunter2" not in render_problems(problems)
    assert "hunter2" not in str([problem.to_document() for problem in problems])
