"""Which rules are about which fields."""

from __future__ import annotations

from functools import cache

from trident.config.rules import all_rules
from trident.config.rules.rule import Rule


@cache
def rules_of_fields() -> dict[str, tuple[Rule, ...]]:
    """The rules of each field that is named by one, by its path."""
    found: dict[str, tuple[Rule, ...]] = {}
    for rule in all_rules():
        for path in rule.fields:
            found[path] = (*found.get(path, ()), rule)
    return found


def rules_of(path: str) -> tuple[Rule, ...]:
    """The rules that are about the field at ``path`` itself."""
    return rules_of_fields().get(path, ())
