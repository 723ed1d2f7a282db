"""What rules look at: the configuration, and the storage graph made from it once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration


class Subject:
    """A configuration under judgement."""

    def __init__(self, configuration: HostConfiguration) -> None:
        self.configuration = configuration
