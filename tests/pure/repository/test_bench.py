"""What the benchmarks measure is what they say."""

from __future__ import annotations

import sys

import pytest

from bench import large, startup, validate
from bench.__main__ import NAMES
from trident.config.load import judge_host_configuration
from trident.config.suggestion import places


def test_the_benchmarks_have_the_names_that_people_are_told() -> None:
    assert {"startup", "validate"} <= {*NAMES}


def test_commands_find_their_modules_compiled_as_installed_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    program = (
        "import pathlib, sys, textwrap\n"
        "compiled = [*pathlib.Path(sys.pycache_prefix).rglob('textwrap.*.pyc')]\n"
        "sys.exit(not compiled)"
    )
    assert len(startup.interleaved({"own": [sys.executable, "-c", program]}, 2)["own"]) == 2


@pytest.mark.parametrize("lines", [validate.LARGE, validate.HUGE])
def test_a_large_configuration_is_valid_and_as_large_as_it_says(lines: int) -> None:
    text = large.configuration(lines)
    assert 0.9 < text.count("\n") / lines < 1.1
    assert judge_host_configuration(text, "large.yaml").problems == ()


def test_the_large_configuration_has_every_object() -> None:
    from trident.config.load import load_host_configuration
    from trident.config.model import HostConfiguration

    configuration = load_host_configuration(large.configuration(validate.LARGE), "large.yaml")
    document = configuration.to_document()
    objects = {place for place, _key in places(HostConfiguration) if place}
    missing = {place for place in objects if not _has(document, place.replace("[]", "").split("."))}
    assert missing <= {
        # alike to postConfigure
        *("scripts.preServicing[]", "scripts.postProvision[]", "scripts.preReboot[]"),
        *("os.users[].password", "managementOs.users[].password"),  # nobody writes it: it is always locked
    }


def _has(value: object, keys: list[str]) -> bool:
    if not keys:
        return True
    if isinstance(value, list):
        return any(_has(item, keys) for item in value)
    return isinstance(value, dict) and keys[0] in value and _has(value[keys[0]], keys[1:])
