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
In `image.sha384`, `content` and `path` of a script, `path` of an extension, a mount point and a swap device,
text that looks like a number needs quotes; in a health check every text does. A PCR number has no quotes.
Inside `internalParams` every plain value is what the core schema makes of it.

A value out of a list of names can also be written as a tag with nothing behind it: `mode: !enforcing`. Any
other tag is a warning where it changes nothing, and a mistake where it does not fit (`!!null` before a word;
a tag such as `!x` on `content`, `sha384`, a size, a partition type or a mount point).

Network settings (`netplan`) are judged key by key as upstream judges them, by the types of netplan-types 0.5:
where it knows a type, what does not fit is a mistake. Keys that it does not know, and settings that all
devices share (`dhcp4`, `addresses`, `routes`), are never refused. What netplan itself is going to refuse is a
warning: an installation or update fails when the netplan of the target OS refuses its settings. Netplan is
handed every value as it is written: a password `0x1F` stays that.

A key that stands twice in one mapping is a mistake, as are keys that are lists or mappings. Merge keys
(`<<`) are not part of YAML 1.2: `<<` is a key like any other. Anchors and aliases work. A file may have
{megabytes} MiB, {depth} levels and {values} values with aliases written out. A byte order mark at the start
is a mistake unless the first line is a comment or starts with a curly bracket; anywhere else it is a warning.
"""


def reading_page() -> str:
    """The whole page."""
    return _TEXT.format(
        megabytes=document.MAX_BYTES // 1024**2, depth=document.MAX_DEPTH, values=f"{document.MAX_VALUES:,}"
    )
