"""Which units of a system start at boot: links in its files, set by its own ``systemctl``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from trident.errors import Servicing
from trident.host.process import run

UNIT_LINKS = "/etc/systemd/system"
# The links are set in the files, and no service manager is asked.
_OFFLINE = {"SYSTEMD_OFFLINE": "1"}


def unit_state(root: Path, name: str) -> str | None:
    """What ``systemctl is-enabled`` says of a unit of the system below ``root``; ``None`` if it has none.

    Raises:
        Servicing: ``command-failed``.
    """
    state = run(
        ["systemctl", "is-enabled", "--", name],
        root=_tree(root),
        environment=_OFFLINE,
        accept=(0, 1, 3, 4),
    ).stdout.strip()
    return None if state in ("", "not-found") else state


def switch_unit(root: Path, verb: Literal["enable", "disable"], name: str) -> bool:
    """Enable or disable a unit of the system below ``root``. Doing it again is fine.

    Returns:
        ``False`` if the system has no such unit.

    Raises:
        Servicing: ``command-failed`` if ``systemctl`` refuses for another reason.
    """
    # Disabling what is not there is no error to ``systemctl``.
    if verb == "disable" and unit_state(root, name) is None:
        return False
    try:
        run(["systemctl", verb, "--", name], root=_tree(root), environment=_OFFLINE)
    except Servicing as error:
        if "does not exist" in error.message:
            return False
        raise
    return True


def _tree(root: Path) -> Path | None:
    return None if root == Path("/") else root
