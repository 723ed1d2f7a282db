"""Network settings reach netplan as they were written, and secrets in them reach nobody else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.pure.config.sample import VALID, edited, problems_of
from trident.config.load import judge_host_configuration
from trident.config.model import HostConfiguration
from trident.config.report import render_problems

SAMPLE = "{version: 2, ethernets: {lan: {dhcp4: true}}}"


def kept(written: str) -> object:
    verdict = judge_host_configuration(edited((SAMPLE, written)), "host.yaml")
    assert verdict.configuration is not None, [problem.message for problem in verdict.problems]
    assert HostConfiguration.from_document(verdict.configuration.to_document()) == verdict.configuration
    return verdict.configuration.os.netplan


VALUES = [
    ("true", True),
    ("True", "True"),
    ("yes", "yes"),
    ("5", 5),
    ("+5", "+5"),
    ("0755", "0755"),
    ("0x1F", "0x1F"),
    ("0o17", "0o17"),
    ("1.5", 1.5),
    ("1.50", "1.50"),
    ("1e3", "1e3"),
    (".inf", ".inf"),
    ("~", None),
    ("", None),
    ("'5'", "5"),
    ("'true'", "true"),
    ("12345678901234567890", 12345678901234567890),
    ("!!str 5", "5"),
    ("52:54:00:12:34:56", "52:54:00:12:34:56"),
    ("1_000", "1_000"),
    ("!a", "a"),
    ("!a 5", 5),
    ("!!int '5'", 5),
]


@pytest.mark.parametrize(("written", "value"), VALUES)
def test_a_value_is_kept_as_it_is_written(written: str, value: object) -> None:
    assert kept(f"{{version: 2, mine: {{key: {written} }}}}") == {"version": 2, "mine": {"key": value}}


def test_a_password_that_looks_like_a_number_keeps_its_digits() -> None:
    netplan = kept("{version: 2, wifis: {w: {access-points: {a: {password: 0x1F}, b: {password: 1e3}}}}}")
    points = {"a": {"password": "0x1F"}, "b": {"password": "1e3"}}
    assert netplan == {"version": 2, "wifis": {"w": {"access-points": points}}}


def test_the_tag_of_a_tunnel_key_is_not_for_netplan() -> None:
    tunnels = (
        "{a: {mode: gre, peers: [], key: !Simple K}, b: {mode: vti, peers: [], key: !Complex {private: K}}}"
    )
    assert kept(f"{{version: 2, tunnels: {tunnels}}}") == {
        "version": 2,
        "tunnels": {
            "a": {"mode": "gre", "peers": [], "key": "K"},
            "b": {"mode": "vti", "peers": [], "key": {"private": "K"}},
        },
    }


SECRETS = [
    "wifis: {w: {access-points: {a: {hidden: 1, password: HUSH}}}}",
    "wifis: {w: {access-points: {a: {auth: {password: !!null HUSH}}}}}",
    "wifis: {w: {access-points: {a: {auth: {client-key-password: HUSH, method: 5}}}}}",
    "wifis: {w: {access-points: {a: {password: [HUSH]}}}}",
    "ethernets: {e: {auth: {password: !x HUSH}}}",
    "ethernets: {e: {auth: {password: {is: HUSH}, method: none}}}",
    "tunnels: {t: {mode: gre, peers: [], key: HUSH}}",
    "tunnels: {t: {mode: gre, peers: [], key: {private: HUSH}}}",
    "tunnels: {t: {mode: gre, peers: [], key: !Complex {private: [HUSH]}}}",
    "tunnels: {t: {mode: gre, peers: [{keys: {shared: HUSH}, keepalive: x}]}}",
    "tunnels: {t: {mode: gre, keys: {private: HUSH}}}",
    "modems: {m: {password: HUSH, pin: HUSH}}",
]


@pytest.mark.parametrize("written", SECRETS)
def test_a_secret_is_never_shown(written: str) -> None:
    problems = problems_of(edited((SAMPLE, f"{{version: 2, {written}}}")))
    assert problems
    assert "HUSH" not in render_problems(problems)
    assert "HUSH" not in repr([problem.to_document() for problem in problems])
    assert "HUSH" not in repr(problems)


def test_a_secret_is_covered_by_stars_in_the_line_that_is_shown() -> None:
    written = "{version: 2, wifis: {w: {access-points: {a: {password: secret, hidden: 1}}}}}"
    (problem,) = problems_of(edited((SAMPLE, written)))
    assert "{a: {password: ******, hidden: 1}}" in problem.source_line


@pytest.mark.parametrize(
    ("text", "is_imported"), [(VALID, True), (edited((f"  netplan: {SAMPLE}\n", "")), False)]
)
def test_the_tables_of_netplan_are_imported_for_network_settings_only(text: str, is_imported: bool) -> None:
    script = (
        "import sys\n"
        "from trident.config.load import judge_host_configuration\n"
        "assert judge_host_configuration(sys.stdin.read(), 'host.yaml').configuration is not None\n"
        "print('trident.config.netplan.devices' in sys.modules)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], input=text, capture_output=True, text=True, check=True
    )
    assert run.stdout == f"{is_imported}\n"
