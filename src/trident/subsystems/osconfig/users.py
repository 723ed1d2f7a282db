"""The step that sets up a user on the target, with the target's own account tools."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trident.config.model import User
from trident.errors import InvalidInput, Servicing
from trident.plan.step import Operation, Phase, Step

if TYPE_CHECKING:
    from trident.plan.session import Session

# passwd(5)
_UID, _GID, _HOME = 2, 3, 5


@dataclass(frozen=True, kw_only=True)
class SetUpUser(Step):
    """Create a user or bring an existing one in line. Passwords are always locked.

    Attributes:
        user: what is wanted.
        keeps_uid: an update, after which the user's files on shared volumes are to be the user's still.
    """

    user: User
    keeps_uid: bool

    @classmethod
    def compile(cls, user: User, *, keeps_uid: bool) -> SetUpUser:
        """The step."""
        return cls(
            id=f"set-up-user:{user.name}",
            title=f"Set up the user {user.name}",
            operation=Operation.STAGE,
            phase=Phase.CONFIGURE,
            touches=("/etc/passwd", "/etc/shadow", "/etc/group"),
            user=user,
            keeps_uid=keeps_uid,
        )

    def run(self, session: Session) -> None:
        """Create, adjust, and write the ssh keys."""
        set_up_user(session.mounted_newroot(), self.user, running=Path("/") if self.keeps_uid else None)


@dataclass(frozen=True)
class Account:
    """An entry of passwd(5)."""

    uid: int
    gid: int
    home: str


def set_up_user(root: Path, user: User, *, running: Path | None = None) -> None:
    """Bring one user of the system below ``root`` in line. Running it again is fine.

    Args:
        root: the target's root directory.
        user: what is wanted.
        running: root directory of a system whose user id a new user takes over, if none is configured.

    Raises:
        InvalidInput: ``user-exists`` if the image has the user with another id or home directory.
        Servicing: ``set-up-users`` if an account tool refuses or a file cannot be written.
    """
    from trident.host.process import run

    try:
        existing = find_account(root, user.name)
        if existing is None:
            uid = user.uid if user.uid is not None or running is None else _kept_uid(root, running, user.name)
            run(useradd_command(user.evolve(uid=uid)), root=root)
        else:
            check_agrees(user, existing)
        run(usermod_command(user, existed=existing is not None), root=root)
        account = find_account(root, user.name)
        if account is not None and user.ssh_public_keys:
            write_authorized_keys(root, account, user.ssh_public_keys, keep=existing is not None)
    except Servicing as error:
        raise Servicing(
            "set-up-users",
            f"The user '{user.name}' cannot be set up. {error.message}",
            details={"user": user.name},
        ) from error
    except OSError as error:
        raise Servicing(
            "set-up-users",
            f"The user '{user.name}' cannot be set up: {error.strerror} ({error.filename}).",
            details={"user": user.name},
        ) from error


def useradd_command(user: User) -> list[str]:
    """The command that creates the user, with a home directory."""
    command = ["useradd", "--create-home"]
    if user.uid is not None:
        command += ["--uid", str(user.uid)]
    if user.home_directory is not None:
        command += ["--home-dir", user.home_directory]
    if user.primary_group is not None:
        command += ["--gid", user.primary_group]
    return [*command, "--", user.name]


def usermod_command(user: User, *, existed: bool) -> list[str]:
    """The command that locks the password and sets groups and shell.

    ``*`` as the encrypted password matches no password and, unlike ``!``, leaves key logins alone
    where sshd runs without PAM.
    """
    command = ["usermod", "--password", "*"]
    if existed and user.primary_group is not None:
        command += ["--gid", user.primary_group]
    if user.secondary_groups:
        command += ["--append", "--groups", ",".join(user.secondary_groups)]
    if user.startup_command is not None:
        command += ["--shell", user.startup_command]
    return [*command, "--", user.name]


def check_agrees(user: User, existing: Account) -> None:
    """An existing account keeps its id and home directory: files of the image may belong to it.

    Raises:
        InvalidInput: ``user-exists`` if the configuration wants others.
    """
    wanted = {"uid": (user.uid, existing.uid), "homeDirectory": (user.home_directory, existing.home)}
    for name, (desired, actual) in wanted.items():
        if desired is not None and desired != actual:
            raise InvalidInput(
                "user-exists",
                f"The image already has the user '{user.name}' with {name} {actual}; "
                f"it cannot become {desired}.",
                hint=f"Remove '{name}' of this user, or remove the user from the image.",
                details={"user": user.name, "field": name},
            )


def _kept_uid(root: Path, running: Path, name: str) -> int | None:
    """The id that the user has on the running system, unless the target gives it to somebody else."""
    account = find_account(running, name)
    if account is None or account.uid in {other.uid for other in accounts(root).values()}:
        return None
    return account.uid


def find_account(root: Path, name: str) -> Account | None:
    """The account ``name`` in the passwd file below ``root``.

    Raises:
        OSError: the file cannot be read.
    """
    return accounts(root).get(name)


def accounts(root: Path) -> dict[str, Account]:
    """All accounts in the passwd file below ``root``, by name; lines that are none are skipped.

    Raises:
        OSError: the file cannot be read.
    """
    from trident.host.files import Tree

    text = (Tree(root).read("/etc/passwd") or b"").decode(errors="replace")
    rows = [line.split(":") for line in text.splitlines()]
    return {
        fields[0]: Account(int(fields[_UID]), int(fields[_GID]), fields[_HOME])
        for fields in rows
        if len(fields) > _HOME and fields[_UID].isdigit() and fields[_GID].isdigit()
    }


def write_authorized_keys(root: Path, account: Account, keys: tuple[str, ...], *, keep: bool) -> None:
    """Give the account these ssh keys, owned by it and readable by nobody else (sshd(8)).

    Args:
        root: the system's root directory.
        account: whose keys these are.
        keys: one line each.
        keep: leave the keys that are already there in place, as for an account of the image.

    Raises:
        OSError: they cannot be written.
    """
    from trident.host.files import Tree

    tree = Tree(root)
    owner = (account.uid, account.gid)
    directory = f"{account.home}/.ssh"
    path = f"{directory}/authorized_keys"
    present = (tree.read(path) or b"").decode(errors="replace").splitlines() if keep else []
    lines = dict.fromkeys([line for line in present if line] + [key.strip() for key in keys])
    tree.set_directory(directory, mode=0o700, owner=owner)
    tree.write(path, "".join(f"{line}\n" for line in lines), mode=0o600, owner=owner)
