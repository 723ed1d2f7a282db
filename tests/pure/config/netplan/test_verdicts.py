"""Network settings that are accepted, refused and warned about, key by key."""

from __future__ import annotations

import pytest

from tests.pure.config.sample import VALID, edited, problems_of
from trident.config.load import judge_host_configuration
from trident.config.problems import Problem, Severity

SAMPLE = "{version: 2, ethernets: {lan: {dhcp4: true}}}"
LIST = "Here must stand a list, not "
MAPPING = "Here must stand a mapping, not "
TEXT = "Here must stand text, not "
FLAG = "Here must stand true or false, not "
TAG = "The tag here does not fit what stands behind it."
TOO_LARGE = "This number does not fit into 64 bits."
TUNNEL_KEY = "The key of a tunnel stands behind a tag that says which kind of key it is."
HOW_TO_TAG = "Write '!Simple KEY', or '!Complex {input: KEY, output: KEY, private: KEY}'."
CANNOT_SAY = "but a Host Configuration cannot say it."
U8, U16, U32 = (f"Here must stand a whole number from 0 to {2**bits - 1}, not " for bits in (8, 16, 32))
I32 = f"Here must stand a whole number from {-(2**31)} to {2**31 - 1}, not "


def settings(written: str) -> str:
    """The sample with these network settings; ``%`` stands for ``version: 2``."""
    return edited((SAMPLE, written.replace("%", "version: 2")))


def found(written: str) -> tuple[Problem, ...]:
    return problems_of(settings(written))


ACCEPTED = [
    "{%}", "{version: 0x2}", "{%, renderer: networkd}", "{%, ethernets: }", "{%, ethernets: null}",
    "{%, ethernets: {}}", "{%, ethernets: {lan: }}", "{%, ethernets: {lan: {}, wan: {}}}", "null", "",
    "{%, ethernets: {any: {match: {name: 'en*'}, dhcp4: yes, dhcp6: 'No'}}}",
    "{%, ethernets: {any: {match: {macaddress: '52:54:00:12:34:56', driver: [virtio_net, 'e1000*']}}}}",
    "{%, ethernets: {any: {match: {driver: virtio_net}, set-name: lan, wakeonlan: on, mtu: 9000}}}",
    "{%, ethernets: {a: {addresses: [192.0.2.5/24, '2001:db8::5/64'], routes: [{to: default,"
    " via: 192.0.2.1}]}}}",
    "{%, ethernets: {a: {addresses: [192.0.2.5/24: {label: a, lifetime: 0},"
    " 192.0.2.6/24: {lifetime: forever}]}}}",
    "{%, ethernets: {a: {nameservers: {addresses: [192.0.2.1, '2001:db8::1'], search: [example.org]}}}}",
    "{%, ethernets: {a: {dhcp4: true, dhcp4-overrides: {use-dns: no, route-metric: 100,"
    " use-domains: route}}}}",
    "{%, ethernets: {a: {routing-policy: [{from: 192.0.2.0/24, table: 101}], accept-ra: no,"
    " optional: true}}}",
    "{%, ethernets: {a: {virtual-function-count: 4, embedded-switch-mode: switchdev, link: 5}}}",
    "{%, ethernets: {a: {delay-virtual-functions-rebind: true, link-local: [ipv4, ipv6], critical: true}}}",
    "{%, wifis: {w: {access-points: {home: {password: secret, hidden: on, mode: ap, band: 5GHz,"
    " channel: 36}}}}}",
    "{%, wifis: {w: {access-points: {work: {auth: {key-management: eap, method: ttls, identity: me}}}}}}",
    "{%, wifis: {w: {access-points: {open: {}, also: }, wakeonwlan: [magic_pkt, tcp],"
    " regulatory-domain: DE}}}",
    "{%, bonds: {b: {interfaces: [a, b], parameters: {mode: 802.3ad, lacp-rate: fast,"
    " mii-monitor-interval: 100}}}}",
    "{%, bonds: {b: {parameters: {mode: active-backup, primary: a, all-slaves-active: no, min-links: 1}}}}",
    "{%, bridges: {b: {interfaces: [a], parameters: {stp: 'yes', forward-delay: 4, priority: 10},"
    " dhcp4: yes}}}",
    "{%, vlans: {v: {id: 5, link: lan, addresses: [192.0.2.5/24]}}}",
    "{%, tunnels: {t: {mode: gre, local: 192.0.2.1, remote: 192.0.2.2, ttl: 255, peers: []}}}",
    "{%, tunnels: {t: {mode: wireguard, port: 5182, key: !Simple SECRET, peers: [{keepalive: 5,"
    " endpoint: a:1}]}}}",
    "{%, tunnels: {t: {mode: wireguard, peers: [{keys: {public: A, shared: B}, allowed-ips: [0.0.0.0/0]}]}}}",
    "{%, tunnels: {t: {mode: vti, key: !Complex {input: 1, output: 2}, peers: }}}",
    "{%, vrfs: {v: {table: -5, interfaces: [a], routes: [{to: 192.0.2.0/24, via: 192.0.2.1,"
    " metric: 4294967295}]}}}",
    "{%, dummy-devices: {d: {addresses: [192.0.2.1/32]}}}",
    "{%, virtual-ethernets: {a: {peer: b}, b: {peer: a}}}",
    "!x {%, ethernets: !y {lan: !z {link: !w a}}}", "{%, renderer: !networkd }", "{%, renderer: !!null ~}",
]  # fmt: skip


