"""Rules about the target OS: users, files, host name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trident.config.model import SshMode
from trident.config.nodes import Path
from trident.config.problems import Severity
from trident.config.rules.rule import Rule, Violation
from trident.config.rules.subject import Subject

_USERS: Path = ("os", "users")
_FILES: Path = ("os", "additionalFiles")
_HOSTNAME: Path = ("os", "hostname")
_SERVICES: Path = ("os", "services")
_INSTALLERS: Path = ("managementOs", "users")
_OCTAL = re.compile(r"0[0-7]*", re.ASCII)
_HOST_LABEL = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?", re.ASCII)
_OWNER = 0o600  # reads and writes
_LONGEST_HOSTNAME = 64
_LONGEST_USER = 32


def _user_names_are_unique(subject: Subject) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, user in enumerate(subject.configuration.os.users):
        if user.name in seen:
            yield Violation((*_USERS, index, "name"), f"There are two users named '{user.name}'.")
        seen.add(user.name)


def _user_names_are_valid(subject: Subject) -> Iterator[Violation]:
    for index, user in enumerate(subject.configuration.os.users):
        name = user.name
        bad = next((c for c in name if c in ":,/" or c.isspace() or not c.isprintable()), None)
        if not name or name in (".", ".."):
            message = f"'{name}' cannot be a user name."
        elif len(name.encode("utf-8", "replace")) > _LONGEST_USER:
            message = f"A user name can have {_LONGEST_USER} characters, and this is longer."
        elif name[0] in "-+~":
            message = f"A user name cannot start with '{name[0]}'."
        elif bad is not None:
            message = f"A user name cannot contain {bad!r}."
        else:
            continue
        yield Violation((*_USERS, index, "name"), message)


def _keys_need_ssh(subject: Subject) -> Iterator[Violation]:
    for index, user in enumerate(subject.configuration.os.users):
        if user.ssh_public_keys and user.ssh_mode is SshMode.BLOCK:
            message = f"User '{user.name}' has ssh keys, but 'sshMode' is 'block', so they cannot be used."
            yield Violation(
                (*_USERS, index, "sshPublicKeys"), message, "Write 'sshMode: key-only'.", at_key=True
            )


def _files_have_one_origin(subject: Subject) -> Iterator[Violation]:
    for index, file in enumerate(subject.configuration.os.additional_files):
        if file.content is not None and file.source is not None:
            message = f"The additional file '{file.destination}' has both 'content' and 'source'."
            yield Violation((*_FILES, index), message, "Remove one of them.")


def _files_have_an_origin(subject: Subject) -> Iterator[Violation]:
    for index, file in enumerate(subject.configuration.os.additional_files):
        if file.content is None and file.source is None:
            message = f"The additional file '{file.destination}' has neither 'content' nor 'source'."
            yield Violation(
                (*_FILES, index), message, "Add one of them; 'content: \"\"' makes an empty file."
            )


def _permissions_are_octal(subject: Subject) -> Iterator[Violation]:
    for index, file in enumerate(subject.configuration.os.additional_files):
        text = file.permissions
        if text is None or (_OCTAL.fullmatch(text) and int(text[:20], 8) <= 0o777 and len(text) <= 20):
            continue
        message = f"'{text[:60]}' is not a permission: it starts with 0, is octal and at most 0777."
        yield Violation((*_FILES, index, "permissions"), message, _permissions_meant(text))


def _permissions_meant(text: str) -> str | None:
    """What to write: digits may be octal without the 0, or the decimal number that JSON has for a mode."""
    digits = text.removeprefix("0o")
    octal = int(digits, 8) if re.fullmatch("0?[0-7]{3}", digits, re.ASCII) else None
    if octal is not None and octal & _OWNER == _OWNER:
        return f"Write '0{octal:03o}'."
    decimal = int(text) if re.fullmatch("[1-9][0-9]{2}", text, re.ASCII) else None
    if decimal is None or decimal > 0o777 or decimal & _OWNER != _OWNER:
        return "Write it in octal, such as '0644'."
    if octal is None:
        return f"Write '0{decimal:03o}', which is {text} in octal."
    return f"It is octal: write '0{decimal:03o}' if {text} is meant as decimal, else '0{octal:03o}'."


def _destinations_do_not_climb(subject: Subject) -> Iterator[Violation]:
    for index, file in enumerate(subject.configuration.os.additional_files):
        if {"..", "\0"} & {*file.destination.split("/"), *file.destination} or file.destination in (
            "",
            "/",
            ".",
        ):
            message = f"'{file.destination}' does not name a file inside the target OS."
            suggestion = "Write an absolute path without '..'."
            yield Violation((*_FILES, index, "destination"), message, suggestion)


def _destinations_differ(subject: Subject) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, file in enumerate(subject.configuration.os.additional_files):
        if file.destination in seen:
            message = f"Two additional files are put at '{file.destination}': the last one stays."
            yield Violation((*_FILES, index, "destination"), message, "Remove one of them.")
        seen.add(file.destination)


def _unit(name: str) -> str:
    """A service as systemctl reads it, which adds the suffix."""
    return name.removesuffix(".service")


def _services_are_enabled_or_disabled(subject: Subject) -> Iterator[Violation]:
    services = subject.configuration.os.services
    enabled = {_unit(name) for name in services.enable}
    for index, name in enumerate(services.disable):
        if _unit(name) in enabled:
            message = f"The service '{name}' is in 'enable' too."
            yield Violation((*_SERVICES, "disable", index), message, "Remove it from one of the two.")


def _installers_are_unique(subject: Subject) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, user in enumerate(subject.configuration.management_os.users):
        if user.name in seen:
            message = f"There are two users named '{user.name}'."
            yield Violation((*_INSTALLERS, index, "name"), message, "Merge the two, or rename one.")
        seen.add(user.name)


def _host_name_is_valid(subject: Subject) -> Iterator[Violation]:
    name = subject.configuration.os.hostname
    if name is None:
        return
    if len(name) > _LONGEST_HOSTNAME:
        message = f"A host name can have {_LONGEST_HOSTNAME} characters, and this has {len(name)}."
    elif not all(_HOST_LABEL.fullmatch(part) for part in name.split(".")):
        message = f"'{name}' is not a host name: it has letters, digits and '-', with '.' between its parts."
    else:
        return
    yield Violation(_HOSTNAME, message)


RULES = (
    Rule(
        "duplicate-usernames",
        "A user name is used once.",
        "upstream, Os",
        (_USERS,),
        _user_names_are_unique,
        fields=("os.users.name",),
    ),
    Rule(
        "invalid-username",
        "A user name has 1 to 32 bytes, no ':', ',', '/' or space, and does not start with '-', '+' or '~'.",
        "Debian's useradd(8)",
        (_USERS,),
        _user_names_are_valid,
        Severity.WARNING,
        stops_servicing=True,
        fields=("os.users.name",),
    ),
    Rule(
        "ssh-keys-without-ssh-mode",
        "A user with ssh keys may log in over ssh.",
        "Trident: keys without 'sshMode: key-only' have no effect",
        (_USERS,),
        _keys_need_ssh,
        Severity.WARNING,
        fields=(
            "os.users.sshPublicKeys",
            "os.users.sshMode",
        ),
    ),
    Rule(
        "additional-file-both-content-and-source",
        "An additional file does not have both 'content' and 'source'.",
        "upstream, AdditionalFile",
        (_FILES,),
        _files_have_one_origin,
        fields=(
            "os.additionalFiles.content",
            "os.additionalFiles.source",
        ),
    ),
    Rule(
        "additional-file-no-content-or-source",
        "An additional file has 'content' or 'source'.",
        "upstream, AdditionalFile",
        (_FILES,),
        _files_have_an_origin,
        fields=(
            "os.additionalFiles.content",
            "os.additionalFiles.source",
        ),
    ),
    Rule(
        "additional-file-invalid-permissions",
        "Permissions are octal, start with 0 and are at most 0777.",
        "upstream, AdditionalFile",
        (_FILES,),
        _permissions_are_octal,
        fields=("os.additionalFiles.permissions",),
    ),
    Rule(
        "additional-file-destination-climbs",
        "The destination of an additional file does not contain '..'.",
        "Trident: nothing is written outside the target OS",
        (_FILES,),
        _destinations_do_not_climb,
        Severity.WARNING,
        stops_servicing=True,
        fields=("os.additionalFiles.destination",),
    ),
    Rule(
        "duplicate-additional-file",
        "One additional file is put at a destination.",
        "Trident: of two, only the last would stay",
        (_FILES,),
        _destinations_differ,
        Severity.WARNING,
        fields=("os.additionalFiles.destination",),
    ),
    Rule(
        "service-enabled-and-disabled",
        "A service is enabled or disabled, not both.",
        "Trident: it would only be disabled",
        (_SERVICES,),
        _services_are_enabled_or_disabled,
        Severity.WARNING,
        fields=("os.services.enable", "os.services.disable"),
    ),
    Rule(
        "duplicate-management-os-usernames",
        "A user name is used once in 'managementOs'.",
        "Trident: upstream has this rule for 'os.users' only",
        (_INSTALLERS,),
        _installers_are_unique,
        Severity.WARNING,
        fields=("managementOs.users.name",),
    ),
    Rule(
        "invalid-hostname",
        "A host name has at most 64 characters: letters, digits and '-', in parts separated by '.'.",
        "hostname(5)",
        (_HOSTNAME,),
        _host_name_is_valid,
        Severity.WARNING,
        stops_servicing=True,
        fields=("os.hostname",),
    ),
)
