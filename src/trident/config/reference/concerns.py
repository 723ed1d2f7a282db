"""Which rules are about which fields."""

from __future__ import annotations

from functools import cache

from trident.config.nodes import spelled
from trident.config.rules import all_rules
from trident.config.rules.rule import Rule


def fields_of_rule(rule: Rule) -> tuple[str, ...]:
    """The paths of the fields that a rule is about."""
    return rule.fields or tuple(spelled(path) for path in rule.reads)


@cache
def rules_of_fields() -> dict[str, tuple[Rule, ...]]:
    """The rules of each field that is named by one, by its path."""
    found: dict[str, tuple[Rule, ...]] = {}
    for rule in all_rules():
        for path in fields_of_rule(rule):
            found[path] = (*found.get(path, ()), rule)
    return found


def rules_of(path: str) -> tuple[Rule, ...]:
    """The rules that are about the field at ``path`` itself."""
    return rules_of_fields().get(path, ())
