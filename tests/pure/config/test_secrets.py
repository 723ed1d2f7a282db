"""Secrets are taken out of documents and text, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from trident.config.free_text import of_text
from trident.config.secrets import HIDDEN, Redactor

SECRET = "correct-horse-battery"

DOCUMENT: dict[str, Any] = {
    "image": {"url": f"https://ops:{SECRET}@images.example/v1.cosi?sig={SECRET}-2", "sha384": "ignored"},
    "scripts": {
        "postConfigure": [
            {"name": "join", "content": f"{SECRET}-3", "environmentVariables": {"JOIN": f"{SECRET}-4"}},
            {"name": "tell", "path": "/opt/tell", "arguments": [f"{SECRET}-5"], "runOn": ["all"]},
        ]
    },
    "trident": {"phonehome": f"http://ops:{SECRET}-9@192.0.2.1/"},
    "os": {
        "users": [{"name": "ops", "password": {"type": "locked"}, "sshPublicKeys": ["ssh-ed25519 AAAA ops"]}],
        "additionalFiles": [{"destination": "/etc/key", "content": f"{SECRET}-6", "permissions": "0600"}],
        "netplan": {
            "version": 2,
            "wifis": {"wlan0": {"access-points": {"net": {"password": f"{SECRET}-7"}}}},
            "tunnels": {"wg0": {"mode": "wireguard", "key": {"private": f"{SECRET}-8"}, "port": 51820}},
        },
    },
}


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in strings(part)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [str(value)]


def test_a_document_keeps_its_shape_and_loses_its_secrets() -> None:
    redacted = Redactor().document(DOCUMENT)
    assert SECRET not in "".join(strings(redacted))
    assert redacted["image"]["url"] == f"https://{HIDDEN}@images.example/v1.cosi?{HIDDEN}"
    assert redacted["scripts"]["postConfigure"][0] == {
        "name": "join",
        "content": HIDDEN,
        "environmentVariables": {"JOIN": HIDDEN},
    }
    assert redacted["scripts"]["postConfigure"][1]["path"] == "/opt/tell"
    assert redacted["os"]["users"] == DOCUMENT["os"]["users"], "locked is no password"
    assert redacted["os"]["netplan"]["tunnels"]["wg0"]["port"] == 51820


def test_a_password_in_any_form_is_hidden() -> None:
    for password in ("plain", {"type": "plain", "value": "x"}, ["x"], 12345, {"type": "locked", "hash": "x"}):
        redacted = Redactor().document({"users": [{"name": "ops", "password": password}]})
        assert set(strings(redacted["users"][0]["password"])) <= {HIDDEN, "type", "value", "hash", "locked"}


@pytest.mark.parametrize("number", ["", *(f"-{number}" for number in range(2, 10))])
def test_what_a_document_holds_is_found_in_any_text(number: str) -> None:
    redactor = Redactor()
    redactor.learn(DOCUMENT)
    assert redactor.text(f"it said {SECRET}{number}!") == f"it said {HIDDEN}!"


def test_a_secret_is_found_however_it_is_spelt() -> None:
    redactor = Redactor()
    redactor.learn_values(['a "b"/ö c'])
    for spelt in ('a "b"/ö c', 'a \\"b\\"/\\u00f6 c', 'a \\"b\\"/ö c', "a%20%22b%22%2F%C3%B6%20c"):
        assert redactor.text(f"<{spelt}>") == f"<{HIDDEN}>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET https://u:p@h/x?sig=1&b=2 HTTP/1.1", "GET https://***@h/x?*** HTTP/1.1"),
        ("http://cache/https://h/x?sig=1", "http://cache/https://h/x?***"),
        ("s3://key:secret@bucket", "s3://***@bucket"),
        ("BOOT_IMAGE=/vmlinuz root=UUID=1 rd.iscsi.password=x1 quiet",
         "BOOT_IMAGE=/vmlinuz root=UUID=1 rd.iscsi.password=*** quiet"),
        ("systemd.set_credential=db.pass:x1 ro", "systemd.set_credential=*** ro"),
        ("netroot=iscsi://me:x1@h", "netroot=iscsi://***@h"),
        ('{"access_token": "x1", "n": 2}', '{"access_token": ***, "n": 2}'),
        ('{"message": "{\\"password\\": \\"x 1\\"}"}', '{"message": "{\\"password\\": ***}"}'),
        ("psk: 'x 1'", "psk: ***"),
        ("mysql --password=x1 db", "mysql --password=*** db"),
        ("API_KEY=x1", "API_KEY=***"),
        ("Authorization: Basic eDE=", "Authorization: Basic ***"),
        ("curl -H 'Authorization: Bearer abcdefgh.x1'", "curl -H 'Authorization: Bearer ***'"),
        ("ops:$6$saltsalt$abcdefghijklmnop:1:", "ops:***:1:"),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIx.abc-_1", "***"),
        ("a -----BEGIN OPENSSH PRIVATE KEY-----\nx1\nx1\n-----END OPENSSH PRIVATE KEY----- b", "a *** b"),
        ("-----BEGIN EC PRIVATE KEY-----\nx1 cut off", "***"),
    ],
)  # fmt: skip
def test_secrets_have_forms_of_their_own(text: str, expected: str) -> None:
    once = Redactor().text(text)
    assert once == expected
    assert Redactor().text(once) == expected, "what is hidden stays as it is"


@pytest.mark.parametrize(
    "text",
    [
        "+ mount --types ext4 -- /dev/vda2 /run/trident/newroot",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMSQm ops@example",
        "the password was refused, and the key too",
        "root@host:~# systemctl status sshd.service",
        "Press any key: y",
        "http://192.0.2.1/v1.cosi is 40 % there",
        "",
    ],
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert Redactor().text(text) == text


def test_short_values_do_not_hide_half_of_a_log() -> None:
    redactor = Redactor()
    redactor.learn({"environmentVariables": {"DEBUG": "1", "HOME": "/root/ops", "NAME": "eth0"}})
    redactor.learn({"arguments": ["--verbose", "--as=correct-horse"], "content": "reboot\n"})
    text = "1 of 10 on eth0 in /root/ops --verbose reboot"
    assert redactor.text(text) == text
    assert redactor.text("join --as=correct-horse") == "join --as=***"


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"TOK": "/q3Vx9Zk1Lm8Pp+aa=="}, "/q3Vx9Zk1Lm8Pp+aa=="),
        ({"TOK": "-Zx81kkd93kdkd"}, "-Zx81kkd93kdkd"),
        ({"PIN": "abc1234"}, "abc1234"),
        ({"JOIN_PASSWORD": "simple"}, "simple"),
        ({"url": "hunter2hunter2"}, "hunter2hunter2"),
        ({"LOGIN": "ops hunter2hunter2"}, "hunter2hunter2"),
    ],
)
def test_a_variable_is_hidden_whatever_it_begins_with(variables: dict[str, str], text: str) -> None:
    redactor = Redactor()
    redactor.learn({"scripts": {"preServicing": [{"environmentVariables": variables}]}})
    assert redactor.text(f"it printed {text}.") == f"it printed {HIDDEN}."


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("/abc+def+ghi+jkl", HIDDEN),
        ("-pgeheimgeheim", HIDDEN),
        ("--token=/q3Vx9Zk1Lm8Pp", f"--token={HIDDEN}"),
        ("--state-directory", "--state-directory"),
        ("--state-file=/var/lib/app/state.db", "--state-file=/var/lib/app/state.db"),
        ("/usr/share/app/defaults.conf", "/usr/share/app/defaults.conf"),
    ],
)
def test_of_arguments_only_options_and_paths_are_shown(argument: str, shown: str) -> None:
    redactor = Redactor()
    redactor.learn({"arguments": [argument]})
    assert redactor.text(f"+ app {argument}") == f"+ app {shown}"


SCRIPT = """\
#!/bin/sh
set -x
curl -u "admin:hunter2hunter2" https://files.example/x > /var/lib/app/x
if ! join 'correct horse battery'; then systemctl stop app.service; fi
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+ curl -u admin:hunter2hunter2 https://files.example/x",
         "+ curl -u admin:*** https://files.example/x"),
        ("x: line 4: if ! join 'correct horse battery'; then systemctl stop app.service; fi: what?",
         "x: line 4: ***: what?"),
        ("user hunter2hunter2 is not known", "user *** is not known"),
        ("wrote /var/lib/app/x, stopped app.service", "wrote /var/lib/app/x, stopped app.service"),
    ],
)  # fmt: skip
def test_a_line_of_a_script_or_a_made_up_word_of_it_is_hidden(text: str, expected: str) -> None:
    redactor = Redactor()
    redactor.learn({"scripts": {"preServicing": [{"content": SCRIPT}]}})
    assert redactor.text(text) == expected


