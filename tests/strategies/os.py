"""``os`` and ``managementOs``."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.strategies.scripts import services
from tests.strategies.storage import Storage
from tests.strategies.words import (
    Document,
    Draw,
    absolute_paths,
    ascii_names,
    digests,
    flags,
    host_names,
    merged,
    some,
    texts,
    urls,
    words,
)  # fmt: skip

SYSEXT_DIRECTORIES = ("/var/lib/extensions", "/etc/extensions", "/.extra/sysext")
CONFEXT_DIRECTORIES = ("/var/lib/confexts", "/usr/lib/confexts", "/usr/local/lib/confexts")


def _given(field: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Document]:
    return values.map(lambda value: {field: value})


_ssh = st.one_of(
    st.sampled_from([{}, {"sshMode": "block"}]),
    st.lists(words.map("ssh-ed25519 {}".format), max_size=2).map(
        lambda keys: {"sshMode": "key-only", "sshPublicKeys": keys}
    ),
)
_user = merged(
    _given("name", ascii_names),
    some("password", st.just({"type": "locked"})),
    some("uid", st.integers(1000, 2**31 - 1)),
    some("primaryGroup", ascii_names),
    some("secondaryGroups", st.lists(ascii_names, max_size=2)),
    _ssh,
    some("startupCommand", absolute_paths),
    some("homeDirectory", absolute_paths),
)
users = st.lists(_user, max_size=3, unique_by=lambda user: user["name"])

_files = merged(
    _given("destination", absolute_paths),
    st.one_of(_given("content", texts), _given("source", absolute_paths)),
    some("permissions", st.integers(0, 0o777).map("0{:o}".format)),
)
_modules = merged(
    _given("name", ascii_names),
    some("loadMode", st.sampled_from(["always", "auto", "disable", "inherit"])),
    some("options", st.dictionaries(words, texts, max_size=2)),
)
_kernel = st.lists(texts, max_size=3).map(lambda options: {"extraCommandLine": options})
_selinux = some("mode", st.sampled_from(["disabled", "permissive", "enforcing", None]))
_services = merged(
    some("enable", st.lists(services, max_size=2)), some("disable", st.lists(services, max_size=2))
)

_addresses = st.integers(1, 254).map("192.0.2.{}/24".format)
_ethernets = st.dictionaries(
    ascii_names,
    merged(
        some("dhcp4", flags),
        some("match", ascii_names.map(lambda name: {"name": f"{name}*"})),
        some("addresses", st.lists(_addresses, max_size=2)),
        some("nameservers", st.just({"addresses": ["192.0.2.53"], "search": ["example"]})),
        some("mtu", st.integers(1280, 9000)),
    ),
    max_size=2,
)
netplan = merged(
    st.just({"version": 2}),
    some("renderer", st.just("networkd")),
    some("ethernets", _ethernets),
    some("bonds", st.just({"bond0": {"interfaces": ["lan"], "parameters": {"mode": "active-backup"}}})),
    some("vlans", st.just({"vlan7": {"id": 7, "link": "lan"}})),
)


@st.composite
def _extensions(draw: Draw, storage: Storage, directories: tuple[str, ...]) -> list[Document]:
    """Extensions with different digests and paths, where A/B update allows any to lie."""
    fitting = [directory for directory in directories if storage.may_hold_extensions(directory)]
    may_be_silent = directories[0] in fitting  # the first is the default
    found: list[Document] = []
    if not fitting:
        return found
    for digest in draw(st.lists(digests, unique=True, max_size=3)):
        extension = {"url": draw(urls), "sha384": digest}
        if not may_be_silent or draw(flags):
            extension["path"] = f"{draw(st.sampled_from(fitting))}/ext{len(found)}.raw"
        found.append(extension)
    return found


def os_sections(storage: Storage) -> st.SearchStrategy[Document]:
    """An ``os`` section that fits the storage."""
    return merged(
        some("netplan", netplan),
        some("selinux", _selinux),
        some("users", users),
        some("additionalFiles", st.lists(_files, max_size=3)),
        some("hostname", host_names),
        some("modules", st.lists(_modules, max_size=2)),
        some("services", _services),
        some("kernelCommandLine", _kernel),
        some("sysexts", _extensions(storage, SYSEXT_DIRECTORIES)),
        some("confexts", _extensions(storage, CONFEXT_DIRECTORIES)),
        some("uefiFallback", st.sampled_from(["conservative", "optimistic", "disabled"])),
    )


management_os = merged(some("netplan", netplan), some("users", users))
