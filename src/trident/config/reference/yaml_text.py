"""Plain data as YAML that people would have written."""

from __future__ import annotations

import yaml

from trident.config import scalars


class _Dumper(yaml.SafeDumper):
    """Writes lists below their key, indented; text of several lines as a block."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" in text:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    # YAML 1.2 takes more for plain text than the library, which writes 1.1: 'on', dates.
    if not isinstance(scalars.meaning(text) if text else None, str):
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
    return dumper.represent_scalar("tag:yaml.org,2002:str", text)


_Dumper.add_representer(str, _text)


def block(data: object) -> str:
    """YAML over several lines."""
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000))


def inline(data: object) -> str:
    """YAML on one line."""
    flow = not isinstance(data, str | int | bool)
    text = yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=10_000,
        default_flow_style=flow or None,
    )
    return str(text).removesuffix("...\n").rstrip("\n")
