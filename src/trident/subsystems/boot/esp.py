"""The host's EFI system partition, mounted for a step."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trident.plan.session import Session

ESP_DIRECTORY = Path("/run/trident/esp")


@contextlib.contextmanager
def mounted_esp(session: Session, esp_id: str) -> Iterator[Path]:
    """The ESP at a place of its own for the body, wherever the running system has it mounted.

    It is mounted writable even to be read: the kernel mounts one vfat file system twice only in the same way.

    Args:
        session: knows the partition.
        esp_id: partition id of the ESP.

    Raises:
        Servicing: ``mount`` or ``unmount``.
    """
    from trident.host.mount import mounted

    ESP_DIRECTORY.mkdir(mode=0o700, parents=True, exist_ok=True)
    with mounted(session.device(esp_id), ESP_DIRECTORY, fstype="vfat", options=("umask=0077",)):
        yield ESP_DIRECTORY
