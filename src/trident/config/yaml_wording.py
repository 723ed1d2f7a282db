"""Our words for what a YAML parser stumbles over.

libyaml and the pure parser name the same mistake differently; each is recognised by a fragment of its text
and answered with a sentence of ours.  What is not recognised still gets its place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_QUOTE_IT = (
    "If the value contains ': ', ' #' or starts with one of [ ] { } , & * ! | > % @ `, put it in quotes."
)
_INDENT = "Check that this line is indented like its neighbours, with spaces."

_MEANINGS: tuple[tuple[tuple[str, ...], str, str | None], ...] = (
    (
        ("mapping values are not allowed",),
        "A ':' is not expected here: the line above may be indented differently, or the value needs quotes.",
        _QUOTE_IT,
    ),
    (
        ("could not find expected ':'",),
        "A key without ':' stands here, or the text before it is not finished.",
        "Write 'key: value', with a space after the colon.",
    ),
    (
        ("did not find expected key", "while parsing a block mapping"),
        "This does not fit into the mapping around it.",
        _INDENT,
    ),
    (
        ("did not find expected '-' indicator", "while parsing a block collection"),
        "This does not fit into the list around it.",
        "Items of one list start with '- ' in the same column.",
    ),
    (
        ("sequence entries are not allowed",),
        "A list item ('- ') is not expected here.",
        "Start the list on a new line below its key.",
    ),
    (("mapping keys are not allowed",), "A key is not expected here.", _INDENT),
    (
        ("did not find expected ',' or ']'", "expected ',' or ']'"),
        "A list that starts with '[' is not closed, or a ',' is missing.",
        "Close it with ']', or put ',' between its items.",
    ),
    (
        ("did not find expected ',' or '}'", "expected ',' or '}'"),
        "A mapping that starts with '{' is not closed, or a ',' is missing.",
        "Close it with '}', or put ',' between its entries.",
    ),
    (
        ("unexpected end of stream",),
        "A quoted text is not closed before the end of the file.",
        "Add the closing quote.",
    ),
    (
        ("unexpected document indicator", "unexpected document separator"),
        "A quoted text is not closed before the next document starts.",
        "Add the closing quote.",
    ),
    (
        ("unknown escape character",),
        "This backslash escape does not exist in double-quoted text.",
        "Write '\\\\' for a backslash, or use single quotes.",
    ),
    (
        ("hexadecimal number", "hexdecimal number", "invalid Unicode character escape", "escape sequence"),
        "This escape needs hexadecimal digits of an existing character.",
        "Write for example '\\x41' or '\\u0041'.",
    ),
    (
        ("tab character",),
        "A tab stands where spaces are needed.",
        "Indent with spaces.",
    ),
    (
        ("indentation indicator", "chomping or indentation"),
        "The header of this block text ('|' or '>') is not valid.",
        "Write '|' or '>', with an optional '-' or '+', and start the text on the next line.",
    ),
    (
        ("expected comment or line break", "a comment or a line break"),
        "Nothing but a comment may follow on this line.",
        None,
    ),
    (
        ("while scanning an anchor", "while scanning an alias"),
        "The name of an anchor ('&') or alias ('*') consists of letters, digits, '-' and '_'.",
        "If a text starts with '&' or '*', put it in quotes.",
    ),
    (
        ("undefined tag handle", "a tag", "tag URI", "'!'", "'>'", "URI", "expected URI"),
        "This tag ('!') cannot be read.",
        "If a text starts with '!', put it in quotes.",
    ),
    (
        ("incompatible YAML", "version number", "%YAML", "YAML directive", "directive", "digit"),
        "This directive ('%') cannot be read.",
        "Remove it; a Host Configuration needs none.",
    ),
    (
        ("document start",),
        "This does not belong to the document above it.",
        "Check how it is indented, or remove it.",
    ),
    (
        ("node content",),
        "A value is missing here.",
        _QUOTE_IT,
    ),
    (("unexpected ':'",), "A ':' is not expected here.", _QUOTE_IT),
)


def explain(error: Any, line_at: Callable[[int], str], line: int, column: int) -> tuple[str, str | None]:
    """The sentence and the suggestion for a parser's error at a place (counted from 0) of the text."""
    here = line_at(line)
    if here[column : column + 1] == "\t" or here[: len(here) - len(here.lstrip())].find("\t") >= 0:
        return "A tab stands where spaces are needed.", "Indent with spaces; YAML does not allow tabs for it."
    problem = str(getattr(error, "problem", None) or "")
    context = str(getattr(error, "context", None) or "")
    if "cannot start any token" in problem:
        character = here[column : column + 1]
        return (
            f"The character '{character}' cannot start a value.",
            "Put the value in quotes.",
        )
    message, suggestion = explain_fragment(problem, context)
    opened = getattr(error, "context_mark", None)
    if "not closed" in message and opened is not None and opened.line < line:
        message = f"{message} It starts on line {opened.line + 1}."
    return message, suggestion


def explain_fragment(*texts: str) -> tuple[str, str | None]:
    """The sentence and the suggestion for what a parser says; the first text that is recognised counts."""
    for text in texts:
        for fragments, message, suggestion in _MEANINGS:
            if any(fragment in text for fragment in fragments):
                return message, suggestion
    return "This is not YAML.", _QUOTE_IT
