"""netplan(8) of the running system: its files, what it says of new ones, and putting them into force.

Its messages quote what they complain of, and a network configuration may hold passwords. So of a message only
the first line is told: file, line, column and netplan's own sentence.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trident.errors import Servicing, TridentError
from trident.host.files import Tree
from trident.host.mount import RUN_DIRECTORY
from trident.host.process import run

TRIDENT_FILE = "/etc/netplan/99-trident.yaml"
# Where netplan looks for configuration; a file hides one of the same name in a directory after it.
_DIRECTORIES = ("/run/netplan", "/etc/netplan", "/lib/netplan")
_PATIENCE = 120.0
_COPIES = "netplan-"
_SENTENCE = re.compile(r"\S*?(/(?:run|etc|lib)/netplan/[^\s:]+\.yaml:\d+:\d+: [^\n]*)")


def render(network: Mapping[str, Any]) -> str:
    """The netplan file for what stands below ``network`` in it."""
    import yaml

    document = {"network": dict(network)}
    # Characters beyond ASCII are escaped: PyYAML leaves some as they are that end a line in YAML.
    text = yaml.safe_dump(document, sort_keys=False, default_flow_style=False)
    return f"# Written by Trident from 'os.netplan'.\n{text}"


def present(root: Path = Path("/")) -> Any:
    """What stands below ``network`` in Trident's file; ``None`` without one, its text if it is another.

    Raises:
        OSError: it cannot be read.
    """
    import yaml

    content = Tree(root).read(TRIDENT_FILE)
    if content is None:
        return None
    try:
        document = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError):
        return content  # A ValueError: bytes that are no text, or a day that no month has.
    return document["network"] if isinstance(document, dict) and "network" in document else content


def judge(network: Mapping[str, Any] | None, root: Path = Path("/")) -> None:
    """Let netplan read the system's files with ``network`` in Trident's, in a private place.

    Args:
        network: what Trident's file is to hold, or ``None`` if it is to go.
        root: the system's tree, of which only netplan's files matter.

    Raises:
        Servicing: ``generate-netplan-config`` if it does not accept them.
        ExecutionEnvironment: ``missing-binary`` if there is no netplan.
    """
    with _laid_out(network, root) as directory:
        try:
            run(["netplan", "generate", "--root-dir", directory], timeout=_PATIENCE)
        except Servicing as error:
            raise Servicing(
                "generate-netplan-config",
                f"Netplan does not accept 'os.netplan' beside this host's other files. {told(error)}",
                hint="Correct the file that is named; 'os.netplan' becomes 99-trident.yaml.",
            ) from None


def apply(previous: Mapping[str, Any] | None, root: Path = Path("/")) -> None:
    """Put netplan's files into force.

    Args:
        previous: what Trident's file held before: virtual devices that are only there are removed.
        root: the system's tree, of which only netplan's files matter.

    Raises:
        Servicing: ``apply-netplan-config`` if netplan fails or hangs.
        ExecutionEnvironment: ``missing-binary`` if there is no netplan.
    """
    with _laid_out(previous, root) as directory:
        try:
            run(["netplan", "apply", "--state", directory], timeout=_PATIENCE)
        except Servicing as error:
            raise Servicing(
                "apply-netplan-config",
                f"The network configuration cannot be applied. {told(error)}",
                hint="'netplan apply' on the host, and the log of systemd-networkd, may say more.",
            ) from None
    if not any(Path("/run/systemd/network").glob("*netplan-*")):
        # With no configuration of netplan's left it leaves networkd alone, unless it has just removed the
        # last one itself. An apply that was cut off after that would never reach networkd.
        with contextlib.suppress(TridentError):
            run(["networkctl", "reload"], timeout=_PATIENCE)


def told(error: TridentError) -> str:
    """Netplan's own sentence, without the configuration that it quotes."""
    found = _SENTENCE.search(error.message)
    if found is not None:
        return found[1]
    # No place in a file: the program's name and exit code, or that its time was over.
    return error.message.partition(":")[0].rstrip(".") + "."


def files(root: Path = Path("/")) -> dict[str, bytes]:
    """Content of each of netplan's files but Trident's own, by path.

    Raises:
        Servicing: ``generate-netplan-config`` if one cannot be read.
    """
    found: dict[str, bytes] = {}
    tree = Tree(root)
    for directory in _DIRECTORIES:
        try:
            names = sorted(path.name for path in tree.real_path(directory).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            continue
        for name in names:
            path = f"{directory}/{name}"
            if not name.endswith(".yaml") or path == TRIDENT_FILE:
                continue
            try:
                found[path] = tree.read(path) or b""
            except OSError as error:
                raise Servicing(
                    "generate-netplan-config", f"The netplan file {path} cannot be read: {error.strerror}."
                ) from error
    return found


def remove_left_copies(directory: Path = RUN_DIRECTORY) -> None:
    """Remove the copies of netplan's files that a killed run has left; they may hold passwords.

    Only for a caller that holds the servicing lock: nobody else has such copies then.
    """
    for left in directory.glob(f"{_COPIES}*"):
        shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def _laid_out(network: Mapping[str, Any] | None, root: Path) -> Iterator[Path]:
    """A private directory with netplan's files, and ``network`` as Trident's; gone after the body."""
    import tempfile

    content = files(root)
    if network is not None:
        content[TRIDENT_FILE] = render(network).encode()
    try:
        RUN_DIRECTORY.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory = Path(tempfile.mkdtemp(prefix=_COPIES, dir=RUN_DIRECTORY))
    except OSError as error:
        raise _not_laid_out(error) from error
    try:
        _fill(directory, content)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _fill(directory: Path, content: Mapping[str, bytes]) -> None:
    tree = Tree(directory)
    try:
        for place in _DIRECTORIES:
            tree.make_directories(place)
        tree.make_directories("/usr")
        (directory / "usr/lib").symlink_to("../lib")
        for path, text in content.items():
            tree.write(path, text, mode=0o600)
    except OSError as error:
        raise _not_laid_out(error) from error


def _not_laid_out(error: OSError) -> Servicing:
    return Servicing(
        "generate-netplan-config",
        f"The network configuration cannot be laid out below {RUN_DIRECTORY} for netplan to read it: "
        f"{error.strerror}.",
    )
