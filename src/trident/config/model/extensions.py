"""``os.sysexts`` and ``os.confexts``."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from trident.config.model.base import Model
from trident.config.spelling import CREDENTIALS, PLAIN_SHA384, STRICT_PATH, URL


class Extension(Model, frozen=True, kw_only=True):
    """A sysext or confext image: a discoverable disk image that systemd merges into `/usr` or `/etc`."""

    noun: ClassVar[str] = "an extension"

    url: Annotated[
        str,
        URL,
        CREDENTIALS,
        Meta(
            description="Where the image is: `http://`, `https://`, `file://`, or `oci://` for one that "
            "anybody may pull.",
            examples=["https://images.example/debug-tools.raw"],
        ),
    ]
    sha384: Annotated[
        str,
        PLAIN_SHA384,
        Meta(
            description="SHA-384 of the whole image file: 96 hexadecimal digits, as `sha384sum` prints them.",
            examples=[
                "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b"
            ],
        ),
    ]
    path: Annotated[
        str | None,
        STRICT_PATH,
        Meta(
            description="Where the image is put: `NAME.raw`, by its `extension-release.NAME`, in a "
            "directory that systemd searches. If not given: `/var/lib/extensions` or `/var/lib/confexts`.",
            examples=["/var/lib/extensions/debug-tools.raw"],
        ),
    ] = None
