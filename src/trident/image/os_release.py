"""``/etc/os-release``: the text as it stands and the fields that Trident looks at."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

_ASSIGNMENT = re.compile(r"([A-Za-z][A-Za-z0-9_]*)=(.*)")


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value


@dataclass(frozen=True)
class OsRelease:
    """An os-release file (os-release(5)). Lines that are no assignment are skipped, as the page demands."""

    text: str = ""

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """All assignments, unquoted; the last of several to one name counts."""
        matches = (_ASSIGNMENT.fullmatch(line.strip()) for line in self.text.splitlines())
        return {match[1]: _unquoted(match[2]) for match in matches if match}

    @property
    def id(self) -> str | None:
        """``ID``, such as ``debian``."""
        return self.fields.get("ID")

    @property
    def version_id(self) -> str | None:
        """``VERSION_ID``, such as ``13``."""
        return self.fields.get("VERSION_ID")

    @property
    def variant_id(self) -> str | None:
        """``VARIANT_ID``, such as ``server``."""
        return self.fields.get("VARIANT_ID")

    @property
    def image_id(self) -> str | None:
        """``IMAGE_ID``: the name of the image that the OS came in."""
        return self.fields.get("IMAGE_ID")

    @property
    def image_version(self) -> str | None:
        """``IMAGE_VERSION``: the version of that image."""
        return self.fields.get("IMAGE_VERSION")

    @property
    def pretty_name(self) -> str:
        """What to call this system to a person."""
        return self.fields.get("PRETTY_NAME") or self.fields.get("NAME") or self.id or "Linux"