def test_a_line_of_a_file_is_hidden_and_so_is_the_secret_in_it() -> None:
    redactor = Redactor()
    redactor.learn({"os": {"additionalFiles": [{"content": "user=bob\nsesame: open99sesame\n"}]}})
    assert redactor.text("app: bad line 'sesame: open99sesame'") == f"app: bad line '{HIDDEN}'"
    assert redactor.text("app: sesame=open99sesame?") == f"app: sesame={HIDDEN}?"


@pytest.mark.parametrize(
    "word",
    ["/dev/disk/by-partlabel/root-a", "multi-user.target", "linux-image-6.12.3-amd64", "NoNewPrivileges",
     "getty@tty1.service", "2026-01-31", "192.0.2.100", "x86_64-linux-gnu", "python3-systemd", "NETWORK_MTU"],
)  # fmt: skip
def test_names_in_a_script_are_no_secrets(word: str) -> None:
    redactor = Redactor()
    redactor.learn({"content": f"use {word} here"})
    assert redactor.text(f"{word} failed") == f"{word} failed"


def test_of_values_that_overlap_nothing_is_left() -> None:
    redactor = Redactor()
    redactor.learn_values(["admin:sesame", "sesame-open", "sesame"])
    assert redactor.text("(admin:sesame-open)") == f"({HIDDEN})"
    assert redactor.text("sesamesesame-open.") == f"{HIDDEN}."


@pytest.mark.parametrize(
    "content",
    ["a" * 10**5 + "!", "Ab" * 10**5 + "!", "/etc" + "/a" * 10**5 + "!", "1" * 10**5 + "a!", "\n" * 10**5],
    ids=["letters", "capitals", "path", "digits", "lines"],
)  # fmt: skip
def test_hostile_content_is_split_up_in_time_that_grows_with_it(content: str) -> None:
    assert sum(map(len, of_text(content))) < 10 * len(content)
