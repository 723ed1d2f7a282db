"""The door of this room: a text in, a valid Host Configuration or all of its mistakes out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from trident.config.document import MAX_BYTES, Document, read_document
from trident.config.findings import Finding
from trident.config.mend import mended
from trident.config.model import HostConfiguration, Model
from trident.config.nodes import Node, Path, ScalarNode, find, node_of, shortened, spelled
from trident.config.problems import ConfigurationErrors, Problem, Remark, Severity
from trident.config.shape import BAD, MOST_COMPLAINTS, Complaint, Complaints, reader_of
from trident.errors import InvalidInput

if TYPE_CHECKING:
    from trident.config.rules.rule import Rule, Violation

PARSE_CODE = "parse-host-configuration"
RULES_CODE = "invalid-host-configuration-static"
STANDARD_INPUT = "-"
_WIDEST_LINE = 100

Beside = Callable[[HostConfiguration], Iterable[Remark]]
"""Somebody else who has something to say about a configuration."""

AnyModel = TypeVar("AnyModel", bound=Model)


class Verdict(msgspec.Struct, frozen=True):
    """What is to be said about a configuration.

    Attributes:
        configuration: the model, or ``None`` if there is an error.
        problems: errors and warnings in the order of the text.
        code: of the error that the problems make, if any of them is an error.
    """

    configuration: HostConfiguration | None
    problems: tuple[Problem, ...]
    code: str


def load_host_configuration(
    text: str | bytes, source_name: str, *, storage_may_be_missing: bool = False
) -> HostConfiguration:
    """Read and judge a Host Configuration.

    Args:
        text: YAML.
        source_name: what messages call it, usually the file name.
        storage_may_be_missing: leave the rules about storage to a later :func:`require_valid` if the text
            has no storage section, as an update does, which then takes over the running one.

    Raises:
        ConfigurationErrors: with every mistake; ``parse-host-configuration`` if it could not be read
            completely, else ``invalid-host-configuration-static``.
    """
    verdict = judge_host_configuration(text, source_name, storage_may_be_missing=storage_may_be_missing)
    if verdict.configuration is None:
        raise ConfigurationErrors(verdict.code, source_name, verdict.problems)
    return verdict.configuration


def load_host_configuration_file(
    path: FilePath | str, *, storage_may_be_missing: bool = False
) -> HostConfiguration:
    """Read and judge the Host Configuration in a file, or on standard input if the path is ``-``.

    Raises:
        InvalidInput: ``load-host-configuration-file`` if it cannot be read.
        ConfigurationErrors: as :func:`load_host_configuration`.
    """
    name, text = read_source(path)
    return load_host_configuration(text, name, storage_may_be_missing=storage_may_be_missing)


def read_source(path: FilePath | str, what: str = "Host Configuration") -> tuple[str, bytes]:
    """The name that messages use and the content of a file, or of standard input if the path is ``-``.

    Never reads more than the largest configuration that is accepted (and one byte).

    Raises:
        InvalidInput: ``load-host-configuration-file``, or ``load-host-status-file`` for a "Host Status".
    """
    if str(path) == STANDARD_INPUT:
        return "<stdin>", sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (a Path would take an empty name for '.')
            return str(path), file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the name is not valid"
        shown = str(path) or "''"
        raise InvalidInput(
            f"load-{what.lower().replace(' ', '-')}-file",
            f"The {what} {shown} cannot be read: {reason}.",
            hint="Check the path; '-' reads standard input.",
            details={"path": str(path)},
        ) from error


def judge_host_configuration(
    text: str | bytes,
    source_name: str,
    *,
    storage_may_be_missing: bool = False,
    beside: Beside | None = None,
) -> Verdict:
    """Everything that is to be said about a configuration, warnings included. Never raises for bad input.

    Args:
        text: YAML.
        source_name: what messages call it, usually the file name.
        storage_may_be_missing: as of :func:`load_host_configuration`.
        beside: what else to say about a configuration that could be read, valid or not.
    """
    document = read_document(text)
    if document.root is None or (isinstance(document.root, ScalarNode) and document.root.is_empty):
        problems = [_from_finding(finding, document, source_name) for finding in document.findings]
        if not document.is_broken:
            message = "The file is empty; a Host Configuration needs at least an image and storage."
            empty = Finding("yaml-empty", message, 0, 0)
            problems.append(_from_finding(empty, document, source_name))
        return _verdict(None, problems, PARSE_CODE)
    complaints = Complaints()
    configuration = reader_of(HostConfiguration)(document.root, (), complaints)
    for secret in complaints.secrets:
        document.hide(secret)
    problems = [_from_finding(finding, document, source_name) for finding in document.findings]
    problems += [_from_complaint(complaint, document, source_name) for complaint in complaints]
    problems += [
        _from_complaint(warning, document, source_name, Severity.WARNING) for warning in complaints.warnings
    ]
    if complaints.dropped:
        problems.append(_dropped(f"{complaints.dropped} more mistakes", document, source_name))
    if not complaints and not document.is_broken:
        problems += _judge(configuration, document, source_name, (), storage_may_be_missing)
    elif not document.is_broken and not complaints.dropped:
        problems += _judge_mended(document, complaints, source_name, storage_may_be_missing)
    is_read = not complaints and not document.is_broken
    if beside is not None and is_read and configuration is not None:
        remarks = (_from_remark(remark, document, source_name) for remark in beside(configuration))
        problems += _most(remarks, document, source_name)
    return _verdict(configuration if is_read else None, problems, RULES_CODE if is_read else PARSE_CODE)


def _judge_mended(
    document: Document, complaints: Complaints, source_name: str, storage_may_be_missing: bool
) -> list[Problem]:
    """What else is to be said once the mistakes that have a mend are mended, and the others cut out."""
    assert document.root is not None
    told = {complaint.path for complaint in complaints}
    root = mended(document.root, complaints)
    document = document.showing(root)
    left = Complaints()
    configuration = reader_of(HostConfiguration)(root, (), left)
    new = [complaint for complaint in left if complaint.path not in told]
    problems = [_from_complaint(complaint, document, source_name) for complaint in new]
    unread = tuple(_section(complaint.path) for complaint in left)
    if configuration is BAD:
        configuration = _readable_part(root, unread)
    if configuration is not None:
        problems += _judge(configuration, document, source_name, unread, storage_may_be_missing)
    # What was put in place of a mistake is a guess, and nobody wrote it.
    guessed = {spelled(complaint.path) for complaint in complaints if complaint.mend is not None}
    return [problem for problem in problems if problem.path not in guessed]


def require_valid(configuration: HostConfiguration, source_name: str) -> None:
    """Judge a configuration that did not come from a text, or was completed since.

    Raises:
        ConfigurationErrors: ``invalid-host-configuration-static``; its problems have no line.
    """
    problems = _judge(configuration, Document(), source_name, (), storage_may_be_missing=False)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise ConfigurationErrors(RULES_CODE, source_name, problems)


def from_document(model: type[AnyModel], document: Mapping[str, Any], source_name: str) -> AnyModel:
    """A model from plain data; only its shape is checked.

    Raises:
        ConfigurationErrors: ``parse-host-configuration``.
    """
    complaints = Complaints()
    root = node_of(document)
    value = reader_of(model)(root, (), complaints)
    if isinstance(value, model) and not complaints:
        return value
    place = Document(root)
    raise ConfigurationErrors(
        PARSE_CODE, source_name, [_from_complaint(complaint, place, source_name) for complaint in complaints]
    )


def _verdict(configuration: HostConfiguration | None, problems: list[Problem], code: str) -> Verdict:
    problems = list(dict.fromkeys(problems))
    # What has no place in the text comes last.
    problems.sort(key=lambda problem: (not problem.line, problem.line, problem.column))
    is_refused = any(problem.severity is Severity.ERROR for problem in problems)
    return Verdict(None if is_refused else configuration, tuple(problems), code)


def _section(path: Path) -> Path:
    """The part of the configuration that is unknown if the value at ``path`` could not be read."""
    return path[:2] if path[:1] == ("os",) else path[:1]


def _readable_part(root: Node, unread: Iterable[Path]) -> HostConfiguration | None:
    """The configuration without the sections that could not be read, so that rules can judge the rest."""
    from trident.config.nodes import MapNode

    if not isinstance(root, MapNode):
        return None
    rest = MapNode(root.line, root.column)
    rest.keys, rest.values = dict(root.keys), dict(root.values)
    for section in unread:
        if not section:
            return None
        if len(section) == 1:
            rest.values.pop(str(section[0]), None)
            continue
        inner = rest.values.get(str(section[0]))
        if isinstance(inner, MapNode):
            copy = MapNode(inner.line, inner.column)
            copy.keys, copy.values = dict(inner.keys), dict(inner.values)
            copy.values.pop(str(section[1]), None)
            rest.values[str(section[0])] = copy
    configuration = reader_of(HostConfiguration)(rest, (), Complaints())
    return configuration if isinstance(configuration, HostConfiguration) else None


def _judge(
    configuration: HostConfiguration,
    document: Document,
    source_name: str,
    unread: tuple[Path, ...],
    storage_may_be_missing: bool,
) -> list[Problem]:
    from trident.config.rules import judge

    is_without_storage = storage_may_be_missing and configuration.storage == type(configuration.storage)()
    skipped = (*unread, ("storage",)) if is_without_storage else unread
    found = judge(configuration, skipped)
    problems = (_from_violation(rule, violation, document, source_name) for rule, violation in found)
    return _most(problems, document, source_name)


def _most(problems: Iterable[Problem], document: Document, source_name: str) -> list[Problem]:
    """The first thousand errors and the first thousand warnings, so that no warning crowds an error out."""
    kept: list[Problem] = []
    room = dict.fromkeys(Severity, MOST_COMPLAINTS)
    for problem in problems:
        room[problem.severity] -= 1
        if room[problem.severity] >= 0:
            kept.append(problem)
        elif problem.severity is Severity.ERROR:
            kept.append(_dropped("There are more mistakes, which", document, source_name))
            break
    return kept


def _from_finding(finding: Finding, document: Document, source_name: str) -> Problem:
    source_line, line_start = document.excerpt(finding.line, finding.column, _WIDEST_LINE)
    return Problem(
        code=finding.code,
        message=finding.message,
        file=source_name,
        line=finding.line + 1,
        column=finding.column + 1,
        width=finding.width,
        suggestion=finding.suggestion,
        severity=Severity.WARNING if finding.is_warning else Severity.ERROR,
        source_line=source_line,
        line_start=line_start,
    )


def _from_complaint(
    complaint: Complaint, document: Document, source_name: str, severity: Severity = Severity.ERROR
) -> Problem:
    return _located(
        document,
        source_name,
        complaint.path,
        complaint.at_key,
        code=complaint.code,
        message=complaint.message,
        suggestion=complaint.suggestion,
        severity=severity,
    )


def _dropped(which: str, document: Document, source_name: str) -> Problem:
    last = max(0, document.text.count("\n") - 1) if document.text else -1
    finding = Finding("too-many-mistakes", f"{which} are not shown.", last, min(last, 0))
    return _from_finding(finding, document, source_name)


def _from_violation(rule: Rule, violation: Violation, document: Document, source_name: str) -> Problem:
    return _located(
        document,
        source_name,
        violation.path,
        violation.at_key,
        code=rule.code,
        message=violation.message,
        suggestion=violation.suggestion,
        severity=rule.severity,
    )


def _from_remark(remark: Remark, document: Document, source_name: str) -> Problem:
    said: dict[str, Any] = {
        "code": remark.code,
        "message": remark.message,
        "suggestion": remark.suggestion,
        "severity": remark.severity,
    }
    if remark.path is None:
        return Problem(file=remark.file, line=0, column=0, **said)
    return _located(document, source_name, remark.path, remark.at_key, **said)


def _located(document: Document, source_name: str, path: Path, at_key: bool, **rest: Any) -> Problem:
    key, value = find(document.root, path)
    place = key if at_key and key is not None else value
    if place is None or (isinstance(place, ScalarNode) and place.is_empty and key is not None):
        place = key or place
    line = place.line if place is not None else -1
    column = place.column if place is not None and line >= 0 else -1
    source_line, line_start = document.excerpt(line, column, _WIDEST_LINE)
    shown = value.text if isinstance(value, ScalarNode) and not at_key else None
    if isinstance(value, ScalarNode) and document.is_hidden(value):
        shown = None
        rest["message"] = rest["message"].replace(f"'{shortened(value.text)}'", "what stands there")
    return Problem(
        file=source_name,
        line=line + 1,
        column=column + 1,
        width=place.width if place is not None else 1,
        path=spelled(path),
        value=None if shown is None else shortened(shown),
        source_line=source_line,
        line_start=line_start,
        **rest,
    )
