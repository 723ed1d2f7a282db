"""The verb: learn what is secret, collect item by item, and say what could not be collected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trident.errors import TridentError
from trident.servicing.diagnose.bundle import new_bundle
from trident.servicing.diagnose.collect import Collector
from trident.servicing.diagnose.items import items
from trident.servicing.diagnose.report import as_bytes, report
from trident.servicing.gather import require_root
from trident.state.agent import AGENT_CONFIGURATION_PATH, DEFAULT_DATASTORE_PATH, read_agent_configuration


@dataclass(frozen=True)
class Diagnosis:
    """A bundle that was made.

    Attributes:
        path: where it is.
        files: how many files it has.
        failures: what could not be collected: ``item`` and ``error``.
    """

    path: Path
    files: int
    failures: tuple[dict[str, str], ...]


def diagnose(
    output: Path,
    *,
    journal: bool = False,
    selinux: bool = False,
    root: Path = Path("/"),
    say: Callable[[str], None] = lambda _text: None,
) -> Diagnosis:
    """Collect what explains this host into one archive without secrets.

    It takes no lock and changes nothing, so that it works while a servicing hangs and on a host that is
    broken. What cannot be collected is listed in the report.

    Args:
        output: the archive (``.tar.zst``); a file that is there is replaced.
        journal: include the journal of this boot, the kernel's messages among it.
        selinux: include SELinux' audit log.
        root: the running system.
        say: is told what is collected next.

    Raises:
        ExecutionEnvironment: ``check-root-privileges``; ``generate-diagnostics-bundle`` if the archive
            cannot be written, and then there is none.
    """
    require_root()
    collector = Collector(root, _datastores(root))
    with new_bundle(output) as bundle:
        say("what is secret")
        collector.learn_secrets()
        say("the state of the host")
        document = report(collector)
        collected = []
        for item in items(collector, journal=journal, selinux=selinux):
            say(item.name)
            content = collector.attempt(item.name, lambda item=item: item.collect(collector), item.seconds)  # type: ignore[misc]
            if content is None:
                continue
            data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
            bundle.add(item.name, data)
            collected.append({"path": item.name, "sizeBytes": len(data), "description": item.description})
        document |= {"collectedFiles": collected, "collectionFailures": collector.failures}
        bundle.add("report.json", as_bytes(document))
    return Diagnosis(output, len(collected) + 1, tuple(collector.failures))


def _datastores(root: Path) -> tuple[Path, ...]:
    """The default datastore, and the configured one if that is another."""
    default = root / str(DEFAULT_DATASTORE_PATH).lstrip("/")
    try:
        configured = read_agent_configuration(root / str(AGENT_CONFIGURATION_PATH).lstrip("/")).datastore_path
    except TridentError:
        return (default,)
    if configured == DEFAULT_DATASTORE_PATH:
        return (default,)
    other = root / str(configured).lstrip("/")
    return (default, other) if default.exists() else (other,)
