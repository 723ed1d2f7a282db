"""The agent's own settings, ``/etc/trident/trident.conf`` (upstream: Agent-Configuration.md)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trident.errors import Initialization

AGENT_CONFIGURATION_PATH = Path("/etc/trident/trident.conf")
DEFAULT_DATASTORE_PATH = Path("/var/lib/trident/datastore.sqlite")


@dataclass(frozen=True)
class AgentConfiguration:
    """Where the agent keeps its state."""

    datastore_path: Path = DEFAULT_DATASTORE_PATH


def read_agent_configuration(path: Path = AGENT_CONFIGURATION_PATH) -> AgentConfiguration:
    """Read ``Key=Value`` lines; a missing file means defaults.

    Raises:
        Initialization: ``agent-configuration`` if the file is unreadable or names a relative path.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return AgentConfiguration()
    except (OSError, UnicodeDecodeError) as error:
        raise Initialization("agent-configuration", f"{path} cannot be read: {error}.") from error
    for number, line in enumerate(lines, start=1):
        key, separator, value = line.partition("=")
        if separator and key.strip() == "DatastorePath":
            datastore = Path(value.strip())
            if not datastore.is_absolute():
                raise Initialization(
                    "agent-configuration",
                    f"{path}:{number}: DatastorePath must be an absolute path, and '{value.strip()}' is not.",
                )
            return AgentConfiguration(datastore)
    return AgentConfiguration()
