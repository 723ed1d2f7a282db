"""Write the completion of ``trident`` for one shell to standard output, from the argument parser."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

import shtab

from trident.cli.parser import build_parser

# What the help calls a file; everything else is a word of its own.
FILE_METAVARS = {"CONFIG", "COSI", "ERROR", "IMAGE", "LAYOUT", "OUTFILE", "STATUS", "TARGET", "TREE"}
TOPIC_METAVAR = "FIELD"


def bash(parser: argparse.ArgumentParser) -> str:
    """Completion for bash."""
    return _shtab(parser, "bash")


def zsh(parser: argparse.ArgumentParser) -> str:
    """Completion for zsh."""
    return _shtab(parser, "zsh")


def fish(parser: argparse.ArgumentParser) -> str:
    """Completion for fish, which shtab does not know: one ``complete`` command for each option and word."""
    return "".join(f"complete -c {parser.prog} {line}\n" for line in ("-f", *_fish(parser, ())))


SHELLS: dict[str, Callable[[argparse.ArgumentParser], str]] = {"bash": bash, "zsh": zsh, "fish": fish}


# Fields and rules change with the program that is installed, so completion asks it.
_TOPICS = "$(trident explain --list 2>/dev/null)"
_PREAMBLE = {
    "bash": f'_trident_topics() {{ compgen -W "{_TOPICS}" -- "$1"; }}\n',
    "zsh": f'_trident_topics() {{ local -a topics; topics=(${{(f)"{_TOPICS}"}}); compadd -a topics; }}\n',
}


def _shtab(parser: argparse.ArgumentParser, shell: str) -> str:
    for action in _actions(parser):
        if action.metavar in FILE_METAVARS:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.metavar == TOPIC_METAVAR:
            action.complete = dict.fromkeys(_PREAMBLE, "_trident_topics")  # type: ignore[attr-defined]
    return shtab.complete(parser, shell=shell, preamble=_PREAMBLE)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


def _fish(parser: argparse.ArgumentParser, words: tuple[str, ...]) -> Iterator[str]:
    seen = " ; and ".join(f"__fish_seen_subcommand_from {word}" for word in words)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from _fish_commands(action, words, seen)
        elif action.option_strings:
            yield " ".join([_condition(seen), *_fish_option(action)]).strip()
        elif action.metavar in FILE_METAVARS:
            yield f"{_condition(seen)} -F"
        elif action.metavar == TOPIC_METAVAR:
            yield f"{_condition(seen)} -a '(trident explain --list 2>/dev/null)'"
        elif action.choices:
            yield f"{_condition(seen)} -a {_quoted(' '.join(action.choices))}"


def _fish_commands(
    action: argparse._SubParsersAction[argparse.ArgumentParser], words: tuple[str, ...], seen: str
) -> Iterator[str]:
    none_yet = f"not __fish_seen_subcommand_from {' '.join(action.choices)}"
    for choice in action._choices_actions:
        condition = f"{seen} ; and {none_yet}" if seen else none_yet
        yield f"{_condition(condition)} -a {choice.dest} -d {_quoted(choice.help or '')}"
    for name, command in action.choices.items():
        yield from _fish(command, (*words, name))


def _fish_option(action: argparse.Action) -> Iterator[str]:
    for name in action.option_strings:
        yield f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
    if action.nargs != 0:
        yield "-r"
    if action.metavar in FILE_METAVARS:
        yield "-F"
    elif action.choices:
        yield f"-a {_quoted(' '.join(action.choices))}"
    if action.help:
        yield f"-d {_quoted(argparse.HelpFormatter('')._expand_help(action))}"


def _condition(condition: str) -> str:
    return f"-n {_quoted(condition)}" if condition else ""


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


if __name__ == "__main__":
    sys.stdout.write(SHELLS[sys.argv[1]](build_parser()))
