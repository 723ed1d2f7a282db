"""What ``trident explain`` can be asked about, and finding it by what a person typed."""

from __future__ import annotations

import re

from trident.config.nearest import nearest
from trident.config.nodes import shortened
from trident.config.problems import Problem
from trident.config.reference.codes import READING_CODES
from trident.config.reference.kinds import fields, objects_in
from trident.config.reference.places import Place, is_open, places
from trident.config.rules import all_rules
from trident.config.rules.rule import Rule
from trident.errors import InvalidInput

_INDEX = re.compile(r"\[[^\]]*\]")
_MOST_OFFERED = 6


class ReadingCode(str):
    """A code that reading gives, rather than a rule."""

    __slots__ = ()


Topic = Place | Rule | ReadingCode


def names() -> list[str]:
    """Everything that can be asked about: fields in the order of the model, then codes."""
    return [*places(), *(rule.code for rule in all_rules()), *READING_CODES]


_ABOUT_A_VALUE = frozenset(("wrong-type", "unknown-value", "invalid-value", "missing-field"))
_TELLING_CODES = frozenset(("netplan-unknown-key", "netplan-refuses"))
"""Codes of reading that say what comes of it, which messages cannot each time."""


def topic_of(problem: Problem) -> str | None:
    """What to ask about to learn more of a problem, or ``None`` where there is no more to learn.

    That is the field where a value is wrong, the object above where a field is, and else the rule.
    """
    path = _INDEX.sub("", problem.path)
    if problem.code == "unknown-field":
        path = path.rpartition(".")[0]
    elif problem.code not in _ABOUT_A_VALUE:
        is_told = problem.code in _TELLING_CODES or any(rule.code == problem.code for rule in all_rules())
        return problem.code if is_told else None
    # What is no Host Configuration, the layout of an image for example, has no topics here.
    place = _below(path.split("."))
    return place.path if place is not None else None


def find_topic(text: str) -> Topic:
    """The field, rule or code that a person asks about.

    Lists may be indexed (``storage.disks[0].id``), and the end of a path is enough where no other path ends
    so (``users.sshMode``).

    Raises:
        InvalidInput: ``unknown-topic``; its hint offers the nearest.
    """
    asked = text.strip()
    rule = next((rule for rule in all_rules() if rule.code == asked), None)
    if rule is not None:
        return rule
    if asked in READING_CODES:
        return ReadingCode(asked)
    keys = [key for key in _INDEX.sub("", asked).split(".") if key and not key.isdigit()]
    place = _below(keys) or _by_object(asked)
    if place is not None:
        return place
    ending = _ending_with(keys)
    if len(ending) == 1:
        return places()[ending[0]]
    raise _unknown(asked, keys, ending)


def _below(keys: list[str]) -> Place | None:
    """The field at a path; what is below a mapping of the user's own is the mapping."""
    path = ""
    for key in keys:
        known = places().get(path)
        if known is not None and is_open(known.field):
            return known
        path = f"{path}.{key}" if path else key
        if path not in places():
            return None
    return places().get(path)


def _by_object(name: str) -> Place | None:
    """The first field that holds an object of that name: ``Partition``."""
    return next(
        (p for p in places().values() for model in objects_in(p.field.kind) if model.__name__ == name), None
    )


def _ending_with(keys: list[str]) -> list[str]:
    tail = "." + ".".join(keys)
    return [path for path in places() if path.endswith(tail)] if keys else []


def _unknown(asked: str, keys: list[str], ending: list[str]) -> InvalidInput:
    shown = "".join(character if character.isprintable() else "\ufffd" for character in shortened(asked))
    if ending:
        offered = ", ".join(ending[:_MOST_OFFERED])
        more = f" and {len(ending) - _MOST_OFFERED} more" if len(ending) > _MOST_OFFERED else ""
        hint = f"Several fields are called so: {offered}{more}."
        return InvalidInput("unknown-topic", f"'{shown}' is not the whole path of a field.", hint=hint)
    return InvalidInput(
        "unknown-topic", f"There is no field and no rule '{shown}'.", hint=_guess(asked, keys)
    )


def _guess(asked: str, keys: list[str]) -> str:
    """What was probably meant: the path as far as it is right, then the nearest of the fields there."""
    codes = [*(rule.code for rule in all_rules()), *READING_CODES]
    if "-" in asked and (code := nearest(asked, codes)) is not None:
        return f"Did you mean '{code}'?"
    path, known = "", list(fields_at(""))
    for key in keys:
        close = key if key in known else nearest(key, known)
        if close is None:
            break
        path = f"{path}.{close}" if path else close
        known = list(fields_at(path))
    else:
        return f"Did you mean '{path}'?" if path else "Run 'trident explain' for the fields at the top."
    if path:
        return (
            f"The fields of {path} are: {', '.join(known)}." if known else f"'{path}' has no fields below it."
        )
    if len(keys) == 1 and (close := nearest(keys[0], {path.rpartition(".")[2] for path in places()})):
        return f"Did you mean '{_ending_with([close])[0]}'?"
    return f"The fields at the top are: {', '.join(known)}; --list prints all, and all rules."


def fields_at(path: str) -> tuple[str, ...]:
    """The keys of the fields directly below a path; empty is the top."""
    if not path:
        from trident.config.model import HostConfiguration

        return tuple(fields(HostConfiguration))
    return tuple(
        dict.fromkeys(key for model in objects_in(places()[path].field.kind) for key in fields(model))
    )