@pytest.mark.parametrize("written", ACCEPTED)
def test_it_is_accepted(written: str) -> None:
    assert [p.message for p in found(written) if p.code != "yaml-tag"] == []


@pytest.mark.parametrize("written", ACCEPTED)
def test_the_management_os_takes_the_same(written: str) -> None:
    text = VALID + f"managementOs:\n  netplan: {written.replace('%', 'version: 2')}\n"
    assert [p.message for p in problems_of(text) if p.code != "yaml-tag"] == []


REFUSED = [
    ("{}", "os.netplan", "A netplan section needs 'version'.", "Add 'version: 2'."),
    ("{network: {%}}",
     "os.netplan.network", "Here belongs the content of netplan's 'network', without that key itself.",
     "Remove 'network:' and indent its content less."),
    ("[a]", "os.netplan", MAPPING + "a list.", None),
    ("text", "os.netplan", MAPPING + "'text'.", None),
    ("{version: '2'}", "os.netplan.version", U8 + "the text '2'.", None),
    ("{version: 2.0}", "os.netplan.version", U8 + "'2.0'.", None),
    ("{version: null}", "os.netplan.version", U8 + "'null'.", None),
    ("{version: -0}", "os.netplan.version", U8 + "'-0'.", None),
    ("{version: 256}", "os.netplan.version", U8 + "'256'.", None),
    ("{%, renderer: Networkd}", "os.netplan.renderer",
     "Here must stand 'networkd', 'NetworkManager' or 'sriov', not 'Networkd'.", "Did you mean 'networkd'?"),
    ("{%, renderer: [networkd]}", "os.netplan.renderer",
     "Here must stand 'networkd', 'NetworkManager' or 'sriov', not a list.", None),
    ("{%, renderer: !!null x}", "os.netplan.renderer", TAG, "Remove the tag."),
    ("{%, ethernets: [lan]}", "os.netplan.ethernets", MAPPING + "a list.", None),
    ("{%, ethernets: lan}", "os.netplan.ethernets", MAPPING + "'lan'.", None),
    ("{%, ethernets: {lan: null}}", "os.netplan.ethernets.lan", MAPPING + "'null'.", None),
    ("{%, ethernets: {lan: true}}", "os.netplan.ethernets.lan", MAPPING + "'true'.", None),
    ("{%, ethernets: {lan: {link: [a]}}}", "os.netplan.ethernets.lan.link", TEXT + "a list.", None),
    ("{%, ethernets: {lan: {virtual-function-count: '4'}}}",
     "os.netplan.ethernets.lan.virtual-function-count",
     U16 + "the text '4'.", None),
    ("{%, ethernets: {lan: {virtual-function-count: 65536}}}",
     "os.netplan.ethernets.lan.virtual-function-count",
     U16 + "'65536'.", None),
    ("{%, ethernets: {lan: {delay-virtual-functions-rebind: yes}}}",
     "os.netplan.ethernets.lan.delay-virtual-functions-rebind", FLAG + "'yes'.",
     "Write true, without quotes."),
    ("{%, ethernets: {lan: {embedded-switch-mode: switch-dev}}}",
     "os.netplan.ethernets.lan.embedded-switch-mode",
     "Here must stand 'switchdev' or 'legacy', not 'switch-dev'.", "Did you mean 'switchdev'?"),
    ("{%, ethernets: {lan: {dhcp4: !yes }}}", "os.netplan.ethernets.lan.dhcp4", TAG, "Remove the tag."),
    ("{%, ethernets: {lan: {dhcp4: !!bool yes}}}", "os.netplan.ethernets.lan.dhcp4", TAG, "Remove the tag."),
    ("{%, ethernets: {lan: {mine: !x {}}}}", "os.netplan.ethernets.lan.mine", TAG, "Remove the tag."),
    ("{%, ethernets: {lan: {mtu: 18446744073709551616}}}", "os.netplan.ethernets.lan.mtu", TOO_LARGE,
     "Put it in quotes if it is text."),
    ("{%, ethernets: {lan: {routes: [{to: !x a}]}}}",
     "os.netplan.ethernets.lan.routes[0].to", TAG, "Remove the tag."),
    ("{%, ethernets: {lan: {match: {!x name: a}}}}",
     "os.netplan.ethernets.lan.match.name", TAG, "Remove the tag."),
    ("{%, wifis: {w: {access-points: [home]}}}",
     "os.netplan.wifis.w.access-points", MAPPING + "a list.", None),
    ("{%, wifis: {w: {access-points: {home: open}}}}",
     "os.netplan.wifis.w.access-points.home", MAPPING + "'open'.", None),
    ("{%, wifis: {w: {access-points: {home: {hidden: 1}}}}}", "os.netplan.wifis.w.access-points.home.hidden",
     FLAG + "'1'.", None),
    ("{%, wifis: {w: {access-points: {home: {mode: mesh}}}}}", "os.netplan.wifis.w.access-points.home.mode",
     "Here must stand 'infrastructure', 'ap' or 'adhoc', not 'mesh'.", None),
    ("{%, wifis: {w: {access-points: {home: {band: 5G}}}}}", "os.netplan.wifis.w.access-points.home.band",
     "Here must stand '2.4GHz' or '5GHz', not '5G'.", f"Netplan knows '5G', {CANNOT_SAY}"),
    ("{%, wifis: {w: {access-points: {home: {channel: -1}}}}}",
     "os.netplan.wifis.w.access-points.home.channel",
     U32 + "'-1'.", None),
    ("{%, wifis: {w: {wakeonwlan: magic_pkt}}}",
     "os.netplan.wifis.w.wakeonwlan", LIST + "'magic_pkt'.", None),
    ("{%, bonds: {b: {interfaces: lan}}}", "os.netplan.bonds.b.interfaces", LIST + "'lan'.", None),
    ("{%, bonds: {b: {interfaces: [[lan]]}}}", "os.netplan.bonds.b.interfaces[0]", TEXT + "a list.", None),
    ("{%, bonds: {b: {parameters: {mode: 4}}}}", "os.netplan.bonds.b.parameters.mode",
     "Here must stand 'balance-rr', 'active-backup', 'balance-xor', 'broadcast', '802.3ad', 'balance-tlb' or "
     "'balance-alb', not '4'.", None),
    ("{%, bonds: {b: {parameters: {fail-over-mac-policy: active}}}}",
     "os.netplan.bonds.b.parameters.fail-over-mac-policy",
     "Here must stand 'none', 'activv' or 'follow', not 'active'.", f"Netplan knows 'active', {CANNOT_SAY}"),
    ("{%, bonds: {b: {parameters: {gratuitous-arp: 300}}}}", "os.netplan.bonds.b.parameters.gratuitous-arp",
     U8 + "'300'.", None),
    ("{%, bridges: {b: {parameters: [stp]}}}", "os.netplan.bridges.b.parameters", MAPPING + "a list.", None),
    ("{%, bridges: {b: {parameters: {stp: maybe}}}}",
     "os.netplan.bridges.b.parameters.stp", FLAG + "'maybe'.", None),
    ("{%, bridges: {b: {parameters: {path-cost: {lan: 5}}}}}", "os.netplan.bridges.b.parameters.path-cost",
     I32 + "a mapping.", None),
    ("{%, vlans: {v: {id: '5', link: lan}}}", "os.netplan.vlans.v.id", U16 + "the text '5'.", None),
    ("{%, tunnels: {t: {mode: gre}}}", "os.netplan.tunnels.t", "A tunnel needs 'peers'.", "Add 'peers: []'."),
    ("{%, tunnels: {t: {mode: vxlan, peers: []}}}", "os.netplan.tunnels.t.mode",
     "Here must stand 'sit', 'gre', 'ip6gre', 'ipip', 'ipip6', 'ip6ip6', 'vti', 'vti6', 'wireguard', "
     "'gretap', 'ip6gretap' or 'isatap', not 'vxlan'.", f"Netplan knows 'vxlan', {CANNOT_SAY}"),
    ("{%, tunnels: {t: {mode: gre, peers: [], key: 5}}}", "os.netplan.tunnels.t.key", TUNNEL_KEY, HOW_TO_TAG),
    ("{%, tunnels: {t: {mode: gre, peers: [], key: {private: a}}}}",
     "os.netplan.tunnels.t.key", TUNNEL_KEY, HOW_TO_TAG),
    ("{%, tunnels: {t: {mode: gre, peers: [], key: !Simple [a]}}}",
     "os.netplan.tunnels.t.key", TUNNEL_KEY, HOW_TO_TAG),
    ("{%, tunnels: {t: {mode: gre, peers: [], key: !Complex {private: [a]}}}}",
     "os.netplan.tunnels.t.key.private",
     TEXT + "a list.", None),
    ("{%, tunnels: {t: {mode: wireguard, peers: [{keepalive: 4294967296}]}}}",
     "os.netplan.tunnels.t.peers[0].keepalive", U32 + "'4294967296'.", None),
    ("{%, vrfs: {v: {interfaces: []}}}", "os.netplan.vrfs.v", "A VRF needs 'table'.", None),
    ("{%, vrfs: {v: {table: 2147483648, interfaces: []}}}",
     "os.netplan.vrfs.v.table", I32 + "'2147483648'.", None),
    ("{%, dummy-devices: {d: []}}", "os.netplan.dummy-devices.d", MAPPING + "a list.", None),
]  # fmt: skip


