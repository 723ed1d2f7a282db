"""Values with a spelling of their own: how they are written, and what they become.

A model marks a field with one of these (``Annotated[str, PATH]``); reading and the reference page use it.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import Any

import msgspec

from trident.config import scalars, values
from trident.config.nearest import nearest
from trident.config.nodes import ScalarNode, shortened
from trident.config.pcr import Pcr
from trident.config.quantities import Grow, parse_partition_size, spell_partition_size

_HEX96 = re.compile(r"[0-9a-fA-F]{96}", re.ASCII)
_HEX32 = re.compile(r"[0-9a-fA-F]{32}", re.ASCII)
_HYPHENATED = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
IMAGE_SCHEMES = ("http", "https", "file", "oci")


class MisspeltError(ValueError):
    """A value that is not spelt as it must be.

    Attributes:
        suggestion: what to do, if that is known.
        instead: what to write, or what does as well while the rest is judged.
    """

    def __init__(self, message: str, suggestion: str | None = None, instead: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion
        self.instead = instead


class Spelling(msgspec.Struct, frozen=True):
    """How a value is written.

    Attributes:
        noun: what is expected: ``a size such as 512M``.
        read: the value of a scalar; raises ``ValueError`` with a sentence.
        write: plain data for the value, the way upstream spells it.
        takes_null: whether a plain ``null`` in an optional field means "not given".
        takes_key: whether it may be written as a key without a value (``{grow: }``), as upstream reads it.
    """

    noun: str
    read: Callable[[ScalarNode], Any]
    write: Callable[[Any], Any] | None = None
    takes_null: bool = True
    takes_key: bool = False


class Shorthand(msgspec.Struct, frozen=True):
    """A text may stand for a whole object: the one whose ``field`` it is.

    Attributes:
        model: the object.
        field: its only required field, as Python spells it.
    """

    model: type[Any]
    field: str


class OrUuid(msgspec.Struct, frozen=True):
    """A member of an enumeration, or a UUID, which stays text: lower case, with hyphens."""

    kind: type[enum.StrEnum]


class ByKey(msgspec.Struct, frozen=True):
    """One of two objects: ``with_key`` if the mapping has that key, else ``without``."""

    key: str
    with_key: type[Any]
    without: type[Any]


class Judged(msgspec.Struct, frozen=True):
    """A mapping that is kept as it is written, once something else has judged it.

    Attributes:
        judge: is given the mapping, its path and the complaints to add to.
    """

    judge: Callable[[Any, Any, Any], None]


class Secret(msgspec.Struct, frozen=True):
    """A field that may hold what no message shows, beside the mark that says how it is read.

    Attributes:
        hides: whether a scalar with this text, in the field or below it, is not to be shown.
    """

    hides: Callable[[str], bool]


class Own(msgspec.Struct, frozen=True):
    """A field that upstream's API does not have. The reference says so wherever it tells of the field."""


def _strict_text(node: ScalarNode) -> str:
    """Text that upstream reads through a buffer, where a plain number or boolean is none."""
    if not values.is_text(node) or node.tag.startswith("!"):
        if node.tag.startswith("!"):
            raise MisspeltError(f"the tag '{node.tag}' has no meaning here", "Remove the tag.")
        shown = f"'{shortened(node.text)}' is not text here" if node.text else "nothing stands here"
        raise MisspeltError(f"text is needed, but {shown}", f"Put it in quotes: '{shortened(node.text)}'.")
    return node.text


def collapse(path: str) -> str:
    """A path without ``//``, ``/./`` and a final ``/``, which mean nothing; ``..`` stays."""
    if not path.startswith("/"):
        return path
    return "/" + "/".join(part for part in path.split("/") if part not in ("", "."))


def _as_written(node: ScalarNode) -> str:
    return node.text


def _path(node: ScalarNode) -> str:
    return collapse(node.text)


def _partition_size(node: ScalarNode) -> int | Grow:
    try:
        value = values.settled(node)
    except values.MistaggedError as error:
        raise MisspeltError(str(error), "Remove the tag.") from error
    if value is None or isinstance(value, bool | float):
        shown = f"'{shortened(node.text)}' is neither" if node.text else "nothing stands here"
        raise MisspeltError(f"a size or 'grow' is needed, but {shown}", "Write for example 512M, 8G or grow.")
    return parse_partition_size(value)


def _sha384(node: ScalarNode) -> str:
    text = _strict_text(node)
    if text == "ignored":
        return text
    close = nearest(text, ("ignored",))
    if close is not None:
        raise MisspeltError(f"'{shortened(text)}' is {_NO_CHECKSUM}", f"Did you mean '{close}'?", close)
    return _hexadecimal(text, _NO_CHECKSUM)


_NO_HEXADECIMAL = "not 96 hexadecimal digits"
_NO_CHECKSUM = "neither 96 hexadecimal digits nor 'ignored'"


