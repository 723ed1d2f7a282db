"""Rules about the network settings: ``netplan`` of the target OS and of the management OS.

What may stand at which key is judged when they are read (:mod:`trident.config.netplan`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from trident.config import scalars
from trident.config.nodes import Path
from trident.config.rules.rule import Rule, Violation
from trident.config.rules.subject import Subject

_SECTIONS: tuple[Path, ...] = (("os", "netplan"), ("managementOs", "netplan"))
_FIELDS = ("os.netplan", "managementOs.netplan")
_INTERFACE = re.compile(r"[!-~]+", re.ASCII)
_GLOB = frozenset("*?[]")
_VERSION = 2
_INTERFACE_KINDS = (
    "ethernets", "bridges", "bonds", "vlans", "wifis", "tunnels", "dummy-devices", "vrfs",
)  # fmt: skip


def _settings(subject: Subject) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The network settings that there are, and where."""
    configuration = subject.configuration
    both = (configuration.os.netplan, configuration.management_os.netplan)
    for path, netplan in zip(_SECTIONS, both, strict=True):
        if netplan is not None:
            yield path, netplan


def _version_is_two(subject: Subject) -> Iterator[Violation]:
    for path, netplan in _settings(subject):
        version = netplan.get("version")
        if version is None:
            yield Violation(path, "The netplan settings name no version.", "Add 'version: 2'.", at_key=True)
        elif isinstance(version, bool) or scalars.integer(str(version)) != _VERSION:
            yield Violation((*path, "version"), f"The netplan version must be {_VERSION}.")


def _renderer_is_supported(subject: Subject) -> Iterator[Violation]:
    for path, netplan in _settings(subject):
        if netplan.get("renderer") == "NetworkManager":
            message = "The netplan renderer 'NetworkManager' is not supported."
            yield Violation((*path, "renderer"), message, "Write 'networkd', or remove 'renderer'.")


def _interface_names_are_valid(subject: Subject) -> Iterator[Violation]:
    for path, netplan in _settings(subject):
        for kind in _INTERFACE_KINDS:
            interfaces = netplan.get(kind)
            for name in interfaces if isinstance(interfaces, dict) else ():
                if not _INTERFACE.fullmatch(name) or _GLOB & set(name):
                    message = (
                        f"'{name}' cannot be the id of an interface: no spaces, no '*', '?', '[' or ']'."
                    )
                    suggestion = "Choose any id and write the pattern below it: 'match: {name: ...}'."
                    yield Violation((*path, kind, name), message, suggestion, at_key=True)


RULES = (
    Rule(
        "invalid-netplan-version",
        "Netplan settings have version 2.",
        "upstream, netplan",
        _SECTIONS,
        _version_is_two,
        fields=_FIELDS,
    ),
    Rule(
        "unsupported-netplan-renderer",
        "The netplan renderer is not 'NetworkManager'.",
        "upstream, netplan",
        _SECTIONS,
        _renderer_is_supported,
        fields=_FIELDS,
    ),
    Rule(
        "invalid-interface-name",
        "The id of an interface has no spaces and none of '*', '?', '[' and ']'.",
        "upstream, netplan",
        _SECTIONS,
        _interface_names_are_valid,
        fields=_FIELDS,
    ),
)
