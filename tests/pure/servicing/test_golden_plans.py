"""Plans of the samples, as people and programs read them.

``UPDATE_GOLDEN=1`` writes them anew; review the difference.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest

from tests.pure.repository.project import ROOT
from tests.pure.servicing import samples
from trident.cli.describe import describe
from trident.config.model import HostConfiguration
from trident.plan.preview import Preview

GOLDEN = Path(__file__).with_name("golden")
SCHEMA = json.loads((ROOT / "docs/plan.schema.json").read_text())


def next_version(path: Path) -> Preview:
    """The update of a sample's host: another image, or for extensions another version of the first one."""
    old = samples.document(path)
    new = json.loads(json.dumps(old))
    if path.stem == "runtime-extensions":
        new["os"]["sysexts"][0]["sha384"] = "d" * 96
        new["os"]["confexts"] = []
    else:
        new["image"] = samples.NEXT_IMAGE
    configuration = HostConfiguration.from_document(new)
    return samples.update(samples.read(path), configuration)


def installed(path: Path) -> Preview:
    """The install of a sample."""
    return samples.install(samples.read(path))


PLANS = {
    f"{path.stem}.{name}": make(path)
    for path in samples.SAMPLES
    for name, make in (("install", installed), ("update", next_version))
}
every_plan = pytest.mark.parametrize(("name", "preview"), PLANS.items(), ids=list(PLANS))


def same_as_golden(name: str, text: str) -> None:
    golden = GOLDEN / name
    if "UPDATE_GOLDEN" in os.environ:
        golden.write_text(text)
    assert text == golden.read_text()


@every_plan
def test_the_plan_reads_like_its_golden_copy(name: str, preview: Preview) -> None:
    same_as_golden(f"{name}.txt", describe(preview))


@every_plan
def test_the_plan_is_the_same_document_as_before(name: str, preview: Preview) -> None:
    same_as_golden(f"{name}.json", json.dumps(preview.to_document(), indent=1) + "\n")


@every_plan
def test_the_document_is_as_its_schema_says(name: str, preview: Preview) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(preview.to_document())


def test_the_schema_knows_every_field_and_leaves_none_out() -> None:
    """Closed objects in the schema, all fields required: a field that is added must be described."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    objects = [SCHEMA, *SCHEMA["$defs"].values()]
    assert all(sorted(one["properties"]) == sorted(one["required"]) for one in objects)
    assert all("description" in field for one in objects for field in one["properties"].values())


def test_no_golden_plan_is_left_over() -> None:
    expected = {f"{name}.{kind}" for name in PLANS for kind in ("txt", "json")}
    assert {path.name for path in GOLDEN.iterdir()} == expected


@every_plan
def test_no_line_is_wider_than_the_terminal_unless_a_word_is(name: str, preview: Preview) -> None:
    for line in describe(preview, width=80).splitlines():
        assert len(line) <= 80 or max(len(word) for word in line.split()) > 40, line


@every_plan
def test_it_can_be_drawn_in_ascii_at_any_width(name: str, preview: Preview) -> None:
    for width in (40, 79, 200):
        assert describe(preview, width=width, unicode=False).isascii()
