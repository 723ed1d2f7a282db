"""An entry of the history: what it says, in records that nobody changes."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trident.state.status import AbVolume, ServicingType


class EntryState(enum.StrEnum):
    """How far a servicing has come, or how it ended."""

    STAGING = "staging"
    STAGED = "staged"
    FINALIZING = "finalizing"
    FINALIZED = "finalized"
    """The host is to boot it, and to commit it then."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """A step failed, or the host did not boot what it was told to; the system before it runs."""
    ROLLED_BACK = "rolled-back"
    """It ran, its health checks failed, and the host went back by itself."""
    WITHDRAWN = "withdrawn"
    """It was staged or finalized, and another servicing was asked for instead."""
    INTERRUPTED = "interrupted"
    """It was killed, stopped or lost its power, and was not taken up again."""
    HALF_WAY = "half-way"
    """Finalizing it was cut off and could not be undone: something of it may be on its volume. It becomes
    ``failed`` when a later servicing has brought the system to one configuration again."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self not in _UNDER_WAY


_UNDER_WAY = frozenset({EntryState.STAGING, EntryState.STAGED, EntryState.FINALIZING, EntryState.FINALIZED})


@dataclass(frozen=True)
class ImageName:
    """An image as people are told of it.

    Attributes:
        url: where it came from, without credentials and query, which may be secret.
        sha384: the expected hash of its metadata, as the Host Configuration has it (``ignored`` is one).
        version: the version of the OS in it (``VERSION_ID``, or what os-release has instead), if known.
    """

    url: str
    sha384: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class NewServicing:
    """A servicing that is about to begin.

    Attributes:
        servicing_type: its kind.
        from_configuration: the Host Configuration that runs, as plain data; empty on a blank machine.
        to_configuration: the one that is wanted.
        from_volume: the active volume; ``None`` on a blank machine and on one without A/B volume pairs.
        to_volume: the active volume after it; the same one for what changes the running system.
        install_index: as in Host Status.
        to_version: the version of the OS in the image that is written, if one is.
        target_written: whether the volume that it writes counts as written from the start. Who passes
            ``False`` for an A/B update must say so with :meth:`History.advance` before the first write.
    """

    servicing_type: ServicingType
    from_configuration: Mapping[str, Any]
    to_configuration: Mapping[str, Any]
    from_volume: AbVolume | None = None
    to_volume: AbVolume | None = None
    install_index: int = 0
    to_version: str | None = None
    target_written: bool = True


@dataclass(frozen=True)
class HistoryEntry:
    """A servicing that began.

    Attributes:
        id: counts up; larger is newer. Times can run backwards where the clock was set, ids never do.
        servicing_type: its kind.
        state: how far it came.
        begun_at: UTC, ``2025-11-21T16:00:20Z``; ``None`` where an older version did not record it.
        ended_at: the same; ``None`` while it is under way, too.
        seconds: time spent by operation: ``stage``, ``finalize``, ``commit``.
        bytes_fetched: bytes that were read from the network or the image's file.
        bytes_written: bytes that were written to volumes.
        from_configuration: YAML text of the Host Configuration before it; ``{}`` on a blank machine.
        to_configuration: YAML text of the one that was wanted.
        from_volume: the active volume before it.
        to_volume: the active volume after it, once it succeeds.
        from_image: the image before it.
        to_image: the image that was wanted.
        install_index: as in Host Status.
        target_written: whether it began to write the volume that it was to make active.
        error: why it failed, as ``lastError`` in Host Status has it.
        seals: fingerprint by name of what was staged.
        trident_version: the version of the agent that began it.
    """

    id: int
    servicing_type: ServicingType
    state: EntryState
    begun_at: str | None = None
    ended_at: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    bytes_fetched: int = 0
    bytes_written: int = 0
    from_configuration: str = "{}\n"
    to_configuration: str = "{}\n"
    from_volume: AbVolume | None = None
    to_volume: AbVolume | None = None
    from_image: ImageName | None = None
    to_image: ImageName | None = None
    install_index: int = 0
    target_written: bool = True
    error: Mapping[str, Any] | None = None
    seals: Mapping[str, str] = field(default_factory=dict)
    trident_version: str | None = None

    @property
    def has_written_volume(self) -> bool:
        """Whether it began to write all of ``to_volume``: of what is older nothing is there any more."""
        writes = self.servicing_type in (ServicingType.CLEAN_INSTALL, ServicingType.AB_UPDATE)
        return writes and self.target_written


def image_name(configuration: Mapping[str, Any], version: str | None = None) -> ImageName | None:
    """The image that a Host Configuration names, if it names one."""
    image = configuration.get("image")
    if not isinstance(image, Mapping) or not isinstance(image.get("url"), str):
        return None
    sha384 = image.get("sha384")
    return ImageName(_without_secrets(image["url"]), None if sha384 is None else str(sha384), version)


def _without_secrets(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() == "file":
        return url
    server, *path = re.split(r"(?=[/?#])", rest, maxsplit=1)
    return (
        scheme + separator + server.rpartition("@")[2] + re.sub(r"[?#].*", "", "".join(path), flags=re.DOTALL)
    )
