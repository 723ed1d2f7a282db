"""The samples: valid, explained, and listed. ``UPDATE_GOLDEN=1`` writes the generated parts of their page."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.pure.repository.project import ROOT
from trident.config.graph.build import build_graph
from trident.config.graph.mermaid import to_mermaid
from trident.config.load import judge_host_configuration, load_host_configuration_file
from trident.config.model import HostConfiguration
from trident.plan.situation import BootType, Facts, Situation
from trident.servicing.compile import compile_plan
from trident.state.status import HostStatus, ServicingType

PAGE = ROOT / "docs/samples/README.md"
SAMPLES = sorted(PAGE.parent.glob("*.yaml"))
PURPOSES = [
    "ab-vm", "dual-boot", "encrypted-data", "raid1", "root-verity", "runtime-extensions", "usr-verity",
]  # fmt: skip

every_sample = pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)


def generated(part: str, text: str) -> str:
    """What stands between the marks of a part of the page; ``UPDATE_GOLDEN`` puts ``text`` there first."""
    marks = re.compile(rf"(<!-- generated: {part} -->\n)(.*?)(<!-- end -->\n)", re.DOTALL)
    page = PAGE.read_text()
    if "UPDATE_GOLDEN" in os.environ:
        page = marks.sub(lambda found: found[1] + text + found[3], page)
        PAGE.write_text(page)
    (found,) = marks.findall(page)
    return str(found[1])


def clean_install(configuration: HostConfiguration) -> Situation:
    """Its install on a machine that nothing is known of."""
    facts = Facts(BootType.RAM_DISK, "x86_64", uefi=True)
    return Situation(ServicingType.CLEAN_INSTALL, configuration, HostStatus(), facts)


def test_there_is_one_for_every_purpose() -> None:
    assert [path.stem for path in SAMPLES] == PURPOSES


@every_sample
def test_it_is_valid_without_a_warning(path: Path) -> None:
    assert judge_host_configuration(path.read_bytes(), path.name).problems == ()


@every_sample
def test_it_begins_by_saying_what_it_is_for(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    assert re.match(r"# An? .+", first)


@every_sample
def test_every_object_in_it_is_told_from_the_next(path: Path) -> None:
    """A sample is read from top to bottom: no tabs, no anchors, and short lines."""
    text = path.read_text()
    assert "\t" not in text
    assert not re.search(r"[:-] [&*]\w", text)
    assert max(len(line) for line in text.splitlines()) <= 112


@every_sample
def test_the_page_has_a_row_for_it(path: Path) -> None:
    assert (
        len(re.findall(rf"^\| .+ \| \[{path.name}\]\({path.name}\) \| .+ \|$", PAGE.read_text(), re.M)) == 1
    )


def test_the_page_says_what_is_carried_out() -> None:
    lines = ["| file | not yet |", "| --- | --- |"]
    for path in SAMPLES:
        fields = compile_plan(clean_install(load_host_configuration_file(path))).not_yet
        named = ", ".join(f"`{field}`" for field in fields) or "everything is carried out"
        lines.append(f"| {path.name} | {named} |")
    text = "\n".join(lines) + "\n"
    assert generated("carried out", text) == text, "run these tests with UPDATE_GOLDEN=1"


def test_the_page_shows_what_each_makes_of_the_disks() -> None:
    blocks = []
    for path in SAMPLES:
        flowchart = to_mermaid(build_graph(load_host_configuration_file(path)))
        blocks.append(f"### {path.name}\n\n```mermaid\n{flowchart}```\n")
    text = "\n" + "\n".join(blocks)
    assert generated("pictures", text) == text, "run these tests with UPDATE_GOLDEN=1"
