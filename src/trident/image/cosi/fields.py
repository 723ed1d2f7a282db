"""Typed access to a JSON document with errors that name the field (``images[1].image.sha384``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from trident.errors import InvalidInput

T = TypeVar("T")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHA384 = re.compile(r"[0-9a-f]{96}")
_SHOWN = 60
# Sizes end up in off_t, which is signed.
LARGEST_SIZE = 2**63 - 1


def corrupt(message: str, **details: object) -> InvalidInput:
    """The error for a COSI whose content breaks the specification (upstream: ``corrupt-os-image``)."""
    return InvalidInput(
        "corrupt-os-image",
        message,
        hint="Build or copy the COSI file again; 'trident image verify' checks a copy in full.",
        details=details,
    )


def shown(value: object) -> str:
    """A value for an error message, cut short and free of control characters."""
    text = repr(value) if isinstance(value, str) else str(value)
    text = text.encode("ascii", "backslashreplace").decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


@dataclass(frozen=True, slots=True)
class Field:
    """A value of the document together with where it stands."""

    value: Any
    path: str

    def wrong(self, expectation: str) -> InvalidInput:
        """The error that this field is not what the specification asks for."""
        return corrupt(
            f"COSI metadata field '{self.path}' {expectation}, found {self._found()}.", field=self.path
        )

    def _found(self) -> str:
        match self.value:
            case None:
                return "nothing"
            case dict():
                return "an object"
            case list():
                return "an array"
            case _:
                return shown(self.value)

    def get(self, name: str) -> Field:
        """A member of this object; its value is ``None`` where it is absent.

        Raises:
            InvalidInput: this is not an object.
        """
        if not isinstance(self.value, dict):
            raise self.wrong("must be an object")
        path = f"{self.path}.{name}" if self.path else name
        return Field(self.value.get(name), path)

    def items(self) -> Iterator[Field]:
        """The elements of this array.

        Raises:
            InvalidInput: this is not an array.
        """
        if not isinstance(self.value, list):
            raise self.wrong("must be an array")
        for index, element in enumerate(self.value):
            yield Field(element, f"{self.path}[{index}]")

    def optional(self, read: Callable[[Field], T]) -> T | None:
        """``read`` of this field, or ``None`` where it is absent or null."""
        return None if self.value is None else read(self)

    def text(self) -> str:
        """A string without NUL and unpaired surrogates, which no system call would take.

        Raises:
            InvalidInput: it is not such a string.
        """
        if not isinstance(self.value, str):
            raise self.wrong("must be a string")
        if "\0" in self.value or any("\ud800" <= char <= "\udfff" for char in self.value):
            raise self.wrong("must be plain text")
        return self.value

    def name(self) -> str:
        """A string that is not empty."""
        if not self.text():
            raise self.wrong("must not be empty")
        return self.text()

    def number(self, lowest: int = 0, highest: int = LARGEST_SIZE) -> int:
        """A whole number within bounds.

        Raises:
            InvalidInput: it is not.
        """
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.wrong("must be a whole number")
        if not lowest <= self.value <= highest:
            raise self.wrong(f"must be between {lowest} and {highest}")
        return self.value

    def one_of(self, *allowed: str) -> str:
        """One of a few strings."""
        if self.text() not in allowed:
            raise self.wrong(f"must be one of {', '.join(allowed)}")
        return self.text()

    def uuid(self) -> str:
        """A UUID, in lower case."""
        return self._matching(_UUID, "must be a UUID")

    def sha384(self) -> str:
        """A SHA-384 in hexadecimal, in lower case."""
        return self._matching(_SHA384, "must be a SHA-384 of 96 hexadecimal digits")

    def _matching(self, pattern: re.Pattern[str], expectation: str) -> str:
        text = self.text().lower()
        if pattern.fullmatch(text) is None:
            raise self.wrong(expectation)
        return text
