"""``trident validate``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

import msgspec

from trident.cli.parser import ARCHITECTURES
from trident.cli.report import print_json, print_problems, problem_documents
from trident.cli.streams import say
from trident.config.load import STANDARD_INPUT, Beside, judge_host_configuration, read_source
from trident.config.model import HostConfiguration
from trident.config.problems import Problem, escaped
from trident.errors import ExitCode, InvalidInput


class Judged(msgspec.Struct, frozen=True):
    """What is to be said about one file.

    Attributes:
        name: what messages call it.
        configuration: what it says, or ``None`` if it is refused or cannot be read.
        problems: errors and warnings, in the order of the text.
    """

    name: str
    configuration: HostConfiguration | None
    problems: tuple[Problem, ...]

    @property
    def is_valid(self) -> bool:
        """Whether it is a Host Configuration."""
        return self.configuration is not None

    def to_document(self) -> dict[str, Any]:
        """One of ``files`` in the JSON document."""
        return {"valid": self.is_valid, "file": self.name, "problems": problem_documents(self.problems)}


def run(options: argparse.Namespace) -> int:
    """Report every mistake in some Host Configurations, and what is odd in them.

    Raises:
        InvalidInput: ``standard-input-twice`` if ``-`` is given more than once; ``option-without-image`` if
            ``--architecture`` is given without an image.
    """
    if options.configs.count(STANDARD_INPUT) > 1:
        raise InvalidInput(
            "standard-input-twice",
            "Standard input can be read once, and '-' stands there twice.",
            hint="Give '-' once; the other configurations need files.",
        )
    beside = _image_judge(options)
    judged = []
    for path in options.configs:
        judged.append(_judge(path, beside, for_update=options.for_update))
        if options.output == "text":
            _tell(judged[-1], has_image=beside is not None)
    if options.output == "json":
        print_json(_document(judged))
    elif len(judged) > 1:
        valid = sum(one.is_valid for one in judged)
        say(f"{valid} of {len(judged)} Host Configurations are valid.\n")
    return ExitCode.SUCCESS if all(one.is_valid for one in judged) else ExitCode.FAILED


def _image_judge(options: argparse.Namespace) -> Beside | None:
    """Who compares the configurations with an image, if that was asked for."""
    if options.image is None and not options.own_image:
        if options.architecture is not None:
            raise InvalidInput(
                "option-without-image",
                "--architecture says which machines an image is for, but no image is given.",
                hint="Add --image IMAGE, or --own-image for the one that each configuration names.",
            )
        return None
    from trident.servicing.image_match import ImageJudge

    return ImageJudge(options.image, ARCHITECTURES.get(options.architecture))


def _judge(path: str, beside: Beside | None, *, for_update: bool) -> Judged:
    try:
        name, text = read_source(path)
    except InvalidInput as error:
        # A file that cannot be read must not hide what is wrong with the next one.
        problem = Problem(
            code=error.code, message=error.message, file=path, line=0, column=0, suggestion=error.hint
        )
        return Judged(path, None, (problem,))
    verdict = judge_host_configuration(text, name, storage_may_be_missing=for_update, beside=beside)
    return Judged(name, verdict.configuration, verdict.problems)


def _tell(one: Judged, *, has_image: bool) -> None:
    print_problems(one.problems)
    if one.is_valid:
        fits = " and fits its image" if has_image else ""
        say(f"{escaped(one.name)} is a valid Host Configuration{fits}.\n")


def _document(judged: Iterable[Judged]) -> dict[str, Any]:
    """Documented in docs/cli.md. A single file's fields stand at the top, too, as they always did."""
    files = [one.to_document() for one in judged]
    alone = files[0] if len(files) == 1 else {}
    return {**alone, "valid": all(file["valid"] for file in files), "files": files}
