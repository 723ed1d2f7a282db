"""Write the completion of ``trident`` for one shell to standard output, from the argument parser."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator

import shtab

from trident.cli.parser import build_parser

# What the help calls a file; everything else is a word of its own.
FILE_METAVARS = {"CONFIG", "COSI", "ERROR", "IMAGE", "LAYOUT", "OUTFILE", "STATUS", "TARGET", "TREE"}
TOPIC_METAVAR = "FIELD"
COMMAND_METAVAR = "COMMAND"


def bash(parser: argparse.ArgumentParser) -> str:
    """Completion for bash.

    The script that shtab 1.5 of Debian 12 makes offers of a fixed list only the first word: it expands an
    array without ``[@]``, and splits at newlines alone. A function of our own offers the words instead.
    """
    lists: dict[str, str] = {}  # from words to the function that offers them
    for action in _actions(parser):
        if words := " ".join(_words(action, parser)):
            name = lists.setdefault(words, f"_trident_words_{len(lists)}")
            action.complete = {"bash": name}  # type: ignore[attr-defined]
    functions = [
        f"{name}() {{ local IFS=' '; compgen -W '{words}' -- \"$1\"; }}\n" for words, name in lists.items()
    ]
    script = _shtab(parser, "bash", _BASH_TOPICS + "".join(functions))
    # Left in, they would offer the same words a second time, or the first of them.
    return re.sub(r"^_shtab_\w+_choices=\(.*\)\n", "", script, flags=re.MULTILINE)


def zsh(parser: argparse.ArgumentParser) -> str:
    """Completion for zsh."""
    for action in _actions(parser):
        if action.metavar == COMMAND_METAVAR and not isinstance(action, argparse._SubParsersAction):
            action.complete = {"zsh": f"({' '.join(_words(action, parser))})"}  # type: ignore[attr-defined]
    return _shtab(parser, "zsh", _ZSH_TOPICS)


def fish(parser: argparse.ArgumentParser) -> str:
    """Completion for fish, which shtab does not know: one ``complete`` command for each option and word."""
    return "".join(f"complete -c {parser.prog} {line}\n" for line in ("-f", *_fish(parser, parser, ())))


SHELLS: dict[str, Callable[[argparse.ArgumentParser], str]] = {"bash": bash, "zsh": zsh, "fish": fish}


# Fields and rules change with the program that is installed, so completion asks it.
_TOPICS = "$(trident explain --list 2>/dev/null)"
_BASH_TOPICS = f'_trident_topics() {{ compgen -W "{_TOPICS}" -- "$1"; }}\n'
_ZSH_TOPICS = f'_trident_topics() {{ local -a topics; topics=(${{(f)"{_TOPICS}"}}); compadd -a topics; }}\n'


def _shtab(parser: argparse.ArgumentParser, shell: str, preamble: str) -> str:
    for action in _actions(parser):
        if action.metavar in FILE_METAVARS:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.metavar == TOPIC_METAVAR:
            action.complete = {shell: "_trident_topics"}  # type: ignore[attr-defined]
    return shtab.complete(parser, shell=shell, preamble={shell: preamble})


def _words(action: argparse.Action, parser: argparse.ArgumentParser) -> list[str]:
    """The fixed list that an argument is chosen from; empty if it is not."""
    if action.choices is not None:
        return [str(choice) for choice in action.choices]
    if action.metavar == COMMAND_METAVAR:  # of 'help': argparse takes any word there
        return [name for commands in parser._actions if isinstance(commands, argparse._SubParsersAction)
                for name in commands.choices]  # fmt: skip
    return []


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


def _fish(
    parser: argparse.ArgumentParser, root: argparse.ArgumentParser, words: tuple[str, ...]
) -> Iterator[str]:
    seen = " ; and ".join(f"__fish_seen_subcommand_from {word}" for word in words)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from _fish_commands(action, root, words, seen)
        elif action.option_strings:
            yield " ".join([_condition(seen), *_fish_option(action)]).strip()
        elif action.metavar in FILE_METAVARS:
            yield f"{_condition(seen)} -F"
        elif action.metavar == TOPIC_METAVAR:
            yield f"{_condition(seen)} -a '(trident explain --list 2>/dev/null)'"
        elif choices := _words(action, root):
            yield f"{_condition(seen)} -a {_quoted(' '.join(choices))}"


def _fish_commands(
    action: argparse._SubParsersAction[argparse.ArgumentParser],
    root: argparse.ArgumentParser,
    words: tuple[str, ...],
    seen: str,
) -> Iterator[str]:
    none_yet = f"not __fish_seen_subcommand_from {' '.join(action.choices)}"
    for choice in action._choices_actions:
        condition = f"{seen} ; and {none_yet}" if seen else none_yet
        yield f"{_condition(condition)} -a {choice.dest} -d {_quoted(choice.help or '')}"
    for name, command in action.choices.items():
        yield from _fish(command, root, (*words, name))


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
