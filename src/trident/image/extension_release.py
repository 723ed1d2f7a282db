"""``extension-release`` files: which system an extension is for (os-release(5), systemd-sysext(8)). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# systemd's names of machines (``ARCHITECTURE=``) for those that Trident knows.
ARCHITECTURES = {"x86_64": "x86-64", "arm64": "arm64"}
_ANY = "_any"
_DEFAULT_SCOPES = ("system", "portable")
_SCOPE = "system"


@dataclass(frozen=True)
class ExtensionKind:
    """What tells a sysext's image from a confext's.

    Attributes:
        noun: ``system extension`` or ``configuration extension``.
        prefix: ``SYSEXT`` or ``CONFEXT``, with which fields of its extension-release begin.
        release_directory: where the image has that file.
    """

    noun: str
    prefix: str
    release_directory: str


SYSEXT = ExtensionKind("system extension", "SYSEXT", "/usr/lib/extension-release.d")
CONFEXT = ExtensionKind("configuration extension", "CONFEXT", "/etc/extension-release.d")


def misfit(
    extension: Mapping[str, str], system: Mapping[str, str], *, prefix: str, architecture: str
) -> str | None:
    """Why systemd would not merge an extension into a system, as a clause for people; ``None`` if it would.

    The rules are those of systemd 257, the one of Debian 13: the scope, the architecture, then ID, and
    then the level if both sides have one, else VERSION_ID. Later versions also accept an ID among the
    system's ID_LIKE; that is refused here.

    Args:
        extension: fields of the image's extension-release.
        system: fields of the system's os-release.
        prefix: ``SYSEXT`` or ``CONFEXT``, with which the fields for level and scope begin.
        architecture: of the system, ``x86_64`` or ``arm64``.
    """
    scope = extension.get(f"{prefix}_SCOPE")
    if scope is not None and _SCOPE not in scope.split():
        return f"it is for {prefix}_SCOPE '{scope}', not for a running system"
    machine = ARCHITECTURES.get(architecture, architecture)
    wanted = extension.get("ARCHITECTURE") or _ANY
    if wanted not in (_ANY, machine):
        return f"it is for ARCHITECTURE '{wanted}', and the system is '{machine}'"
    name = extension.get("ID")
    if not name:
        return "its extension-release has no ID"
    if name == _ANY:
        return None
    if name != system.get("ID"):
        return f"it is for ID '{name}', and the system is '{system.get('ID') or 'unknown'}'"
    return _other_version(extension, system, f"{prefix}_LEVEL")


def _other_version(extension: Mapping[str, str], system: Mapping[str, str], level: str) -> str | None:
    if extension.get(level) and system.get(level):
        field = level
    elif system.get("VERSION_ID"):
        field = "VERSION_ID"
    else:
        return None  # A rolling release has neither.
    wanted, found = extension.get(field), system[field]
    if not wanted:
        return f"its extension-release has no {field}, and the system's is '{found}'"
    return None if wanted == found else f"it is for {field} '{wanted}', and the system's is '{found}'"
