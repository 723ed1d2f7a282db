"""All rules, and the one function that applies them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trident.config.nodes import Path
from trident.config.rules import (
    agent,
    devices,
    encryption,
    extensions,
    filesystems,
    health,
    names,
    netplan,
    partition_types,
    scripts,
    target,
    verity,
)
from trident.config.rules.rule import Rule, Violation
from trident.config.rules.subject import Subject

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration


def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the reference page."""
    storage = (devices, partition_types, filesystems, encryption, verity, names)
    rest = (agent, target, netplan, extensions, scripts, health)
    return tuple(rule for room in (*storage, *rest) for rule in room.RULES)


def judge(
    configuration: HostConfiguration, unread: tuple[Path, ...] = ()
) -> Iterator[tuple[Rule, Violation]]:
    """Every violation of every rule that looks at nothing in ``unread``."""
    subject = Subject(configuration)
    for rule in all_rules():
        if any(_overlap(section, gap) for section in rule.reads for gap in unread):
            continue
        for violation in rule.check(subject):
            yield rule, violation


def _overlap(one: Path, other: Path) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
