"""Whether an image and a Host Configuration were made for each other. Pure: it looks at two documents.

``trident validate`` with an image, ``trident plan``, ``install`` and ``update`` all ask here, so that none of
them accepts what another one refuses.
"""

from __future__ import annotations

from collections.abc import Iterator

from trident.crosscheck import boot, esp, filesystems, sizes, target, verity
from trident.crosscheck.rule import Mismatch, Rule
from trident.crosscheck.subject import Purpose, Subject

__all__ = ["Mismatch", "Purpose", "Rule", "Subject", "all_rules", "cross_check"]


def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the reference page."""
    return (*target.RULES, *filesystems.RULES, *esp.RULES, *sizes.RULES, *verity.RULES, *boot.RULES)


def cross_check(subject: Subject) -> Iterator[Mismatch]:
    """Every mismatch, errors and warnings. The configuration may break its own rules; the image is valid."""
    for rule in all_rules():
        for violation in rule.check(subject):
            yield Mismatch(rule, violation)
