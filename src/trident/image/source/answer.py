"""Whether a server's answer to a range request is the one that was asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trident.image.source.connection import Response

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_REASONS = {
    401: "the server wants credentials (401)",
    403: "the server forbids it (403)",
    404: "the server has no such file (404)",
    410: "the server no longer has this file (410)",
    416: "the file on the server is empty (416)",
}


class Setback(Exception):
    """Something that another attempt may cure."""


class Refused(Exception):
    """Something that no further attempt cures."""

    def __init__(self, reason: str, *, code: str = "", hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.hint = hint


@dataclass(frozen=True)
class Answer:
    """A range that the server sends, and what tells this file from a later one under the same name."""

    end: int
    total: int
    etag: str | None = None
    last_modified: str | None = None

    @property
    def validator(self) -> str | None:
        """What ``If-Range`` may carry: a strong entity tag, else the date (RFC 9110 section 13.1.5)."""
        if self.etag is not None and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified


def read_answer(response: Response, offset: int, length: int, known: Answer | None) -> Answer | str:
    """The range that ``response`` brings, or the address that it redirects to.

    Args:
        response: its head has been read.
        offset: first byte that was asked for.
        length: how many bytes were asked for.
        known: the first answer for this file, if there was one.

    Raises:
        Setback: the server asks for another attempt.
        Refused: the server cannot or does not do what was asked.
    """
    status = response.status
    if status in _REDIRECTS:
        location = response.getheader("Location")
        if location is None:
            raise Refused(f"the server redirects ({status}) without saying where to")
        return location
    if status in _TRANSIENT:
        raise Setback(f"the server answered {status}")
    if status in (200, 416) and known is not None:
        # 200 is how If-Range says that the file is another one now.
        raise Refused("the file changed", code="os-image-changed")
    if status == 200:
        raise Refused("the server ignores ranges", code="server-without-range")
    if status != 206:
        raise Refused(_REASONS.get(status, f"the server answered {status}"))
    answer = _range_of(response, offset, length)
    if known is not None and (answer.total, answer.etag, answer.last_modified) != (
        known.total,
        known.etag,
        known.last_modified,
    ):
        raise Refused("the file changed", code="os-image-changed")
    return answer


def _range_of(response: Response, offset: int, length: int) -> Answer:
    stated = response.getheader("Content-Range", "")
    match = _CONTENT_RANGE.fullmatch(stated)
    if match is None:
        raise Refused(
            f"the server's Content-Range {stated[:60]!r} does not say which bytes of how many it sends"
        )
    start, last, total = (int(number) for number in match.groups())
    if start != offset or not start <= last < min(total, offset + length):
        asked = f"{offset}-{offset + length - 1}"
        raise Refused(f"the server sends other bytes than were asked for ({stated} instead of {asked})")
    if response.length is not None and response.length != last - start + 1:
        raise Refused(f"the server's Content-Length {response.length} contradicts its Content-Range {stated}")
    encoding = response.getheader("Content-Encoding", "identity").lower()
    if encoding != "identity":
        raise Refused(f"the server sends the file in the encoding '{encoding[:40]}', which was not asked for")
    return Answer(last + 1, total, response.getheader("ETag"), response.getheader("Last-Modified"))
