"""``trident plan``: what ``install`` or ``update`` would do here, and why. Changes nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from trident.config.load import require_valid
from trident.errors import TridentError
from trident.image.source import A_PERSON_WAITS
from trident.plan.plan import Plan
from trident.plan.preview import Preview, Undo
from trident.plan.situation import Situation
from trident.plan.step import Operation
from trident.servicing.assume import assumed_facts
from trident.servicing.compile import compile_plan, refusals
from trident.servicing.environment import Environment, configuration_from
from trident.servicing.gather import gather_facts, open_image, require_tools, with_extension_sizes
from trident.servicing.half_way import unsettled
from trident.servicing.image_match import odd_mismatches
from trident.servicing.install import refuse_unless_live
from trident.servicing.pending import baseline, has_baseline
from trident.servicing.picture import disk_pictures
from trident.servicing.runtime import undoing_steps, way_back
from trident.servicing.select import select_update
from trident.servicing.update import complete_storage
from trident.servicing.volumes import refuse_other_volume, refuse_running_target
from trident.state.datastore import Datastore
from trident.state.status import HostStatus, ServicingState, ServicingType

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.image.cosi.metadata import CosiMetadata
    from trident.plan.situation import Change, Facts
    from trident.plan.step import Step


def preview(
    configuration: HostConfiguration, environment: Environment, *, assumed: HostStatus | None = None
) -> Preview:
    """The plan that ``trident update`` would execute on a provisioned host, ``trident install`` elsewhere.

    Args:
        configuration: without a ``storage`` section that of the host is taken.
        environment: where this host's state lies.
        assumed: plan for a host of this status, of which nothing else is known, instead of for this one;
            a status without a configuration is a blank machine.

    Raises:
        TridentError: an error that leaves no plan to show; one that stands against a plan is part of it.
    """
    status, left = (assumed, ()) if assumed is not None else _known(environment)
    staged = status.spec if status.servicing_state in _STAGED else None
    planner = _Planner(assumes=assumed is not None, staged=staged)
    if status.servicing_state is ServicingState.NOT_PROVISIONED or status.is_management_os:
        return planner.install(configuration)
    return planner.update(configuration, status, left)


@dataclass
class _Planner:
    """Collects what stands against a plan while it is made.

    Attributes:
        assumes: nothing is known but the configuration and the status.
        staged: the Host Configuration that an earlier run has staged; of its plan only finalize is left.
        refusals: what stands against it so far.
        assumptions: what was taken for granted so far.
    """

    assumes: bool
    staged: Mapping[str, Any] | None = None
    refusals: list[TridentError] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)

    def install(self, configuration: HostConfiguration) -> Preview:
        """The plan for a blank machine."""
        require_valid(configuration, "for an install")
        status = HostStatus(is_management_os=True)
        image = None if self._is_staged(configuration) else self._image(configuration)
        facts = self._facts(configuration, status, image)
        with self._noting():
            refuse_unless_live(facts)
        return self._plan(Situation(ServicingType.CLEAN_INSTALL, configuration, status, facts, image), ())

    def update(
        self, configuration: HostConfiguration, status: HostStatus, left: tuple[Mapping[str, Any], ...]
    ) -> Preview:
        """The plan for an installed host, on which something of the configurations ``left`` may be left."""
        running = baseline(status)
        current = configuration_from(running.spec)
        desired = complete_storage(configuration, current)
        servicing_type, changes = select_update(current, desired)
        deploys = servicing_type is ServicingType.AB_UPDATE
        image = self._image(desired) if deploys and not self._is_staged(desired) else None
        # Assumed is what the running configuration made, not what another would make.
        facts = self._facts(current if self.assumes else desired, running, image)
        undoing: tuple[Step, ...] = ()
        with self._noting():
            refuse_other_volume(current, running, facts)
            undoing = undoing_steps(way_back(status, left)) if left else ()
        situation = Situation(servicing_type, desired, running, facts, image)
        shown = self._changed(situation, changes)
        if not undoing:
            return shown
        return replace(shown, undo=Undo(undoing, _otherwise(shown, situation, changes, left)))

    def _changed(self, situation: Situation, changes: tuple[Change, ...]) -> Preview:
        """The plan for a host that is not half-way."""
        if situation.servicing_type is ServicingType.NO_ACTIVE_SERVICING:
            return Preview(
                Plan(situation.servicing_type, changes),
                refusals=tuple(self.refusals),
                assumptions=tuple(self.assumptions),
            )
        if situation.deploys and not self.refusals:
            with self._noting():
                refuse_running_target(situation)
        return self._plan(situation, changes)

    def _plan(self, situation: Situation, changes: tuple[Change, ...]) -> Preview:
        plan = compile_plan(situation, changes)
        if self._is_staged(situation.desired):
            plan = plan.limited({Operation.FINALIZE})
            pictures = disk_pictures(situation, plan)
            return Preview(plan, pictures, tuple(self.refusals), (), tuple(self.assumptions))
        if not self.assumes:
            with self._noting():
                require_tools(situation)
        found = [error for error in refusals(situation, plan) if error.code != "not-supported-yet"]
        return Preview(
            plan,
            disk_pictures(situation, plan),
            (*self.refusals, *found),
            odd_mismatches(situation),
            tuple(self.assumptions),
        )

    def _is_staged(self, configuration: HostConfiguration) -> bool:
        return self.staged is not None and self.staged == configuration.to_document()

    def _image(self, configuration: HostConfiguration) -> CosiMetadata | None:
        try:
            with open_image(configuration, patience=A_PERSON_WAITS) as cosi:
                return cosi.metadata
        except TridentError as error:
            if self.assumes and error.code in _OUT_OF_REACH:
                self.assumptions.append(f"The image fits. It could not be looked at: {error.message}")
            else:
                self.refusals.append(error)
        return None

    def _facts(
        self, configuration: HostConfiguration, status: HostStatus, image: CosiMetadata | None
    ) -> Facts:
        if not self.assumes:
            facts = gather_facts(configuration, status.partition_paths)
            return facts if self._is_staged(configuration) else with_extension_sizes(facts, configuration)
        facts, assumptions = assumed_facts(configuration, status, image)
        self.assumptions += assumptions
        return facts

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except TridentError as error:
            self.refusals.append(error)


def _otherwise(
    shown: Preview,
    situation: Situation,
    changes: tuple[Change, ...],
    left: tuple[Mapping[str, Any], ...],
) -> Preview | None:
    """What is done if what was cut off cannot be undone; ``None`` if that is what is ``shown``.

    An A/B update does not depend on what runs. A runtime update stages anew, since what an earlier stage has
    brought may be what is lost, and is there for a host that would have nothing to do, too.
    """
    if situation.deploys:
        return None
    again = replace(
        situation,
        servicing_type=ServicingType.RUNTIME_UPDATE,
        facts=with_extension_sizes(situation.facts, situation.desired),
        unsettled=left,
    )
    otherwise = _Planner(assumes=False)._plan(again, changes)
    return None if otherwise == shown else otherwise


_STAGED = {
    ServicingState.CLEAN_INSTALL_STAGED,
    ServicingState.AB_UPDATE_STAGED,
    ServicingState.AB_UPDATE_FINALIZED,
    ServicingState.RUNTIME_UPDATE_STAGED,
}

# Codes of an image that is not where this machine looks; on the host it may well be.
_OUT_OF_REACH = {"load-cosi"}


def _known(environment: Environment) -> tuple[HostStatus, tuple[Mapping[str, Any], ...]]:
    """The status of this host, and the configurations of which something may be left on what runs."""
    try:
        with Datastore.open(environment.datastore_path, read_only=True) as datastore:
            status = datastore.status()
            return status, unsettled(status, datastore) if has_baseline(status) else ()
    except TridentError as error:
        if error.code != "datastore-not-found":
            raise
        return HostStatus(), ()
