"""The step that decides which of the configured users may log in over ssh."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trident.config.model import SshMode, User
from trident.errors import InvalidInput, Servicing
from trident.plan.step import Operation, Phase, Step

if TYPE_CHECKING:
    from trident.plan.session import Session

SSHD_CONFIGURATION = "/etc/ssh/sshd_config"
DROP_IN = "/etc/ssh/sshd_config.d/10-trident-users.conf"
_INCLUDE = re.compile(r"^\s*Include\s+/etc/ssh/sshd_config\.d/(\*\.conf|10-trident-users\.conf)", re.I | re.M)


@dataclass(frozen=True, kw_only=True)
class WriteSshdConfiguration(Step):
    """Write a drop-in for sshd: keys only for some users, no login for others.

    Attributes:
        blocked: names of users that may not log in.
        key_only: names of users that may, with a key.
    """

    blocked: tuple[str, ...]
    key_only: tuple[str, ...]

    @classmethod
    def compile(cls, users: tuple[User, ...]) -> Iterator[WriteSshdConfiguration]:
        """The step, if any user is configured."""
        if users:
            yield cls(
                id="write-sshd-configuration",
                title="Set which users may log in over ssh",
                operation=Operation.STAGE,
                phase=Phase.CONFIGURE,
                touches=(DROP_IN,),
                blocked=tuple(user.name for user in users if user.ssh_mode is SshMode.BLOCK),
                key_only=tuple(user.name for user in users if user.ssh_mode is SshMode.KEY_ONLY),
            )

    def run(self, session: Session) -> None:
        """Write it, and see that sshd reads it."""
        if not write_sshd_configuration(session.mounted_newroot(), self.blocked, self.key_only):
            session.note(f"The target has no {SSHD_CONFIGURATION}: its users cannot log in over ssh anyway.")


def write_sshd_configuration(root: Path, blocked: tuple[str, ...], key_only: tuple[str, ...]) -> bool:
    """Write the drop-in into the system below ``root``; ``False`` if it has no sshd and needs none.

    Raises:
        InvalidInput: ``sshd-not-found`` if users are to log in over ssh, but there is no sshd.
        Servicing: ``set-up-users`` if a file cannot be written.
    """
    from trident.host.files import Tree

    tree = Tree(root)
    try:
        configuration = tree.read(SSHD_CONFIGURATION)
        if configuration is None:
            if key_only:
                raise InvalidInput(
                    "sshd-not-found",
                    f"{', '.join(key_only)} may log in over ssh, but the image has no {SSHD_CONFIGURATION}.",
                    hint="Install openssh-server in the image, or set 'sshMode: block'.",
                )
            return False
        tree.write(DROP_IN, render(blocked, key_only), mode=0o600)
        text = configuration.decode(errors="surrogateescape")
        if not _INCLUDE.search(text):
            # Of several values sshd takes the first, so what is included must stand at the top.
            tree.write(
                SSHD_CONFIGURATION,
                f"# Added by Trident.\nInclude {DROP_IN}\n\n{text}".encode(errors="surrogateescape"),
            )
    except OSError as error:
        raise Servicing(
            "set-up-users", f"sshd of the target cannot be configured: {error.strerror}."
        ) from error
    return True


def render(blocked: tuple[str, ...], key_only: tuple[str, ...]) -> str:
    """sshd_config(5) for the users. It ends outside of any ``Match`` block, for what is read after it."""
    lines = ["# Written by Trident from 'os.users'."]
    if "root" in (*blocked, *key_only):
        lines.append(f"PermitRootLogin {'no' if 'root' in blocked else 'prohibit-password'}")
    if blocked:
        lines.append(f"DenyUsers {' '.join(blocked)}")
    if key_only:
        lines += [
            f"Match User {','.join(key_only)}",
            "    PubkeyAuthentication yes",
            "    PasswordAuthentication no",
            "    KbdInteractiveAuthentication no",
            "Match all",
        ]
    return "\n".join(lines) + "\n"
