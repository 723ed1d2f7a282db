"""Sysexts and confexts: what is the same about them, by name."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from trident.config.model import Extension
from trident.image.extension_release import CONFEXT, SYSEXT, ExtensionKind
from trident.plan.difference import extension_name

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.plan.situation import Situation

SUFFIX = ".raw"
STORE = "/var/lib/trident-extensions"
"""Where a system's store is, see :mod:`trident.subsystems.extensions.store`."""


@dataclass(frozen=True)
class Kind:
    """Sysexts or confexts.

    Attributes:
        field: the list in ``os``.
        image: what tells its images from the others'.
        program: what merges them.
        directory: where an extension without a path is put.
    """

    field: str
    image: ExtensionKind
    program: str
    directory: str

    @property
    def noun(self) -> str:
        """``system extension`` or ``configuration extension``."""
        return self.image.noun

    @property
    def service(self) -> str:
        """The unit that merges them at boot."""
        return f"{self.program}.service"

    def listed(self, configuration: HostConfiguration) -> tuple[Extension, ...]:
        """The extensions in a Host Configuration."""
        return configuration.os.sysexts if self.field == "sysexts" else configuration.os.confexts

    def wanted(self, situation: Situation) -> tuple[Extension, ...]:
        """The extensions that the host is to have."""
        return self.listed(situation.desired)

    @staticmethod
    def can_fetch(extension: Extension) -> bool:
        """Whether this version can read the extension's URL; from a registry it cannot yet."""
        return not extension.url.lower().startswith("oci:")

    def present(self, situation: Situation) -> tuple[Extension, ...]:
        """The extensions of the configuration that the running system was made from."""
        return self.of_document({"os": situation.running_document("os")})

    def unsettled(self, situation: Situation) -> tuple[tuple[Extension, ...], ...]:
        """The extensions of each configuration of which something may be left on the running system."""
        return tuple(self.of_document(configuration) for configuration in situation.unsettled)

    def of_document(self, document: Mapping[str, Any]) -> tuple[Extension, ...]:
        """The extensions in a Host Configuration as Host Status holds it."""
        entries = (document.get("os") or {}).get(self.field) or ()
        return tuple(Extension.from_document(entry, "Host Status") for entry in entries)

    def destination(self, extension: Extension, name: str) -> str:
        """Where the image lies on the host, by the NAME in its extension-release (upstream: Extension)."""
        return posixpath.normpath(extension.path or f"{self.directory}/{name}{SUFFIX}")

    def place(self, extension: Extension) -> str:
        """The same, as far as the configuration alone tells: a file or the directory."""
        return posixpath.normpath(extension.path or self.directory)

    def directory_of(self, extension: Extension) -> str:
        """The directory in which the image lies."""
        return str(PurePosixPath(self.place(extension)).parent) if extension.path else self.directory


KINDS = (
    Kind("sysexts", SYSEXT, "systemd-sysext", "/var/lib/extensions"),
    Kind("confexts", CONFEXT, "systemd-confext", "/var/lib/confexts"),
)


def identity(extension: Extension) -> tuple[str, str | None]:
    """What the host has of an extension: which image, and where. From which server it came does not count."""
    return extension.sha384.lower(), posixpath.normpath(extension.path) if extension.path else None


def missing_in(extensions: Iterable[Extension], others: Iterable[Extension]) -> tuple[Extension, ...]:
    """Those of ``extensions`` that ``others`` does not hold."""
    known = {identity(other) for other in others}
    return tuple(extension for extension in extensions if identity(extension) not in known)


def labels(extensions: Iterable[Extension]) -> tuple[tuple[str, Extension], ...]:
    """Each with what to call it in ids and titles: its name, and a number where others have the same."""
    named: dict[str, Extension] = {}
    for extension in extensions:
        label = name = extension_name(extension)
        number = 1
        while label in named:
            number += 1
            label = f"{name} ({number})"
        named[label] = extension
    return tuple(named.items())
