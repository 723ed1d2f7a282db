"""Rules about the network settings: ``netplan`` of the target OS and of the management OS."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trident.config.nodes import Path
from trident.config.rules.rule import Rule, Violation
from trident.config.rules.subject import Subject

_NETPLAN: Path = ("os", "netplan")
_INTERFACE = re.compile(r"[!-~]+", re.ASCII)
_GLOB = frozenset("*?[]")
_NETPLAN_VERSION = 2
_INTERFACE_KINDS = (
    "ethernets", "bridges", "bonds", "vlans", "wifis", "tunnels", "dummy-devices", "vrfs",
)  # fmt: skip


def _netplan_version_is_two(subject: Subject) -> Iterator[Violation]:
    netplan = subject.configuration.os.netplan
    if netplan is None:
        return
    version = netplan.get("version")
    if type(version) is int and version == _NETPLAN_VERSION:
        return
    if "version" in netplan:
        yield Violation((*_NETPLAN, "version"), f"The netplan version must be {_NETPLAN_VERSION}.")
    elif isinstance(netplan.get("network"), dict):
        message = "'os.netplan' is the content of netplan's 'network', without that key itself."
        yield Violation(
            (*_NETPLAN, "network"), message, "Remove 'network:' and indent its content less.", at_key=True
        )
    else:
        yield Violation(_NETPLAN, "The netplan settings name no version.", "Add 'version: 2'.", at_key=True)


def _netplan_renderer_is_supported(subject: Subject) -> Iterator[Violation]:
    renderer = (subject.configuration.os.netplan or {}).get("renderer")
    if renderer is not None and renderer != "networkd":
        message = f"The netplan renderer '{renderer}' is not supported."
        yield Violation((*_NETPLAN, "renderer"), message, "Write 'networkd', or remove 'renderer'.")


def _interface_names_are_valid(subject: Subject) -> Iterator[Violation]:
    netplan = subject.configuration.os.netplan or {}
    for kind in _INTERFACE_KINDS:
        interfaces = netplan.get(kind)
        for name in interfaces if isinstance(interfaces, dict) else ():
            if not _INTERFACE.fullmatch(name) or _GLOB & set(name):
                message = f"'{name}' cannot be the id of an interface: no spaces, no '*', '?', '[' or ']'."
                suggestion = "Choose any id and write the pattern below it: 'match: {name: ...}'."
                yield Violation((*_NETPLAN, kind, name), message, suggestion, at_key=True)


RULES = (
    Rule(
        "invalid-netplan-version",
        "Netplan settings have version 2.",
        "upstream, netplan",
        (_NETPLAN,),
        _netplan_version_is_two,
        fields=("os.netplan",),
    ),
    Rule(
        "unsupported-netplan-renderer",
        "The netplan renderer is 'networkd'.",
        "upstream, netplan",
        (_NETPLAN,),
        _netplan_renderer_is_supported,
        fields=("os.netplan",),
    ),
    Rule(
        "invalid-interface-name",
        "The id of an interface has no spaces and none of '*', '?', '[' and ']'.",
        "upstream, netplan",
        (_NETPLAN,),
        _interface_names_are_valid,
        fields=("os.netplan",),
    ),
)
