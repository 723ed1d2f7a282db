"""``image``: the image to deploy."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from trident.config.model.base import Model
from trident.config.spelling import CREDENTIALS, SHA384, URL


class OsImage(Model, frozen=True, kw_only=True):
    """Which COSI to deploy, and how to know that it is the right one."""

    noun: ClassVar[str] = "an image"

    url: Annotated[
        str,
        URL,
        CREDENTIALS,
        Meta(
            description="Where the COSI is: `http://`, `https://`, `file://`, or `oci://` for one that "
            "anybody may pull.",
            examples=["https://images.example/web-v2.cosi"],
        ),
    ]
    sha384: Annotated[
        str,
        SHA384,
        Meta(
            description="SHA-384 of the COSI's metadata, as `trident image inspect` prints it; or "
            "`ignored`, which trusts whatever the URL serves.",
            examples=["ignored"],
        ),
    ]
