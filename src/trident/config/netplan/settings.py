"""Settings that devices of every kind have.

Upstream's crate drops all of them together when one does not fit its type, so nothing here is refused; what
netplan refuses is a warning.  Source: netplan's YAML reference (1.1) and its ``src/parse.c``.
"""

from __future__ import annotations

from trident.config.netplan import formats
from trident.config.netplan.kinds import (
    TEXTS,
    U32,
    Address,
    Anything,
    Flag,
    Kind,
    ListOf,
    MapOf,
    Record,
    Text,
    Words,
)

FLAG = Flag()
_ADDRESSES = ListOf(Text(formats.ip_address))

RENDERERS = Words(("networkd", "NetworkManager", "sriov"), unknown=("sriov",))

AUTH: dict[str, Kind] = {
    "key-management": Words(
        ("none", "psk", "eap", "sae", "802.1x"), also=("eap-sha256", "eap-suite-b-192", "psk-sha256")
    ),
    "password": Text(),
    "method": Words(("tls", "peap", "ttls"), also=("leap", "pwd")),
    "identity": Text(),
    "anonymous-identity": Text(),
    "ca-certificate": Text(),
    "client-certificate": Text(),
    "client-key": Text(),
    "client-key-password": Text(),
    "phase2-auth": Text(),
}

_OVERRIDES = Record(
    "a set of DHCP overrides",
    loose={
        **dict.fromkeys(
            ("use-dns", "use-ntp", "send-hostname", "use-hostname", "use-mtu", "use-routes"), FLAG
        ),
        "hostname": Text(),
        "route-metric": U32,
        "use-domains": Text(),
    },
)

_ROUTE = Record(
    "a route",
    loose={
        "from": Text(formats.ip_address),
        "to": Text(formats.network),
        "via": Text(formats.ip_address),
        "on-link": FLAG,
        "metric": U32,
        "type": Words(
            (
                *("unicast", "anycast", "blackhole", "broadcast", "local", "multicast", "nat"),
                *("prohibit", "throw", "unreachable", "xresolve"),
            )
        ),
        "scope": Words(("global", "link", "host")),
        **dict.fromkeys(("table", "mtu", "congestion-window", "advertised-receive-window"), U32),
        "advertised-mss": U32,
    },
    needed=("to",),
)

_POLICY = Record(
    "a routing policy",
    loose={
        "from": Text(formats.network),
        "to": Text(formats.network),
        **dict.fromkeys(("table", "priority", "mark", "type-of-service"), U32),
    },
)

COMMON: dict[str, Kind] = {
    "renderer": Words(("networkd", "sriov")),
    **dict.fromkeys(
        ("dhcp4", "dhcp6", "ipv6-privacy", "ignore-carrier", "critical", "accept-ra", "optional"), FLAG
    ),
    "ipv6-mtu": U32,
    "link-local": ListOf(Words(("ipv4", "ipv6"))),
    "dhcp-identifier": Words(("mac", "duid")),
    "dhcp4-overrides": _OVERRIDES,
    "dhcp6-overrides": _OVERRIDES,
    "ra-overrides": Anything(),
    "addresses": ListOf(Address()),
    "ipv6-address-generation": Words(("eui64", "stable-privacy")),
    "ipv6-address-token": Text(formats.ipv6_address),
    "gateway4": Text(formats.ipv4_address),
    "gateway6": Text(formats.ipv6_address),
    "nameservers": Record("a nameservers section", loose={"addresses": _ADDRESSES, "search": TEXTS}),
    "macaddress": Text(formats.mac_address),
    "mtu": U32,
    "optional-addresses": ListOf(Words(("ipv4-ll", "ipv6-ra", "dhcp4", "dhcp6", "static"))),
    "activation-mode": Words(("manual", "off")),
    "routes": ListOf(_ROUTE),
    "routing-policy": ListOf(_POLICY),
    "neigh-suppress": FLAG,
    "hairpin": FLAG,
    "port-mac-learning": FLAG,
    "openvswitch": MapOf(Anything()),
    "networkmanager": MapOf(Anything()),
}

PHYSICAL: dict[str, Kind] = {
    "match": Record(
        "a match",
        loose={
            "name": Text(),
            "macaddress": Text(formats.mac_address),
            "driver": ListOf(Text(), or_one=True),
        },
    ),
    "set-name": Text(),
    **dict.fromkeys(
        (
            *("wakeonlan", "emit-lldp", "receive-checksum-offload", "transmit-checksum-offload"),
            *("tcp-segmentation-offload", "tcp6-segmentation-offload", "generic-segmentation-offload"),
            *("generic-receive-offload", "large-receive-offload"),
        ),
        FLAG,
    ),
}
