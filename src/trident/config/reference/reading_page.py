"""The page on how the YAML is read."""

from __future__ import annotations

from trident.config import document

_TEXT = """\
# How the YAML is read

The text is UTF-8, one document, YAML 1.2. Plain (unquoted) values mean what the core schema makes of them
where a kind of value is asked for:

| written | where text is expected | where a number is expected | where true or false is expected |
| --- | --- | --- | --- |
| `on`, `yes`, `off`, `no` | that text | a mistake | a mistake |
| `true`, `True`, `TRUE` | that text | a mistake | true |
| `12`, `+12`, `0xC`, `0o14`, `0b1100` | that text | 12 | a mistake |
| `0755`, `1_000`, `12:30`, `2024-01-31` | that text | a mistake | a mistake |
| `1e3`, `.inf` | that text | a mistake: no field holds fractions | a mistake |
| `"12"`, `'true'` | that text | a mistake | a mistake |
| `null`, `~`, or nothing | that text; "not given" if the field may be left out | likewise | a mistake |

Nothing after the colon (`users:`) is an empty list or object where one is expected; `users: null` is a
mistake.
In `image.sha384`, `content` and `path` of a script, and a mount point, text that looks like a number needs
quotes. Inside `os.netplan` every plain value is what the core schema makes of it.

A key that stands twice in one mapping is a mistake, as are merge keys (`<<`), tags other than those of the
core schema, and keys that are lists or mappings. Anchors and aliases work. A file may have {megabytes} MiB,
{depth} levels and {values} values with aliases written out. A byte order mark at the start is a warning.
"""


def reading_page() -> str:
    """The whole page."""
    return _TEXT.format(
        megabytes=document.MAX_BYTES // 1024**2, depth=document.MAX_DEPTH, values=f"{document.MAX_VALUES:,}"
    )