@pytest.mark.parametrize(("written", "path", "message", "suggestion"), REFUSED)
def test_it_is_refused(written: str, path: str, message: str, suggestion: str | None) -> None:
    (problem,) = [p for p in found(written) if p.severity is Severity.ERROR]
    assert (problem.path, problem.message, problem.suggestion) == (path, message, suggestion)
    assert problem.line == VALID[: VALID.index("  netplan:")].count("\n") + 1
    assert problem.source_line[problem.column - 1 - problem.line_start :] != ""


def test_a_mistake_is_shown_at_its_column() -> None:
    (problem,) = found("{%, vlans: {v: {id: five, link: lan}}}")
    assert (problem.line, problem.column, problem.width, problem.value) == (25, 41, 4, "five")


NO_KEY = "Netplan does not know the key "
WARNED = [
    ("{%, ethernet: {}}",
     "ethernet", NO_KEY + "'ethernet' of a netplan section.", "Did you mean 'ethernets'?"),
    ("{%, modems: {}}",
     "modems", "Netplan carries out 'modems' through NetworkManager only, which is not supported.", None),
    ("{%, renderer: sriov}", "renderer", "Netplan does not know 'sriov' here.", None),
    ("{%, ethernets: {a: {dhcp: true}}}",
     "ethernets.a.dhcp", NO_KEY + "'dhcp' of an ethernet.", "Did you mean 'dhcp6'?"),
    ("{%, ethernets: {a: {<<: {dhcp4: true}}}}", "ethernets.a.<<", NO_KEY + "'<<' of an ethernet.",
     "YAML 1.2 has no merge keys; write the merged values out."),
    ("{%, ethernets: {a: {dhcp4: 5}}}",
     "ethernets.a.dhcp4", "Netplan expects true or false here, not '5'.", None),
    ("{%, ethernets: {a: {dhcp4: []}}}",
     "ethernets.a.dhcp4", "Netplan expects a single value here, not a list.", None),
    ("{%, ethernets: {a: {renderer: NetworkManager}}}", "ethernets.a.renderer",
     "Netplan expects 'networkd' or 'sriov' here, not 'NetworkManager'.", "Did you mean 'networkd'?"),
    ("{%, ethernets: {a: {addresses: 192.0.2.5/24}}}", "ethernets.a.addresses",
     "Netplan expects a list here, not '192.0.2.5/24'.", None),
    ("{%, ethernets: {a: {addresses: [192.0.2.5]}}}", "ethernets.a.addresses[0]",
     "Netplan expects the prefix of the network behind an address, such as 192.0.2.5/24, not '192.0.2.5'.",
     None),
    ("{%, ethernets: {a: {addresses: [192.0.2.5/33]}}}", "ethernets.a.addresses[0]",
     "Netplan expects a prefix from 0 to 32 behind an address, not '192.0.2.5/33'.", None),
    ("{%, ethernets: {a: {addresses: [192.0.2.500/24]}}}", "ethernets.a.addresses[0]",
     "Netplan expects an IP address with its prefix, such as 192.0.2.5/24, not '192.0.2.500/24'.", None),
    ("{%, ethernets: {a: {addresses: [192.0.2.5/24: {lifetime: 5}]}}}",
     "ethernets.a.addresses[0].192.0.2.5/24.lifetime",
     "Netplan expects '0' or 'forever' here, not '5'.", None),
    ("{%, ethernets: {a: {gateway4: '2001:db8::1'}}}", "ethernets.a.gateway4",
     "Netplan expects an IPv4 address, not '2001:db8::1'.", None),
    ("{%, ethernets: {a: {gateway6: 192.0.2.1}}}", "ethernets.a.gateway6",
     "Netplan expects an IPv6 address, not '192.0.2.1'.", None),
    ("{%, ethernets: {a: {routes: [{to: here, via: 192.0.2.1}]}}}", "ethernets.a.routes[0].to",
     "Netplan expects a network such as 192.0.2.0/24, or 'default', not 'here'.", None),
    ("{%, ethernets: {a: {routes: [{via: 192.0.2.1}]}}}",
     "ethernets.a.routes[0]", "Netplan expects a route to have 'to'.", None),
    ("{%, ethernets: {a: {match: en0}}}",
     "ethernets.a.match", "Netplan expects a mapping here, not 'en0'.", None),
    ("{%, ethernets: {a: {match: {macaddress: 52-54-00-12-34-56}}}}", "ethernets.a.match.macaddress",
     "Netplan expects a MAC address such as 52:54:00:12:34:56, not '52-54-00-12-34-56'.", None),
    ("{%, ethernets: {a: {mtu: big}}}", "ethernets.a.mtu",
     "Netplan expects a whole number from 0 to 4294967295 here, not 'big'.", None),
    ("{%, ethernets: {a: {link-local: [ipv5]}}}", "ethernets.a.link-local[0]",
     "Netplan expects 'ipv4' or 'ipv6' here, not 'ipv5'.", "Did you mean 'ipv6'?"),
    ("{%, ethernets: {a: {nameservers: {address: [192.0.2.1]}}}}", "ethernets.a.nameservers.address",
     NO_KEY + "'address' of a nameservers section.", "Did you mean 'addresses'?"),
    ("{%, bonds: {b: {parameters: {fail-over-mac-policy: activv}}}}",
     "bonds.b.parameters.fail-over-mac-policy",
     "Netplan does not know 'activv' here.", None),
    ("{%, bonds: {b: {parameters: {lacp: fast}}}}", "bonds.b.parameters.lacp",
     NO_KEY + "'lacp' of a set of bond parameters.", "Did you mean 'lacp-rate'?"),
    ("{%, bridges: {b: {parameters: {path-cost: 5}}}}", "bridges.b.parameters.path-cost",
     "Netplan expects a mapping here, not '5'.", None),
    ("{%, vlans: {v: {id: 5}}}", "vlans.v", "Netplan expects a VLAN to have 'link'.", None),
    ("{%, wifis: {w: {access-points: {home: {bssid: here}}}}}", "wifis.w.access-points.home.bssid",
     "Netplan expects a MAC address such as 52:54:00:12:34:56, not 'here'.", None),
]  # fmt: skip


