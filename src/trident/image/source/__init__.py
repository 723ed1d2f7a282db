"""Where the bytes of an image come from: a local file or an HTTP server with ranges."""

from trident.image.source.base import A_PERSON_WAITS, ByteStream, Patience, Source, open_source, shown_url

__all__ = ["A_PERSON_WAITS", "ByteStream", "Patience", "Source", "open_source", "shown_url"]
