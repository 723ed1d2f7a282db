"""The packages that are installed in a tree, from the database of its package manager."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trident.host.process import run
from trident.image.build.tree import Tree
from trident.image.cosi.metadata import OsPackage

_DPKG = "var/lib/dpkg/status"
_RPM = ("usr/lib/sysimage/rpm", "var/lib/rpm")
_RPM_QUERY = "%{NAME}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\n"
# COSI spells architectures as rpm does.
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64", "all": "noarch"}
_FIELD = re.compile(r"^(Package|Status|Version|Architecture): (.*)$", re.MULTILINE)


def installed_packages(tree: Tree) -> tuple[OsPackage, ...]:
    """What dpkg or rpm has installed, sorted by name; empty where neither has a database.

    Raises:
        ExecutionEnvironment: ``missing-binary`` if the database is rpm's and this host has no rpm.
    """
    dpkg = tree.file(_DPKG)
    if dpkg is not None:
        return tuple(sorted(parse_dpkg_status(dpkg.read_text("utf-8", "replace")), key=_sort_key))
    for path in _RPM:
        if path in tree.nodes:
            done = run(["rpm", "--dbpath", str(tree.staged(path)), "-qa", "--queryformat", _RPM_QUERY])
            return tuple(sorted(parse_rpm(done.stdout), key=_sort_key))
    return ()


def parse_dpkg_status(text: str) -> Iterator[OsPackage]:
    """Installed packages of a dpkg status file; the release is what follows the last hyphen of a version."""
    for paragraph in text.split("\n\n"):
        fields: dict[str, str] = dict(_FIELD.findall(paragraph))
        if fields.get("Status", "").split()[-1:] != ["installed"] or "Package" not in fields:
            continue
        upstream, hyphen, release = fields.get("Version", "").rpartition("-")
        version = upstream if hyphen else release
        arch = fields.get("Architecture", "all")
        yield OsPackage(fields["Package"], version, release if hyphen else "", _ARCHITECTURES.get(arch, arch))


def parse_rpm(text: str) -> Iterator[OsPackage]:
    """Packages as the query above prints them."""
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) == 4:
            yield OsPackage(*parts)


def _sort_key(package: OsPackage) -> tuple[str, str, str]:
    return (package.name, package.arch, package.version)
