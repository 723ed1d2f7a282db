"""The page of all rules by code, and the codes of texts that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

from trident.config.reference.advice import ADVICE
from trident.config.reference.codes import READING_CODES
from trident.config.reference.markdown import code, marked, table
from trident.config.rules import all_rules

_OPENING = """\
# Rules

`trident validate` names each mistake by a stable code; `trident explain CODE` prints what this page says. An
error refuses the configuration, a warning does not. A rule looks at the configuration as a whole and is
applied where the sections that it reads could be read.

"""
_READING = """\
## Reading

Before rules come texts that are no YAML, or no Host Configuration. [How the YAML is read](yaml.md) says more.

"""


def rules_page() -> str:
    """The whole page."""
    return _OPENING + "\n".join(_sections()) + "\n" + _READING + table(("code", "meaning"), _reading())


def _sections() -> Iterator[str]:
    for rule in all_rules():
        fields = ", ".join(code(path) for path in rule.fields)
        facts = [f"- {rule.severity}", f"- fields: {fields}", f"- source: {rule.source}"]
        advice = f" *{marked(ADVICE[rule.code])}*" if rule.code in ADVICE else ""
        yield f"## {rule.code}\n\n{marked(rule.sentence)}{advice}\n\n" + "\n".join(facts) + "\n"


def _reading() -> Iterator[tuple[str, str]]:
    for name, sentence in READING_CODES.items():
        yield code(name), marked(sentence)
