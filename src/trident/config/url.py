"""Whether a text is a URL, by the URL Standard, as upstream's reader applies it.

It takes more than people write: ``http:host`` is ``http://host/``, and any scheme is one. What an image or a
recovery key can really be named by is a rule's business.

Source: URL Standard (https://url.spec.whatwg.org/), section 4.4 "URL parsing" and 3.5 "Host parsing".
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote_to_bytes

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):(.*)", re.ASCII | re.DOTALL)
_TRIMMED = "".join(map(chr, range(0x21)))
_HTTP_LIKE = frozenset(("http", "https", "ws", "wss", "ftp"))
_NO_HOST = frozenset("\0\t\n\r #/:<>?@[\\]^|")
_NO_DOMAIN = _NO_HOST | frozenset("%\x7f") | frozenset(map(chr, range(0x20)))
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+", re.ASCII)


class UrlError(ValueError):
    """A text that is no URL."""


def trimmed(text: str) -> str:
    """The text without what a URL ignores: control characters and spaces around it, tabs and line ends."""
    return text.strip(_TRIMMED).translate({9: None, 10: None, 13: None})


def scheme_of(text: str) -> str:
    """The scheme of a URL, in lower case.

    Raises:
        UrlError: the text is not a URL.
    """
    match = _SCHEME.fullmatch(trimmed(text))
    if match is None:
        raise UrlError("it has no scheme")
    scheme, rest = match[1].lower(), match[2]
    if scheme == "file":
        _check_file(rest.replace("\\", "/"))
    elif scheme in _HTTP_LIKE:
        _check_authority(rest.replace("\\", "/").lstrip("/"), is_opaque=False)
    elif rest.startswith("//"):
        _check_authority(rest[2:], is_opaque=True)
    return scheme


def _check_file(rest: str) -> None:
    host = re.split(r"[/?#]", rest[2:], maxsplit=1)[0] if rest.startswith("//") else ""
    if host and not re.fullmatch(r"[a-zA-Z][:|]", host, re.ASCII):
        _check_host(host, is_opaque=False)


def _check_authority(rest: str, *, is_opaque: bool) -> None:
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    _user, at, place = authority.rpartition("@")
    if place.startswith("["):
        host, bracket, port = place.partition("]")
        host += bracket
        if port and not port.startswith(":"):
            raise UrlError("its host is not valid")
        has_port, port = bool(port), port[1:]
    else:
        host, colon, port = place.partition(":")
        has_port = bool(colon)
    if not host and (not is_opaque or has_port or at):
        raise UrlError("it names no host")
    if host:
        _check_host(host, is_opaque=is_opaque)
    if port and not (port.isascii() and port.isdigit() and int(port[:20]) <= 0xFFFF and len(port) <= 20):
        raise UrlError("its port is not valid")


def _check_host(host: str, *, is_opaque: bool) -> None:
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            raise UrlError("its host is not an IPv6 address") from None
        if not host.endswith("]") or "%" in host:
            raise UrlError("its host is not an IPv6 address")
        return
    if is_opaque:
        if _NO_HOST & set(host):
            raise UrlError("its host is not valid")
        return
    domain = _domain(unquote_to_bytes(host).decode(errors="replace"))
    if not domain or _NO_DOMAIN & set(domain):
        raise UrlError("its host is not valid")
    labels = domain.split(".")
    last = labels[-2] if labels[-1] == "" and len(labels) > 1 else labels[-1]
    if _NUMBER.fullmatch(last):
        _check_ipv4(labels[:-1] if labels[-1] == "" else labels)


def _domain(text: str) -> str:
    """A domain with its labels mapped for look-up (a simpler form of the standard's "domain to ASCII")."""
    if text.isascii():
        domain = text.lower()
    else:
        from encodings.idna import nameprep

        try:
            domain = nameprep(text.replace("\u3002", "."))
        except UnicodeError:
            raise UrlError("its host is not valid") from None
    for label in domain.split("."):
        if label.startswith("xn--"):
            try:
                meant = label[4:].encode("ascii").decode("punycode")
            except UnicodeError:
                meant = ""
            if meant.isascii() or not meant.isprintable():
                raise UrlError("its host is not valid")
    return domain


def _check_ipv4(parts: list[str]) -> None:
    numbers = []
    for part in parts:
        base = 16 if part[:2] in ("0x", "0X") else 8 if len(part) > 1 and part.startswith("0") else 10
        digits = part[2:] if base == 16 else part
        try:
            numbers.append(int(digits or "0", base) if part else -1)
        except ValueError:
            numbers.append(-1)
    is_valid = len(numbers) <= 4 and all(0 <= number <= 255 for number in numbers[:-1])
    if not is_valid or not 0 <= numbers[-1] < 256 ** (5 - len(numbers)):
        raise UrlError("its host is not an IPv4 address")
