"""What nobody but the owner of a machine may read: found in documents and in text, and taken out.

Three things say what is secret. The model marks its fields (``config/spelling.py``). Some fields hold
whatever their author put there: the content of scripts and files, variables, arguments. And text from
elsewhere, a log or a kernel command line, is searched for the forms that secrets have, and for values that
are known to be secret.
"""

from __future__ import annotations

import functools
import json
import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from trident.config import free_text
from trident.config.free_text import SHORTEST
from trident.config.spelling import Secret

HIDDEN = "***"

# Fields of a Host Configuration that may hold anything, and so perhaps a secret.
_VARIABLES = "environmentVariables"
_FREE_FIELDS: Mapping[str, Callable[[str], Iterator[str]]] = {
    "content": free_text.of_text,
    _VARIABLES: free_text.of_text,
    "arguments": free_text.of_argument,
}
# Settings of netplan (netplan-yaml(5)): Wi-Fi and EAP passwords, keys of tunnels and peers, PINs of modems.
_NETPLAN_FIELDS = frozenset(
    {
        "password",
        "client-key-password",
        "key",
        "shared",
        "private",
        "psk",
        "sae-password",
        "private-key",
        "pin",
    }
)

# How the name of a setting ends whose value is secret.
_ENDING = (
    r"(?:pass(?:word|wd|phrase|code)?|secret|token|credentials?|api[_\-]?key|psk|private[_\-]?key|access[_\-]?key"
    r"|shared[_\-]?key)(?:[_\-]?(?:hash|binary|data|value))?"
)
_NAME = re.compile(rf"[\w.\-]*{_ENDING}", re.IGNORECASE)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # A private key, also one whose end is not there any more.
    (
        re.compile(
            r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)", re.DOTALL
        ),
        HIDDEN,
    ),
    # What stands before '@' or behind '?' in an address may be a password or a signature.
    (re.compile(r"(?<=://)[^\s/@'\"<>]+@"), f"{HIDDEN}@"),
    # Each address is tried from its last '://' only: text of nothing else would take time by its square.
    (re.compile(r"(://(?:(?!://)[^\s?#'\"<>])*)\?[^\s#'\"<>]*"), rf"\1?{HIDDEN}"),
    (
        re.compile(r"(authorization\s*[=:]\s*(?:(?:basic|bearer|digest)\s+)?)[^\s'\"]+", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(bearer\s+)[\w.~+/=\-]{8,}", re.IGNORECASE), rf"\1{HIDDEN}"),
    # A hash made by crypt(5), and a JSON Web Token.
    (re.compile(r"\$(?:1|2[abxy]?|5|6|7|y|gy|md5|sha1|argon2\w*)\$[\w./=,$+\-]{8,}"), HIDDEN),
    (re.compile(r"\beyJ[\w\-]{8,}\.[\w\-]{8,}\.[\w\-]*"), HIDDEN),
    # 'password=…' on a command line, "token": "…" in JSON, 'psk: …' in YAML.
    (
        re.compile(
            rf"({_ENDING}\\*['\"]?\s*[=:]\s*)"
            r"(\\+\"(?:(?!\\+\").)*\\+\"|\"(?:\\.|[^\"\\])*\"|'[^'\n]*'|[^\s,;&'\"{}\[\]]+)",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
)  # fmt: skip
_ADDRESS = re.compile(r"^[A-Za-z][\w+.\-]*:")


class Redactor:
    """Takes out of documents and text what is secret, and remembers the values that it found.

    Learn from every document first: a password that stands in a configuration is then found in a log, too.
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        # The spellings of the values by how they begin, longest first.
        self._search: Mapping[str, Sequence[str]] | None = None

    def learn(self, document: Any) -> None:
        """Remember the secret values of a document: a Host Configuration, a Host Status, netplan settings."""
        self.learn_values(_secrets_of(document))

    def learn_values(self, values: Iterable[str]) -> None:
        """Remember values that are secret wherever they stand; short ones are not searched for."""
        found = {value.strip() for value in values}
        self._values |= {value for value in found if len(value) >= SHORTEST}
        self._search = None

    def text(self, text: str) -> str:
        """``text`` with ``***`` for each secret."""
        text = self._without_known(text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def document(self, document: Any) -> Any:
        """Plain data with ``***`` for each secret; the shape stays."""
        return self._redacted(document, None)

    def _redacted(self, value: Any, how: Callable[[str], str] | None) -> Any:
        if isinstance(value, Mapping):
            return {
                (self.text(key) if isinstance(key, str) else key): self._redacted(item, how or _handling(key))
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._redacted(item, how) for item in value]
        if value is None or isinstance(value, bool):
            return value
        if how is not None:
            # What a program reads as a number stays one where nothing had to be hidden.
            hidden = how(str(value))
            return value if hidden == str(value) else self.text(hidden)
        return self.text(value) if isinstance(value, str) else value

    def _without_known(self, text: str) -> str:
        """``text`` without the values; one pass, because a script alone may have thousands of them."""
        known = self._known()
        parts: list[str] = []
        done = end = 0
        if not known:
            return text
        for place in range(len(text) - SHORTEST + 1):
            for spelling in known.get(text[place : place + SHORTEST], ()):
                if text.startswith(spelling, place):
                    # Values may overlap, and then nothing of either is to be left.
                    if place > end or not parts:
                        parts += text[done:place], HIDDEN
                    done = end = max(end, place + len(spelling))
                    break
        return "".join((*parts, text[done:]))

    def _known(self) -> Mapping[str, Sequence[str]]:
        if self._search is None:
            search: dict[str, list[str]] = {}
            spelt = {spelling for value in self._values for spelling in _spellings(value)}
            for spelling in sorted(spelt, key=len, reverse=True):
                search.setdefault(spelling[:SHORTEST], []).append(spelling)
            self._search = search
        return self._search


def _spellings(value: str) -> Iterator[str]:
    """How a value may stand in a text: as it is, in JSON, in an address."""
    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield quote(value, safe="")


def _hide(_text: str) -> str:
    return HIDDEN


def _handling(key: Any) -> Callable[[str], str] | None:
    """What is done with the values below a key, or ``None`` if they may be shown."""
    if not isinstance(key, str):
        return None
    marked = _marked_fields().get(key)
    if marked is not None:
        return marked
    if key in _FREE_FIELDS or key in _NETPLAN_FIELDS or _NAME.fullmatch(key):
        return _hide
    return None


@functools.cache
def _marked_fields() -> Mapping[str, Callable[[str], str]]:
    """The fields that the model marks as secret, as a document spells them."""
    from trident.config.model import HostConfiguration

    marks: dict[str, Secret] = {}
    _collect(HostConfiguration, marks, set())
    return {key: functools.partial(_hide_if, mark.hides) for key, mark in marks.items()}


def _collect(model: type[Any], marks: dict[str, Secret], seen: set[type[Any]]) -> None:
    """Put the marked fields of an object, and of all objects below it, into ``marks``."""
    import msgspec

    seen.add(model)
    for field in msgspec.structs.fields(model):
        for part in _parts(field.type):
            if isinstance(part, Secret):
                marks[field.encode_name] = part
            elif isinstance(part, type) and issubclass(part, msgspec.Struct) and part not in seen:
                _collect(part, marks, seen)


def _parts(annotation: Any) -> Iterator[Any]:
    """The types and marks that a type is put together from."""
    yield annotation
    for part in (*typing.get_args(annotation), *getattr(annotation, "__metadata__", ())):
        yield from _parts(part)


def _hide_if(hides: Callable[[str], bool], text: str) -> str:
    """``text``, or what may be shown of it: of an address everything but its credentials."""
    if not hides(text):
        return text
    if not _ADDRESS.match(text):
        return HIDDEN
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return HIDDEN if hides(text.replace(f"{HIDDEN}@", "").replace(f"?{HIDDEN}", "")) else text


def _secrets_of(value: Any, key: Any = None) -> Iterator[str]:
    """Every secret value in or below ``value``, which stands at ``key``."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            # A variable may say by its name that it holds a secret.
            says_more = key == _VARIABLES and isinstance(name, str) and _NAME.fullmatch(name)
            says_more = says_more or _handling(key) is None
            yield from _secrets_of(item, name if says_more else key)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets_of(item, key)
    elif value is not None and not isinstance(value, bool) and (handling := _handling(key)) is not None:
        text = str(value)
        shown = handling(text)
        if shown == HIDDEN:
            search = _FREE_FIELDS.get(key)
            yield from (text,) if search is None else search(text)
        elif shown != text:
            yield from _credentials(text)
    elif isinstance(value, str) and "://" in value:
        yield from _credentials(value)


def _credentials(address: str) -> Iterator[str]:
    """The password and the signatures in an address."""
    from urllib.parse import parse_qsl, unquote, urlsplit

    try:
        parts = urlsplit(address)
        password = parts.password
    except ValueError:
        yield address
        return
    if password:
        yield from (password, unquote(password))
    if parts.query:
        yield parts.query
        yield from (value for _name, value in parse_qsl(parts.query))
