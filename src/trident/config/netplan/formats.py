"""Addresses and the like, as netplan checks them (netplan 1.1, ``src/parse.c`` and ``src/validation.c``)."""

from __future__ import annotations

import ipaddress
import re

_MAC = re.compile(r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}", re.ASCII)
_INFINIBAND = re.compile(r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){19}", re.ASCII)
_MAC_WORDS = frozenset(("permanent", "random", "stable", "preserve"))


def ip_address(text: str) -> str | None:
    """An address without a prefix."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return "expects an IP address"
    return None


def ipv4_address(text: str) -> str | None:
    """An IPv4 address without a prefix."""
    return None if ip_address(text) is None and ":" not in text else "expects an IPv4 address"


def ipv6_address(text: str) -> str | None:
    """An IPv6 address without a prefix."""
    return None if ip_address(text) is None and ":" in text else "expects an IPv6 address"


def address_with_prefix(text: str) -> str | None:
    """An address such as ``192.0.2.5/24``."""
    address, slash, prefix = text.partition("/")
    if ip_address(address) is not None:
        return "expects an IP address with its prefix, such as 192.0.2.5/24"
    if not slash:
        return f"expects the prefix of the network behind an address, such as {text}/24"
    most = 128 if ":" in address else 32
    is_prefix = prefix.isascii() and prefix.isdigit() and len(prefix) < 4 and int(prefix) <= most
    return None if is_prefix else f"expects a prefix from 0 to {most} behind an address"


def network(text: str) -> str | None:
    """The destination of a route: an address, with a prefix or without, or ``default``."""
    if text == "default" or ip_address(text) is None or address_with_prefix(text) is None:
        return None
    return "expects a network such as 192.0.2.0/24, or 'default'"


def mac_address(text: str) -> str | None:
    """A hardware address, or a word for one."""
    if _MAC.fullmatch(text) or _INFINIBAND.fullmatch(text) or text in _MAC_WORDS:
        return None
    return "expects a MAC address such as 52:54:00:12:34:56"
