"""Rules about sysexts and confexts: what they are, and where they are put."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trident.config.model import Extension, SelinuxMode
from trident.config.nodes import Path
from trident.config.problems import Severity
from trident.config.rules.agent import url_complaints
from trident.config.rules.rule import Rule, Violation
from trident.config.rules.subject import Subject, label
from trident.config.spelling import collapse

_SYSEXTS: Path = ("os", "sysexts")
_CONFEXTS: Path = ("os", "confexts")
_BOTH: tuple[Path, ...] = (_SYSEXTS, _CONFEXTS)
_SUFFIX = ".raw"
_END = re.compile(r"(?:/+\.?)+$")
DEFAULT_DIRECTORIES = {"sysexts": "/var/lib/extensions", "confexts": "/var/lib/confexts"}
"""Where an extension without a path is put."""
DIRECTORIES = {
    "sysexts": ("/etc/extensions", "/var/lib/extensions", "/.extra/sysext"),
    "confexts": ("/var/lib/confexts", "/usr/lib/confexts", "/usr/local/lib/confexts"),
}
"""Where extensions can be put: upstream, ``constants.rs``."""


def _each(subject: Subject) -> Iterator[tuple[str, Path, Extension]]:
    for key in DIRECTORIES:
        for index, extension in enumerate(getattr(subject.configuration.os, key)):
            yield key, ("os", key, index), extension


def _parted(path: str) -> tuple[str, str]:
    """The directory of a path as it is written, and its last name; '/' and '/.' at the end mean nothing."""
    directory, _slash, name = _END.sub("", path).rpartition("/")
    return _END.sub("", directory), name


def _can_be_fetched(subject: Subject) -> Iterator[Violation]:
    for _key, path, extension in _each(subject):
        yield from url_complaints((*path, "url"), extension.url)


def _images_are_unique(subject: Subject) -> Iterator[Violation]:
    seen: dict[tuple[str, str], Path] = {}
    for key, path, extension in _each(subject):
        if (key, extension.sha384) in seen:
            message = f"This is the image of extension {int(seen[key, extension.sha384][2]) + 1} of '{key}'."
            yield Violation((*path, "sha384"), message, "Remove one of them, or correct the SHA-384.")
        seen.setdefault((key, extension.sha384), path)


def _paths_are_unique(subject: Subject) -> Iterator[Violation]:
    seen: set[tuple[str, str]] = set()
    for key, path, extension in _each(subject):
        if extension.path is None:
            continue
        place = collapse(extension.path)
        if (key, place) in seen:
            yield Violation((*path, "path"), f"Two extensions are put at '{place}'.")
        seen.add((key, place))


def _files_are_raw(subject: Subject) -> Iterator[Violation]:
    for _key, path, extension in _each(subject):
        if extension.path is None:
            continue
        _directory, name = _parted(extension.path)
        if not name.endswith(_SUFFIX) or name == _SUFFIX:
            message = f"An extension is put into a '{_SUFFIX}' file, and '{extension.path}' names none."
            yield Violation((*path, "path"), message)


def _directories_are_searched(subject: Subject) -> Iterator[Violation]:
    for key, path, extension in _each(subject):
        if extension.path is None:
            continue
        directory, name = _parted(extension.path)
        if directory not in DIRECTORIES[key]:
            message = f"An extension of 'os.{key}' cannot be put into '{directory or '/'}'."
            places = " or ".join(f"{place}/{name}" for place in DIRECTORIES[key])
            yield Violation((*path, "path"), message, f"Write {places}.")


def _places_are_on_ab(subject: Subject) -> Iterator[Violation]:
    if subject.storage.ab_update is None or not subject.has_storage:
        return
    for key, path, extension in _each(subject):
        place = collapse(extension.path or DEFAULT_DIRECTORIES[key])
        if extension.path is not None and _parted(extension.path)[0] not in DIRECTORIES[key]:
            continue  # told already
        holder = subject.holder_of(place)
        device = holder.device_id if holder else None
        if holder is None or (device is not None and subject.layers.is_on_ab(device)):
            continue
        inside = label(holder)[0].lower() + label(holder)[1:]
        message = f"The extension is put at '{place}', on {inside}, which A and B share."
        at = path if extension.path is None else (*path, "path")
        yield Violation(at, message, f"Put '{place}' on an A/B volume pair.")


def _selinux_is_off(subject: Subject) -> Iterator[Violation]:
    mode = subject.configuration.os.selinux.mode
    has_extensions = next(_each(subject), None) is not None
    if has_extensions and mode not in (None, SelinuxMode.DISABLED):
        message = f"SELinux ('{mode}') does not work with extensions."
        yield Violation(("os", "selinux", "mode"), message, "Write 'mode: disabled'.")


RULES = (
    Rule(
        "unusable-extension-url",
        "The URL of an extension begins with 'http://', 'https://', 'file://' or 'oci://'.",
        "upstream, API reference of Extension",
        _BOTH,
        _can_be_fetched,
        Severity.WARNING,
        stops_servicing=True,
        fields=("os.sysexts.url", "os.confexts.url"),
    ),
    Rule(
        "duplicate-extension-image",
        "An image is named once among the sysexts, and once among the confexts.",
        "upstream, Os",
        _BOTH,
        _images_are_unique,
        fields=(
            "os.sysexts.sha384",
            "os.confexts.sha384",
        ),
    ),
    Rule(
        "duplicate-extension-image-path",
        "One sysext, and one confext, is put at a path.",
        "upstream, Os",
        _BOTH,
        _paths_are_unique,
        fields=(
            "os.sysexts.path",
            "os.confexts.path",
        ),
    ),
    Rule(
        "extension-image-invalid-file-extension",
        "The path of an extension ends in '.raw'.",
        "upstream, Extension",
        _BOTH,
        _files_are_raw,
        fields=(
            "os.sysexts.path",
            "os.confexts.path",
        ),
    ),
    Rule(
        "extension-image-invalid-directory",
        "An extension is put into a directory that systemd searches.",
        "upstream, Extension",
        _BOTH,
        _directories_are_searched,
        fields=(
            "os.sysexts.path",
            "os.confexts.path",
        ),
    ),
    Rule(
        "extension-image-not-on-ab-volume",
        "Where there are A/B volume pairs, extensions are put on one.",
        "upstream, HostConfiguration",
        (("storage",), *_BOTH),
        _places_are_on_ab,
        fields=(
            "os.sysexts.path",
            "os.confexts.path",
        ),
    ),
    Rule(
        "selinux-with-extensions",
        "SELinux is disabled where there are extensions.",
        "upstream, Os",
        (("os", "selinux"), *_BOTH),
        _selinux_is_off,
        Severity.WARNING,
        fields=(
            "os.selinux.mode",
            "os.sysexts",
            "os.confexts",
        ),
    ),
)
