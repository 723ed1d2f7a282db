"""Write trident(1) to standard output, from the argument parser: a manual that cannot disagree with it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import trident
from trident.cli.parser import build_parser

FILES = {
    "/etc/trident/config.yaml": "the Host Configuration that a command applies when it is given none",
    "/etc/trident/trident.conf": "the agent's own settings, see trident.conf(5)",
    "/var/lib/trident/datastore.sqlite": "Host Status and the history of servicings; readable by root only",
    "/var/log/trident-full.log": "the log of every servicing, as JSON Lines; readable by root only",
    "/var/lib/trident/trident-STATE-TIME.log": "the log of one servicing, kept beside the datastore",
}


def manual(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The lines of the page, in roff with the man(7) macros."""
    yield f'.TH TRIDENT 1 "" "trident {trident.__version__}" "System administration"'
    yield ".SH NAME"
    yield r"trident \- install and service Linux systems from images"
    yield ".SH SYNOPSIS"
    yield rf".B {parser.prog}"
    yield r"[\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGUMENTS\fR]"
    yield ".SH DESCRIPTION"
    yield from _paragraph(parser.description)
    yield ".SH OPTIONS"
    yield from _options(parser)
    yield ".SH COMMANDS"
    for command in _commands(parser):
        yield from _section(command)
    yield from _epilog(parser.epilog or "")
    yield ".SH FILES"
    for path, purpose in FILES.items():
        yield from (".TP", rf".I {_escaped(path)}", _escaped(purpose))
    yield ".SH SEE ALSO"
    yield ".BR trident.conf (5)"


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The commands that do something, each with its whole name (``trident image build``), in order."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield parser
    for group in groups:
        for command in group.choices.values():
            yield from _commands(command)


def _section(command: argparse.ArgumentParser) -> Iterator[str]:
    usage = " ".join(command.format_usage().removeprefix("usage:").split())
    yield f".SS {_escaped(command.prog)}"
    yield from (".nh", ".ad l", _escaped(usage), ".ad b", ".hy", ".PP")
    yield from _paragraph(command.description)
    yield from _options(command, skip="--help")
    if command.epilog:
        yield from (".PP", *_as_it_is(command.epilog.splitlines()))


def _options(parser: argparse.ArgumentParser, skip: str = "") -> Iterator[str]:
    formatter = argparse.HelpFormatter(parser.prog)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or skip in action.option_strings:
            continue
        yield ".TP"
        yield _heading(action)
        yield _escaped(formatter._expand_help(action)) if action.help else ""


def _heading(action: argparse.Action) -> str:
    if not action.option_strings:
        return rf"\fI{_escaped(action.metavar or action.dest)}\fR"
    names = ", ".join(rf"\fB{_escaped(name)}\fR" for name in action.option_strings)
    if action.nargs == 0:
        return names
    value = action.metavar or ("|".join(action.choices) if action.choices else action.dest.upper())
    return rf"{names} \fI{_escaped(value)}\fR"


def _paragraph(text: str | None) -> Iterator[str]:
    if text:
        yield _escaped(" ".join(text.split()))


def _epilog(epilog: str) -> Iterator[str]:
    """Each ``title:`` of the help's last part becomes a section, its lines as they are."""
    for block in epilog.strip().split("\n\n"):
        title, *lines = block.splitlines()
        yield f".SH {_escaped(title.removesuffix(':').upper())}"
        yield from _as_it_is(lines)


def _as_it_is(lines: list[str]) -> Iterator[str]:
    if lines:
        yield from (".nf", *(_escaped(line) for line in lines), ".fi")


def _escaped(text: object) -> str:
    # A hyphen that people copy must stay one; a line that starts with a dot or an apostrophe is a macro.
    escaped = str(text).replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in manual(build_parser()))
