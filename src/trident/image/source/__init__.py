"""Where the bytes of an image come from: a local file or an HTTP server with ranges."""

from trident.image.source.base import ByteStream, Patience, Source, open_source, shown_url

__all__ = ["ByteStream", "Patience", "Source", "open_source", "shown_url"]
