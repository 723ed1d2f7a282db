"""Whether the image fits the configuration and the machine, as a verb asks it, and as ``validate`` does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from trident.config.nodes import spelled
from trident.config.problems import Remark, Severity
from trident.crosscheck import Purpose, Subject, cross_check
from trident.errors import TridentError
from trident.plan.preview import Oddity
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.crosscheck import Mismatch
    from trident.image.cosi.metadata import CosiMetadata
    from trident.plan.situation import Situation

_PURPOSES = {
    ServicingType.CLEAN_INSTALL: Purpose.INSTALL,
    ServicingType.AB_UPDATE: Purpose.UPDATE,
}


def refuse_mismatches(situation: Situation) -> Iterator[TridentError]:
    """Every reason not to deploy the image of a situation with its configuration on its machine."""
    return (found.to_error() for found in _mismatches(situation) if found.severity is Severity.ERROR)


def odd_mismatches(situation: Situation) -> tuple[Oddity, ...]:
    """What is odd about the image but no reason to refuse it."""
    found = (found for found in _mismatches(situation) if found.severity is Severity.WARNING)
    return tuple(
        Oddity(
            mismatch.rule.code,
            mismatch.violation.message,
            None if mismatch.violation.path is None else spelled(mismatch.violation.path),
            mismatch.violation.suggestion,
        )
        for mismatch in found
    )


def _mismatches(situation: Situation) -> Iterator[Mismatch]:
    from trident.subsystems.storage.check import partition_sizes

    purpose = _PURPOSES.get(situation.servicing_type)
    if purpose is None or situation.image is None:
        return
    yield from cross_check(
        Subject(
            situation.desired,
            situation.image,
            architecture=situation.facts.architecture,
            purpose=purpose,
            side=situation.target_volume,
            sizes=partition_sizes(situation),
        )
    )


class Opened(msgspec.Struct, frozen=True):
    """What is known of an image: its metadata, and the SHA-384 of their bytes."""

    metadata: CosiMetadata
    sha384: str


class ImageJudge:
    """Compares configurations with images, for ``validate``. Only metadata is read, once of each image.

    Args:
        url: the image, as :func:`trident.image.cosi.reader.open_cosi` takes it; ``None`` for the one that
            each configuration names.
        architecture: of the machines, ``x86_64`` or ``arm64``; ``None`` if that does not matter.
    """

    def __init__(self, url: str | None, architecture: str | None = None) -> None:
        self._url = url
        self._architecture = architecture
        self._opened: dict[str, Opened | TridentError] = {}

    def __call__(self, configuration: HostConfiguration) -> Iterator[Remark]:
        """Every mismatch; or the one reason why nothing can be said."""
        named = configuration.image
        url = self._url if self._url is not None else named.url if named is not None else None
        if url is None:
            yield Remark(
                code="no-image-to-compare",
                message="The configuration names no image to compare it with.",
                path=("image",),
                file="",
                suggestion="Add 'image' with 'url' and 'sha384', or name an image with --image.",
                at_key=True,
            )
            return
        if url not in self._opened:
            self._opened[url] = read_metadata(url)
        opened = self._opened[url]
        if isinstance(opened, TridentError):
            yield self._unreadable(url, opened)
            return
        subject = Subject(
            configuration, opened.metadata, image_sha384=opened.sha384, architecture=self._architecture
        )
        for mismatch in cross_check(subject):
            yield mismatch.to_remark(_shown(url))

    def _unreadable(self, url: str, error: TridentError) -> Remark:
        return Remark(
            code=error.code,
            message=error.message,
            path=("image", "url") if self._url is None else None,
            file=_shown(url),
            suggestion=error.hint,
        )


def _shown(url: str) -> str:
    from trident.image.source import shown_url

    return shown_url(url)


def read_metadata(url: str) -> Opened | TridentError:
    """The metadata of an image, or why they cannot be had. Two or three requests, whatever its size."""
    from trident.image.cosi.reader import open_cosi
    from trident.image.source import A_PERSON_WAITS

    try:
        with open_cosi(url, patience=A_PERSON_WAITS) as cosi:
            return Opened(cosi.metadata, cosi.metadata_sha384)
    except TridentError as error:
        return error
