"""The pages in docs/how-to tell the truth: every command on them runs, on one machine, in the order below.

A page's blocks are its script. ``yaml`` is laid over the host's configuration in ``host.yaml``. ``sh`` runs
line by line as root; every line must succeed, but the last of ``sh fails`` must not, and that of
``sh reboots`` ends in a reboot. Every line of ``text`` must be in what the ``sh`` block before it printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import images, life
from lab.extensions import sysext
from lab.http import Server
from lab.machine import Machine
from lab.paths import PROJECT

pytestmark = pytest.mark.vm

PAGES = PROJECT / "docs/how-to"
# Each goes on from where the one before it left the machine.
ORDER = ("runtime-updates", "two-step-update", "health-checks", "rollback")
EXAMPLE = "https://images.example/"


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: where it begins, its info string and its lines."""

    place: str
    kind: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w[\w ]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        line = text[: found.start()].count("\n") + 1
        yield Block(f"{page.name}:{line}", found[1], found[2])


def overlaid(base: Any, upper: Any) -> Any:
    """``upper`` laid over ``base``: mappings are merged, anything else is replaced."""
    if isinstance(base, Mapping) and isinstance(upper, Mapping):
        return {**base, **{key: overlaid(base.get(key), value) for key, value in upper.items()}}
    return upper


class Reader:
    """Somebody who follows the pages on a machine."""

    def __init__(self, machine: Machine, server: Server) -> None:
        self.machine = machine
        self.said = ""
        # What the pages call https://images.example/NAME, and the hash that goes with it.
        self.files = {
            "v2.cosi": (server.publish(images.good(2).path), images.good(2).sha384),
            **{
                f"lab-tool-{version}.raw": (server.publish(sysext(version).path), sysext(version).sha384)
                for version in (1, 2)
            },
        }
        self.configuration = yaml.safe_load(machine.read("trident get configuration"))

    def follow(self, block: Block) -> None:
        """Do what a block says."""
        match block.kind.split():
            case ["yaml"]:
                self.configuration = overlaid(self.configuration, self._real(yaml.safe_load(block.text)))
            case ["sh", *how]:
                self._save()
                *lines, last = block.text.strip().splitlines()
                self.said = "".join(self._run(line, block) for line in lines)
                self.said += self._last(last, block, how)
            case ["text"]:
                for line in block.text.splitlines():
                    assert line in self.said, f"{block.place}: '{line}' is not in:\n{self.said}"
            case _:
                raise AssertionError(f"{block.place}: nobody knows what to do with a block of '{block.kind}'")

    def _real(self, example: Any) -> Any:
        """The example with the lab's addresses and hashes for those of the page."""
        if isinstance(example, list):
            return [self._real(entry) for entry in example]
        if not isinstance(example, dict):
            return example
        real = {key: self._real(value) for key, value in example.items()}
        if "url" in real:
            assert real["url"].startswith(EXAMPLE)
            real["url"], real["sha384"] = self.files[real["url"].removeprefix(EXAMPLE)]
        return real

    def _save(self) -> None:
        """Under the name that the pages use. The reboot into another volume leads to another /root."""
        self.machine.put(yaml.safe_dump(self.configuration, sort_keys=False), "/root/host.yaml")

    def _run(self, line: str, block: Block, *, succeeds: bool = True) -> str:
        result = self.machine.run(f"cd /root; {line}", check=False, seconds=300)
        said = result.stdout + result.stderr
        assert (result.returncode == 0) is succeeds, f"{block.place}: '{line}' ended otherwise:\n{said}"
        return said

    def _last(self, line: str, block: Block, how: list[str]) -> str:
        if how == ["reboots"]:
            result = life.servicing(self.machine, f"cd /root; {line}")
            life.settle(self.machine)
            return result.stdout + result.stderr
        assert how in ([], ["fails"]), block.place
        return self._run(line, block, succeeds=not how)


def test_every_page_is_in_the_order() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == set(ORDER)


def test_the_pages_can_be_followed(runs_v1: Machine, server: Server) -> None:
    reader = Reader(runs_v1, server)

    for page in ORDER:
        for block in blocks(PAGES / f"{page}.md"):
            reader.follow(block)