def _hexadecimal(text: str, otherwise: str = _NO_HEXADECIMAL) -> str:
    """96 hexadecimal digits in lower case; ``otherwise`` says what another text is."""
    if _HEX96.fullmatch(text):
        return text.lower()
    bare = text.removeprefix("sha384:")
    if bare != text and _HEX96.fullmatch(bare):
        raise MisspeltError("the digits stand here without 'sha384:' before them", f"Write {bare}.", bare)
    import hashlib

    # Another text has other digits, so that rules which compare them still have something to compare.
    instead = hashlib.sha384(text.encode("utf-8", "replace")).hexdigest()
    if re.fullmatch(r"[0-9a-fA-F]+", text, re.ASCII):
        message = f"a SHA-384 has 96 hexadecimal digits, and this has {len(text)}"
        raise MisspeltError(message, instead=instead)
    raise MisspeltError(f"'{shortened(text)}' is {otherwise}", instead=instead)


def _uuid(node: ScalarNode) -> str:
    text = node.text
    bare = text.removeprefix("urn:uuid:")
    if bare == text and text.startswith("{") and text.endswith("}"):
        bare = text[1:-1]
    if not (_HYPHENATED.fullmatch(bare) or (bare == text and _HEX32.fullmatch(bare))):
        raise MisspeltError(
            f"'{shortened(text)}' is not a UUID", "Write for example 4f68bce3-e8cd-4db1-96e7-fbcaf984b709."
        )
    digits = bare.replace("-", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _url(node: ScalarNode) -> str:
    from trident.config import url

    text = url.trimmed(node.text)
    try:
        url.scheme_of(text)
    except url.UrlError as error:
        example = "https://host/image.cosi"
        suggestion = f"Write file://{text}." if text.startswith("/") else f"Write for example {example}."
        raise MisspeltError(f"'{shortened(text)}' is not a URL: {error}", suggestion) from error
    return text


def _whole_number(node: ScalarNode) -> int:
    value = values.whole_number(node)
    if value is None:
        quoted = " in quotes" if scalars.integer(node.text) is not None else ""
        raise MisspeltError(
            f"a whole number is needed, but '{shortened(node.text)}'{quoted} is none",
            "Remove the quotes." if quoted else None,
        )
    return value


def _int32(node: ScalarNode) -> int:
    value = _whole_number(node)
    if not -(2**31) <= value < 2**31:
        raise MisspeltError(f"{shortened(node.text)} does not fit into 32 bits")
    return value


def _uint64(node: ScalarNode) -> int:
    value = _whole_number(node)
    if value < 0 or (node.text.startswith("-") and not node.is_settled):
        raise MisspeltError("this number cannot be negative", "Write 0." if value == 0 else None)
    if value >= 2**64:
        raise MisspeltError(f"{shortened(node.text)} does not fit into 64 bits")
    return value


def _pcr(node: ScalarNode) -> Any:
    try:
        value = values.settled(node)
    except values.MistaggedError as error:
        raise MisspeltError(str(error), "Remove the tag.") from error
    if type(value) is int and 0 <= value < len(Pcr) and not node.text.startswith("-"):
        return Pcr(value)
    pcr = next((pcr for pcr in Pcr if value == pcr.word), None)
    if pcr is not None:
        return pcr
    if isinstance(value, str) and scalars.integer(value) in range(len(Pcr)):
        raise MisspeltError(f"'{shortened(value)}' in quotes is not a PCR number", "Remove the quotes.")
    number = scalars.integer(node.text.lower().removeprefix("pcr").strip())
    if number is not None and 0 <= number < len(Pcr):
        close: str | None = Pcr(number).word
    else:
        close = nearest(node.text, (pcr.word for pcr in Pcr))
    raise MisspeltError(
        f"'{shortened(node.text)}' is not a PCR: a number from 0 to 23, or its name",
        f"Did you mean '{close}'?" if close else "Write for example 7 or secure-boot-policy.",
        close,
    )


def _plain_sha384(node: ScalarNode) -> str:
    if node.text == "ignored":
        raise MisspeltError("the SHA-384 of an extension cannot be ignored", "Write the one of the file.")
    return _hexadecimal(node.text)


def _strict_path(node: ScalarNode) -> str:
    """A path that is kept as it is written: upstream compares its directory letter by letter."""
    return _strict_text(node)


NAME = Spelling("an id", _as_written)
PATH = Spelling("a path", _path)
MOUNT_PATH = Spelling("a path", _path)
PARTITION_SIZE = Spelling(
    "a size such as 512M, or grow", _partition_size, spell_partition_size, takes_key=True
)
SHA384 = Spelling("96 hexadecimal digits, or ignored", _sha384, takes_key=True)
UUID = Spelling("a UUID", _uuid)
URL = Spelling("a URL", _url)
# What stands before '@' or behind '?' may be a password or a signature.
CREDENTIALS = Secret(lambda text: "@" in text or "?" in text)
OWN = Own()
PASSWORD = Secret(lambda text: text != "locked")
INT32 = Spelling("a whole number", _int32)
UINT64 = Spelling("a whole number", _uint64)
PCR = Spelling("a PCR number or name", _pcr)
PLAIN_SHA384 = Spelling("96 hexadecimal digits", _plain_sha384)
STRICT_PATH = Spelling("a path", _strict_path)
QUOTED_TEXT = Spelling("text", _strict_text, takes_null=False)


def _judge_netplan(node: Any, path: Any, complaints: Any) -> None:
    from trident.config.netplan.judge import judge

    judge(node, path, complaints)


NETPLAN = Judged(_judge_netplan)