@pytest.mark.parametrize(("written", "path", "message", "suggestion"), WARNED)
def test_what_netplan_will_refuse_is_a_warning(
    written: str, path: str, message: str, suggestion: str | None
) -> None:
    verdict = judge_host_configuration(settings(written), "host.yaml")
    assert verdict.configuration is not None
    (problem,) = verdict.problems
    assert problem.severity is Severity.WARNING
    assert (problem.path, problem.message, problem.suggestion) == (f"os.netplan.{path}", message, suggestion)


def test_every_mistake_is_told_at_once() -> None:
    written = (
        "{version: two, ethernets: {a: {link: []}, b: []}, vlans: {v: {id: x, link: []}}, tunnels: {t: {}}}"
    )
    assert [p.path.removeprefix("os.netplan.") for p in found(written) if p.severity is Severity.ERROR] == [
        "version",
        "ethernets.a.link",
        "ethernets.b",
        "vlans.v.id",
        "vlans.v.link",
        "tunnels.t",
    ]


def test_fifty_thousand_keys_that_netplan_does_not_know_are_a_thousand_warnings() -> None:
    keys = ", ".join(f"k{number}: 1" for number in range(50_000))
    verdict = judge_host_configuration(settings(f"{{%, ethernets: {{lan: {{{keys}}}}}}}"), "host.yaml")
    assert verdict.configuration is not None
    assert len(verdict.problems) == 1000
