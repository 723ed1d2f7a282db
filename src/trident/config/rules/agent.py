"""Rules about the agent's own state, and about the image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from trident.config.model import DEFAULT_DATASTORE_PATH, FileSystem, FileSystemSource
from trident.config.nodes import Path
from trident.config.problems import Severity
from trident.config.rules.rule import Rule, Violation
from trident.config.rules.subject import Subject
from trident.config.spelling import IMAGE_SCHEMES

_PATH: Path = ("trident", "datastorePath")
_BOTH: tuple[Path, ...] = (("storage",), ("trident",))
_SUFFIX = ".sqlite"


def _datastore_has_its_suffix(subject: Subject) -> Iterator[Violation]:
    trident = subject.configuration.trident
    if not trident.disable and PurePosixPath(trident.datastore_path).suffix != _SUFFIX:
        message = f"The datastore path must end in '{_SUFFIX}', and '{trident.datastore_path}' does not."
        yield Violation(_PATH, message)


def _volume(subject: Subject) -> FileSystem | None:
    """The file system that holds the datastore, where there is something to say about it."""
    trident = subject.configuration.trident
    if trident.disable or not subject.has_storage:
        return None
    return subject.storage.filesystem_holding(trident.datastore_path)


def _datastore_is_on_a_known_volume(subject: Subject) -> Iterator[Violation]:
    trident = subject.configuration.trident
    if trident.disable or not subject.has_storage:
        return
    volume = _volume(subject)
    if volume is not None and volume.device_id is not None:
        return
    if not trident.datastore_path.startswith("/"):
        yield Violation(_PATH, f"The datastore path '{trident.datastore_path}' is not absolute.")
    elif volume is not None:
        message = f"The datastore '{trident.datastore_path}' would be in memory, and lost at a reboot."
        yield Violation(_PATH, message)
    elif subject.storage.filesystem_at("/") is not None:
        yield Violation(_PATH, f"No file system holds the datastore '{trident.datastore_path}'.")


def _datastore_is_shared(subject: Subject) -> Iterator[Violation]:
    volume = _volume(subject)
    if volume is None or volume.device_id is None or not subject.is_pair(volume.device_id):
        return
    place = volume.mount_point.path if volume.mount_point else ""
    datastore = subject.configuration.trident.datastore_path
    parent = str(PurePosixPath(datastore).parent)
    parent = str(PurePosixPath(DEFAULT_DATASTORE_PATH).parent) if parent == "/" else parent
    message = (
        f"The datastore '{datastore}' is on the A/B volume pair '{volume.device_id}', mounted at '{place}': "
        "the next update would lose it."
    )
    suggestion = f"Mount a file system on a partition of its own at '{parent}'."
    yield Violation((*subject.filesystem_path(volume), "deviceId"), message, suggestion)


def _datastore_is_writable(subject: Subject) -> Iterator[Violation]:
    volume = _volume(subject)
    if volume is None or (volume.device_id is not None and subject.layers.is_on_ab(volume.device_id)):
        return  # it is told to be moved anyway
    if volume.mount_point is not None and volume.mount_point.is_read_only:
        path = (*subject.filesystem_path(volume), "mountPoint", "options")
        datastore = subject.configuration.trident.datastore_path
        message = (
            f"The datastore '{datastore}' must be writable, but '{volume.mount_point.path}' is mounted 'ro'."
        )
        yield Violation(path, message)


def _datastore_survives_updates(subject: Subject) -> Iterator[Violation]:
    volume = _volume(subject)
    if volume is None or volume.device_id is None or subject.is_pair(volume.device_id):
        return
    if subject.layers.is_on_ab(volume.device_id):
        datastore = subject.configuration.trident.datastore_path
        message = f"The datastore '{datastore}' is on '{volume.device_id}', which differs between A and B."
        suggestion = "Mount a file system on a partition of its own there."
        yield Violation((*subject.filesystem_path(volume), "deviceId"), message, suggestion)


def _image_can_be_fetched(subject: Subject) -> Iterator[Violation]:
    image = subject.configuration.image
    if image is not None:
        yield from url_complaints(("image", "url"), image.url)


def url_complaints(path: Path, url: str) -> Iterator[Violation]:
    """What keeps a URL from naming an image or an extension."""
    scheme, rest = url.split(":", 1)
    if scheme.lower() not in IMAGE_SCHEMES:
        message = f"Nothing can be fetched from '{scheme}:'."
        yield Violation(path, message, "Use http, https, file or oci.")
    elif not rest.startswith("//") or (scheme.lower() != "file" and rest[2:3] in ("", "/")):
        yield Violation(path, f"'{url}' names no host.", f"Write {scheme.lower()}://host/path.")
    elif any(character.isspace() or not character.isprintable() for character in url):
        yield Violation(path, "A URL cannot hold spaces or control characters.", "Write %20 for a space.")


def _image_is_named(subject: Subject) -> Iterator[Violation]:
    if subject.configuration.image is not None:
        return
    if any(filesystem.source is FileSystemSource.IMAGE for filesystem in subject.storage.filesystems):
        message = "File systems come from the image, but no image is named."
        suggestion = "Add 'image' with 'url' and 'sha384'; install and update need it."
        yield Violation(("image",), message, suggestion, at_key=True)


RULES = (
    Rule(
        "datastore-path-invalid-extension",
        "The datastore path ends in '.sqlite'.",
        "upstream, Trident",
        (("trident",),),
        _datastore_has_its_suffix,
        fields=("trident.datastorePath",),
    ),
    Rule(
        "datastore-path-not-in-known-volume",
        "The datastore lies on a file system of this configuration that has a block device.",
        "upstream, HostConfiguration",
        _BOTH,
        _datastore_is_on_a_known_volume,
        fields=("trident.datastorePath",),
    ),
    Rule(
        "datastore-path-in-ab-update-volume",
        "The datastore does not lie on an A/B volume pair.",
        "upstream, HostConfiguration",
        _BOTH,
        _datastore_is_shared,
        fields=("trident.datastorePath",),
    ),
    Rule(
        "datastore-path-on-read-only-volume",
        "The datastore lies on a file system that is mounted writable.",
        "upstream, API reference of Trident",
        _BOTH,
        _datastore_is_writable,
        Severity.WARNING,
        stops_servicing=True,
        fields=(
            "trident.datastorePath",
            "storage.filesystems.mountPoint.options",
        ),
    ),
    Rule(
        "datastore-path-differs-between-a-and-b",
        "The datastore does not lie on something that is made of A/B volume pairs.",
        "Trident: an update would lose it",
        _BOTH,
        _datastore_survives_updates,
        Severity.WARNING,
        stops_servicing=True,
        fields=("trident.datastorePath", "storage.filesystems.deviceId"),
    ),
    Rule(
        "unusable-image-url",
        "The URL of the image begins with 'http://', 'https://', 'file://' or 'oci://'.",
        "upstream, API reference of OsImage",
        (("image",),),
        _image_can_be_fetched,
        Severity.WARNING,
        stops_servicing=True,
        fields=("image.url",),
    ),
    Rule(
        "missing-os-image",
        "Where file systems come from the image, an image is named.",
        "upstream, `missing-os-image` at install and update",
        (("image",), ("storage",)),
        _image_is_named,
        Severity.WARNING,
        fields=(
            "image",
            "storage.filesystems.source",
        ),
    ),
)
