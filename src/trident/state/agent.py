"""The agent's own settings, ``/etc/trident/trident.conf`` (upstream: Agent-Configuration.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from trident.errors import Initialization

AGENT_CONFIGURATION_PATH = Path("/etc/trident/trident.conf")
DEFAULT_DATASTORE_PATH = Path("/var/lib/trident/datastore.sqlite")

_KEY = "DatastorePath"


@dataclass(frozen=True)
class AgentConfiguration:
    """Where the agent keeps its state."""

    datastore_path: Path = DEFAULT_DATASTORE_PATH


def read_agent_configuration(path: Path = AGENT_CONFIGURATION_PATH) -> AgentConfiguration:
    """Read ``Key=Value`` lines; a missing file means defaults, and the last line of a key counts.

    As upstream does, it passes over what it does not know. But a line that seems to name the datastore and
    does not would let the agent look for it elsewhere, and say that this host was never installed.

    Raises:
        Initialization: ``agent-configuration`` if the file is unreadable, names no absolute path, or has a
            line that was probably meant to name one.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return AgentConfiguration()
    except (OSError, UnicodeDecodeError) as error:
        raise Initialization(
            "agent-configuration",
            f"{path} cannot be read: {error}.",
            hint="Make it a text file in UTF-8, or remove it if the datastore is in its usual place.",
        ) from error
    found = AgentConfiguration()
    for number, line in enumerate(lines, start=1):
        key, separator, value = line.strip().partition("=")
        if separator and key.strip() == _KEY:
            problem = _problem(value.strip())
            if problem:
                raise _refused(path, number, problem)
            found = AgentConfiguration(Path(value.strip()))
        elif _is_meant(key):
            raise _refused(path, number, f"'{line.strip()[:80]}' was probably meant to be '{_KEY}=PATH'.")
    return found


def _problem(value: str) -> str | None:
    """What is wrong with a path, as a sentence."""
    if not value.startswith("/"):
        return f"{_KEY} must be an absolute path, and '{value}' is not."
    if not value.isprintable():
        return f"The path in {_KEY} has a character that cannot be printed: {value!a}."
    if re.search(r"\s[#;]", value):
        return f"Behind {_KEY} everything belongs to the path, also the note in '{value}'."
    return None


def _is_meant(key: str) -> bool:
    """Whether a key, or a line without one, is nearly the one for the datastore, and no note."""
    return key[:1] not in ("#", ";") and re.sub(r"[\W_]+", "", key[:200]).lower().startswith("datastore")


def _refused(path: Path, number: int, problem: str) -> Initialization:
    return Initialization(
        "agent-configuration",
        f"{path}:{number}: {problem}",
        hint=f"Write '{_KEY}=/absolute/path' and nothing else on that line; a note begins its line with '#'.",
    )
