"""YAML as the datastore keeps it: Host Status and Host Configurations, written and read."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from trident.errors import Initialization
from trident.state.status import HostStatus

_PLAIN = "tag:trident,plain"
_CORE = "tag:yaml.org,2002:"
_SCALARS = (_PLAIN, *(_CORE + name for name in ("null", "bool", "int", "float")))
# Types that the core schema of YAML 1.2 does not have, nor JSON.
_NOT_OF_1_2 = tuple(_CORE + name for name in ("binary", "timestamp", "omap", "pairs", "set"))


def parse_host_status(text: str) -> HostStatus:
    """Read a Host Status from its YAML text.

    Raises:
        Initialization: ``parse-host-status`` if it is not a Host Status.
    """
    try:
        return HostStatus.from_document(parse_mapping(text))
    except ValueError as error:
        raise Initialization(
            "parse-host-status",
            "The newest Host Status in the datastore cannot be read.",
            hint="If a newer version of Trident wrote it, use that version.",
        ) from error


def parse_mapping(text: str) -> dict[str, Any]:
    """Read a mapping from its YAML text, as :func:`parse_yaml` does.

    Raises:
        ValueError: it is no YAML, or no mapping; the message is a clause for people.
    """
    document = parse_yaml(text)
    if not isinstance(document, dict):
        raise ValueError("it is not a mapping")
    return document


def parse_yaml(text: str, *, tags: bool = True) -> Any:
    """Read plain data from its YAML text.

    What upstream's serialiser (serde_yaml) leaves unquoted means here what it means to upstream's reader:
    ``yes``, ``52:54:00:12:34:56`` and ``2024-01-01`` are text. What it writes with a tag, an error with its
    details, becomes a mapping from the tag's name, as it stands in JSON and in what we write.

    Args:
        text: the YAML text.
        tags: whether it may have such tags.

    Raises:
        ValueError: it is no YAML; the message is a clause for people.
    """
    import yaml

    from trident.config.scalars import meaning

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        # PyYAML's own table is that of YAML 1.1. Here each plain scalar gets one tag; its meaning is below.
        yaml_implicit_resolvers: ClassVar = {None: [(_PLAIN, re.compile(""))]}

    def construct_tagged(loader: Any, name: str, node: yaml.Node) -> dict[str, Any]:
        if isinstance(node, yaml.MappingNode):
            return {name: loader.construct_mapping(node, deep=True)}
        if isinstance(node, yaml.SequenceNode):
            return {name: loader.construct_sequence(node, deep=True)}
        return {name: loader.construct_scalar(node)}

    for name in _SCALARS:
        Loader.add_constructor(name, lambda loader, node: meaning(loader.construct_scalar(node)))
    for name in _NOT_OF_1_2:
        Loader.add_constructor(name, yaml.SafeLoader.construct_undefined)
    if tags:
        Loader.add_multi_constructor("!", construct_tagged)
    try:
        return yaml.load(text, Loader=Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"it is no YAML: {error}") from error


def dump_yaml(document: Any) -> str:
    """``document`` as block-style YAML in the given key order, for readers of YAML 1.1 and 1.2 alike."""
    import yaml

    from trident.config.scalars import meaning

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        pass

    def represent_text(dumper: Any, text: str) -> Any:
        # A file name that is not UTF-8 is no text: its odd bytes become escapes, as on stderr.
        text = text.encode(errors="backslashreplace").decode()
        # PyYAML quotes what YAML 1.1 would take for something else; 1.2 takes other things, such as 0o17.
        quoted = '"' if text and not isinstance(meaning(text), str) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=quoted)

    Dumper.add_representer(str, represent_text)
    text = yaml.dump(
        document,
        Dumper=Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
    )
    return str(text).removesuffix("...\n")
