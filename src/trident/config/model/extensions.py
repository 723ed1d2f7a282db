"""``os.sysexts`` and ``os.confexts``."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from trident.config.model.base import Model
from trident.config.spelling import ANY_URL, PLAIN_SHA384, STRICT_PATH


class Extension(Model, frozen=True, kw_only=True):
    """A sysext or confext image: a discoverable disk image that systemd merges into `/usr` or `/etc`."""

    noun: ClassVar[str] = "an extension"

    url: Annotated[
        str,
        ANY_URL,
        Meta(
            description="Where the image is: `http://`, `https://`, `file://` or `oci://`.",
            examples=["https://images.example/debug-tools.raw"],
        ),
    ]
    sha384: Annotated[
        str, PLAIN_SHA384, Meta(description="SHA-384 of the whole image file, 96 hexadecimal digits.")
    ]
    path: Annotated[
        str | None,
        STRICT_PATH,
        Meta(
            description="Where the image is put: `NAME.raw`, by its `extension-release.NAME`, in a directory "
            "that systemd searches. If not given: `/var/lib/extensions` or `/var/lib/confexts`.",
            examples=["/var/lib/extensions/debug-tools.raw"],
        ),
    ] = None
