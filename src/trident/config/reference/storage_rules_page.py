"""The page of the storage rules: every table that the checks read, with the codes of the mistakes."""

from __future__ import annotations

from trident.config.reference.markdown import code, link, table
from trident.config.reference.storage_tables import Table, storage_tables

_OPENING = """\
# Storage rules

What may stand on what. *Block devices* are what has an id: disks, partitions, arrays, pairs, volumes.
*Referrers* are what names them: file systems, swap areas, and the block devices that are made of others.

The tables are those by which `trident validate` judges. What breaks one is an error, if nothing else is said;
each table names the [rules](rules.md) that read it.

"""


def storage_rules_page() -> str:
    """The whole page."""
    return _OPENING + "\n".join(_section(one) for one in storage_tables())


def _section(one: Table) -> str:
    rules = ", ".join(link(code(name), "rules.md", name) for name in one.codes)
    read_by = f" Read by {rules}." if rules else ""
    return f"## {one.title}\n\n{one.sentence}{read_by}\n\n{table(one.headings, one.rows)}"
