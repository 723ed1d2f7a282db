"""The network settings as a whole, and each kind of device: what upstream's crate reads by its type.

Source: netplan-types 0.5.0, ``src/lib.rs`` and ``src/netplan/``; ``also``, ``loose`` and ``needed`` are
netplan's own (YAML reference, 1.1).
"""

from __future__ import annotations

from trident.config.netplan import formats
from trident.config.netplan.kinds import (
    I32,
    TEXTS,
    U8,
    U16,
    U32,
    U64,
    Anything,
    Flag,
    Kind,
    ListOf,
    MapOf,
    Record,
    Text,
    TunnelKey,
    Unlike,
    Words,
)
from trident.config.netplan.settings import AUTH, COMMON, FLAG, PHYSICAL, RENDERERS

_NETWORKMANAGER: dict[str, Kind] = {"networkmanager": Anything()}

_ETHERNET = Record(
    "an ethernet",
    strict={
        "link": Text(),
        "virtual-function-count": U16,
        "embedded-switch-mode": Words(("switchdev", "legacy")),
        "delay-virtual-functions-rebind": Flag(is_yaml=True),
    },
    loose={
        **PHYSICAL,
        **COMMON,
        "auth": Record("an auth section", loose=AUTH),
        "infiniband-mode": Words(("datagram", "connected")),
    },
    is_buffered=True,
)

_ACCESS_POINT = Record(
    "an access point",
    strict={
        "password": Text(),
        "auth": Record("an auth section", strict=AUTH),
        "mode": Words(("infrastructure", "ap", "adhoc")),
        "bssid": Text(formats.mac_address),
        "band": Words(("2.4GHz", "5GHz"), also=("2.4G", "5G")),
        "channel": U32,
        "hidden": FLAG,
    },
    loose=_NETWORKMANAGER,
)

_WIFI = Record(
    "a wifi",
    strict={
        "access-points": MapOf(_ACCESS_POINT),
        "wakeonwlan": ListOf(
            Words(
                (
                    *("any", "disconnect", "magic_pkt", "gtk_rekey_failure", "eap_identity_req"),
                    *("four_way_handshake", "rfkill_release", "tcp", "default"),
                )
            )
        ),
    },
    loose={**PHYSICAL, **COMMON, "auth": Record("an auth section", loose=AUTH), "regulatory-domain": Text()},
    is_buffered=True,
)

_BOND_PARAMETERS = Record(
    "a set of bond parameters",
    strict={
        "mode": Words(
            (
                *("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb"),
                "balance-alb",
            ),
            also=("balance-tcp", "balance-slb"),
        ),
        "lacp-rate": Words(("slow", "fast")),
        "mii-monitor-interval": Text(),
        "min-links": U16,
        "transmit-hash-policy": Words(
            ("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4"), also=("vlan+srcmac",)
        ),
        "ad-select": Words(("stable", "bandwidth", "count")),
        "all-slaves-active": FLAG,
        "arp-interval": Text(),
        "arp-ip-targets": ListOf(Text(formats.ipv4_address)),
        "arp-validate": Words(("none", "active", "backup", "all")),
        "arp-all-targets": Words(("any", "all")),
        "up-delay": Text(),
        "down-delay": Text(),
        "fail-over-mac-policy": Words(("none", "activv", "follow"), also=("active",), unknown=("activv",)),
        "gratuitous-arp": U8,
        "packets-per-slave": U32,
        "primary-reselect-policy": Words(("always", "better", "failure")),
        "resend-igmp": U8,
        "learn-packet-interval": Text(),
        "primary": Text(),
    },
    loose={"all-members-active": FLAG, "packets-per-member": U32, "gratuitious-arp": U8},
)

_BRIDGE_PARAMETERS = Record(
    "a set of bridge parameters",
    strict={
        "ageing-time": Text(),
        "priority": U32,
        "port-priority": Unlike(U8, MapOf(U32)),
        "forward-delay": Text(),
        "hello-time": Text(),
        "max-age": Text(),
        "path-cost": Unlike(I32, MapOf(U32)),
        "stp": FLAG,
    },
    loose={"aging-time": Text()},
)

_PEER = Record(
    "a WireGuard peer",
    strict={
        "endpoint": Text(),
        "allowed-ips": ListOf(Text(formats.address_with_prefix)),
        "keepalive": U32,
        "keys": Record("a set of peer keys", strict={"public": Text(), "shared": Text()}),
    },
)

_TUNNEL = Record(
    "a tunnel",
    strict={
        "mode": Words(
            (
                *("sit", "gre", "ip6gre", "ipip", "ipip6", "ip6ip6", "vti", "vti6", "wireguard"),
                *("gretap", "ip6gretap", "isatap"),
            ),
            also=("vxlan",),
        ),
        "local": Text(formats.ip_address),
        "remote": Text(formats.ip_address),
        "ttl": U64,
        "key": TunnelKey(),
        "mark": Text(),
        "port": Text(),
        "peers": ListOf(_PEER),
    },
    loose={
        **COMMON,
        "keys": Anything(),
        **dict.fromkeys(
            (
                *("link", "id", "limit", "type-of-service", "flow-label", "checksums", "notifications"),
                *("ageing", "aging", "mac-learning", "arp-proxy", "short-circuit", "do-not-fragment"),
                *("port-range", "remote-checksum-tx", "remote-checksum-rx"),
            ),
            Anything(),
        ),
    },
    required=("peers",),
    needed=("mode",),
    is_buffered=True,
)


def _device(noun: str, strict: dict[str, Kind], *required: str, needed: tuple[str, ...] = ()) -> Record:
    return Record(noun, strict, COMMON, required, needed, is_buffered=True)


NETWORK = Record(
    "a netplan section",
    strict={
        "version": U8,
        "renderer": RENDERERS,
        "ethernets": MapOf(_ETHERNET),
        "wifis": MapOf(_WIFI),
        "bonds": MapOf(_device("a bond", {"interfaces": TEXTS, "parameters": _BOND_PARAMETERS})),
        "bridges": MapOf(_device("a bridge", {"interfaces": TEXTS, "parameters": _BRIDGE_PARAMETERS})),
        "vlans": MapOf(_device("a VLAN", {"id": U16, "link": Text()}, needed=("id", "link"))),
        "tunnels": MapOf(_TUNNEL),
        "vrfs": MapOf(_device("a VRF", {"table": I32, "interfaces": TEXTS}, "table", "interfaces")),
        "dummy-devices": MapOf(_device("a dummy device", {})),
    },
    loose={
        "virtual-ethernets": MapOf(Record("a virtual ethernet", loose={**COMMON, "peer": Text()})),
        "openvswitch": Anything(),
    },
    required=("version",),
)

NETWORKMANAGER_ONLY = frozenset(("modems", "nm-devices"))
"""Keys of the netplan section that netplan carries out through NetworkManager alone."""
