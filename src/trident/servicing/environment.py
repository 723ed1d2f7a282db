"""Where a verb runs: the paths of the agent's state, and where progress goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trident.errors import Initialization, InvalidInput, TridentError
from trident.progress import Progress, silent
from trident.state.agent import AGENT_CONFIGURATION_PATH, read_agent_configuration
from trident.state.lock import LOCK_PATH
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from collections.abc import Callable

    from trident.config.model import HostConfiguration
    from trident.plan.plan import Plan
    from trident.plan.preview import Preview


@dataclass(frozen=True)
class Environment:
    """The agent's surroundings; the defaults are those of a real host.

    Attributes:
        agent_configuration: where the agent's settings lie.
        lock: the servicing lock.
        progress: where events go.
        confirm: is shown the plan before its first step, with the lock held; ``False`` ends the servicing.
        settled: called in the moment from which on what was done stands, so that no signal may end the
            command any more as if it had been undone. The host may be about to reboot into it.
    """

    agent_configuration: Path = AGENT_CONFIGURATION_PATH
    lock: Path = LOCK_PATH
    progress: Progress = field(default=silent, compare=False)
    confirm: Callable[[Preview], bool] = field(default=lambda _preview: True, compare=False)
    settled: Callable[[], None] = field(default=lambda: None, compare=False)

    @property
    def datastore_path(self) -> Path:
        """Where the running system's datastore lies."""
        return read_agent_configuration(self.agent_configuration).datastore_path


@dataclass(frozen=True)
class Outcome:
    """How a verb ended, when it did not fail.

    Attributes:
        servicing_type: what was done; ``NO_ACTIVE_SERVICING`` if there was nothing to do.
        needs_reboot: the caller must reboot the host now to complete the servicing.
        summary: one sentence for people.
        plan: what was executed, if anything was.
        failure: why the host must reboot into its old system; recorded already, for the caller to tell.
    """

    servicing_type: ServicingType
    needs_reboot: bool
    summary: str
    plan: Plan | None = None
    failure: TridentError | None = None


def configuration_from(spec: Mapping[str, Any]) -> HostConfiguration:
    """The Host Configuration that a Host Status holds.

    Raises:
        Initialization: ``parse-host-status`` if this version does not understand it.
    """
    from trident.config.model import HostConfiguration

    try:
        return HostConfiguration.from_document(spec, "Host Status")
    except InvalidInput as error:
        raise Initialization(
            "parse-host-status",
            "The Host Configuration in Host Status is not one that this version of Trident understands.",
            hint="If a newer version of Trident wrote it, use that version.",
        ) from error
