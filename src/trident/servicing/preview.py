"""``trident plan``: what ``install`` or ``update`` would do here, and why. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trident.errors import TridentError
from trident.plan.plan import Plan
from trident.plan.situation import Situation
from trident.servicing.compile import compile_plan, refuse
from trident.servicing.environment import Environment, configuration_from
from trident.servicing.gather import gather_facts, open_image
from trident.servicing.install import refuse_unless_live
from trident.servicing.select import select_update
from trident.servicing.update import baseline, complete_storage
from trident.servicing.volumes import refuse_other_volume, refuse_running_target
from trident.state.datastore import Datastore
from trident.state.status import HostStatus, ServicingState, ServicingType

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration


def preview(configuration: HostConfiguration, environment: Environment) -> Plan:
    """The plan that ``trident update`` would execute on a provisioned host, ``trident install`` elsewhere.

    Raises:
        TridentError: the error with which that command would refuse.
    """
    status = _status(environment)
    if status.servicing_state is ServicingState.NOT_PROVISIONED or status.is_management_os:
        return _preview_install(configuration)
    running = baseline(status)
    current = configuration_from(running.spec)
    desired = complete_storage(configuration, current)
    facts = gather_facts(desired, running.partition_paths)
    refuse_other_volume(current, running, facts)
    servicing_type, changes = select_update(current, desired)
    if servicing_type is ServicingType.NO_ACTIVE_SERVICING:
        return Plan(servicing_type)
    with open_image(desired) as cosi:
        situation = Situation(servicing_type, desired, running, facts, cosi.metadata)
        refuse(situation, compile_plan(situation))
        refuse_running_target(situation)
        return compile_plan(situation, changes)


def _preview_install(configuration: HostConfiguration) -> Plan:
    facts = gather_facts(configuration, {})
    refuse_unless_live(facts)
    with open_image(configuration) as cosi:
        situation = Situation(
            ServicingType.CLEAN_INSTALL,
            configuration,
            HostStatus(is_management_os=True),
            facts,
            cosi.metadata,
        )
        refuse(situation, compile_plan(situation))
        return compile_plan(situation)


def _status(environment: Environment) -> HostStatus:
    try:
        with Datastore.open(environment.datastore_path, read_only=True) as datastore:
            return datastore.status()
    except TridentError as error:
        if error.code != "datastore-not-found":
            raise
        return HostStatus()
