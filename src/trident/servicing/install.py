"""``trident install``: make a blank machine what the Host Configuration says."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from typing import TYPE_CHECKING

from trident.errors import InvalidInput, TridentError, UnsupportedConfiguration
from trident.plan.session import Session
from trident.plan.situation import BootType, Facts, Situation
from trident.plan.step import NOT_WHOLE, Operation
from trident.servicing import record
from trident.servicing.alone import alone
from trident.servicing.compile import compile_plan, refuse
from trident.servicing.confirm import confirm
from trident.servicing.environment import Environment, Outcome
from trident.servicing.execute import execute, recording_errors
from trident.servicing.gather import (
    gather_facts,
    open_image,
    require_root,
    require_tools,
    with_extension_sizes,
)
from trident.servicing.persist import staged_install
from trident.servicing.staged_install import adopt_staged_install
from trident.state.datastore import Datastore
from trident.state.history import EntryState
from trident.state.status import HostStatus, ServicingState, ServicingType

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.image.cosi.reader import Cosi
    from trident.plan.plan import Plan


def install(
    configuration: HostConfiguration,
    operations: Collection[Operation],
    environment: Environment,
    *,
    multiboot: bool = False,
) -> Outcome:
    """Install the target OS on a machine that runs a servicing OS from RAM or live media.

    Args:
        configuration: a valid Host Configuration.
        operations: stage, finalize or both; finalize alone completes an earlier stage, also one of another
            servicing OS, whose record it finds on the target's disk.
        environment: where state lies and progress goes.
        multiboot: install beside another OS; not supported yet.

    Raises:
        TridentError: nothing was installed, or an earlier stage still waits for its finalize;
            ``lastError`` in the servicing OS' Host Status says what happened.
    """
    if multiboot:
        raise UnsupportedConfiguration(
            "multiboot",
            "Multiboot installs are not supported yet.",
            hint="Leave out --multiboot to install on disks that hold nothing else.",
        )
    require_root()
    with alone("install", environment):
        facts = gather_facts(configuration, {})
        refuse_unless_live(facts)
        missing = None
        if Operation.STAGE not in operations and Operation.FINALIZE in operations:
            missing = _find_staged(configuration, environment)
        with (
            Datastore.create(environment.datastore_path) as datastore,
            recording_errors(datastore, "install"),
        ):
            if missing is not None:
                raise InvalidInput(
                    "finalize-before-stage",
                    f"There is no staged install of this Host Configuration to finalize: {missing}.",
                    hint="Run 'trident install' with stage among --allowed-operations first.",
                )
            return _install(configuration, operations, facts, datastore, environment)


def refuse_unless_live(facts: Facts) -> None:
    """The clean install safety check (upstream: Clean-Install-Safety-Check.md).

    Raises:
        InvalidInput: ``clean-install-on-provisioned-host`` if the running root lies on a disk.
    """
    if facts.boot_type is BootType.PERSISTENT_STORAGE:
        where = f" on {facts.root_device}" if facts.root_device else ""
        raise InvalidInput(
            "clean-install-on-provisioned-host",
            f"The running system lives on persistent storage{where}; an install could overwrite it.",
            hint="Boot the servicing OS from RAM or live media for 'trident install', "
            "or use 'trident update' to change this host.",
        )


def _find_staged(configuration: HostConfiguration, environment: Environment) -> str | None:
    """See that this servicing OS knows of a staged install of ``configuration``; if there is none, why."""
    path = environment.datastore_path
    # A file that cannot be read knows of nothing; what the target says takes its place.
    with contextlib.suppress(TridentError), Datastore.open(path, read_only=True) as datastore:
        if _waits(datastore.status(), configuration):
            return None
    return adopt_staged_install(configuration, path)


def _waits(status: HostStatus, configuration: HostConfiguration) -> bool:
    """Whether an install of ``configuration`` is staged, and perhaps finalized already."""
    waiting = {ServicingState.CLEAN_INSTALL_STAGED, ServicingState.CLEAN_INSTALL_FINALIZED}
    return status.servicing_state in waiting and status.spec == configuration.to_document()


def _install(
    configuration: HostConfiguration,
    operations: Collection[Operation],
    facts: Facts,
    datastore: Datastore,
    environment: Environment,
) -> Outcome:
    status = datastore.status()
    staged = (
        status.servicing_state is ServicingState.CLEAN_INSTALL_STAGED
        and status.spec == configuration.to_document()
    )
    plan: Plan | None = None
    if Operation.STAGE in operations and not staged:
        with open_image(configuration) as cosi:
            plan, status = _stage(configuration, operations, facts, datastore, environment, cosi=cosi)
    if Operation.FINALIZE not in operations:
        return Outcome(ServicingType.CLEAN_INSTALL, needs_reboot=False, summary=_standing(status), plan=plan)
    situation = Situation(ServicingType.CLEAN_INSTALL, configuration, status, facts)
    if plan is None:
        plan = compile_plan(situation)
        confirm(situation, plan, environment, {Operation.FINALIZE})
    _finalize(plan, situation, datastore, environment)
    return Outcome(
        ServicingType.CLEAN_INSTALL,
        needs_reboot=True,
        summary="The install is complete; the host boots the new system next.",
        plan=plan,
    )


def _standing(status: HostStatus) -> str:
    if status.servicing_state is ServicingState.CLEAN_INSTALL_STAGED:
        return "The install is staged. 'trident install --allowed-operations finalize' boots into it."
    return f"Neither stage nor finalize was allowed; the host is '{status.servicing_state}'."


def _stage(
    configuration: HostConfiguration,
    operations: Collection[Operation],
    facts: Facts,
    datastore: Datastore,
    environment: Environment,
    *,
    cosi: Cosi,
) -> tuple[Plan, HostStatus]:
    situation = Situation(
        ServicingType.CLEAN_INSTALL,
        configuration,
        HostStatus(is_management_os=True),
        with_extension_sizes(facts, configuration),
        cosi.metadata,
    )
    plan = compile_plan(situation)
    refuse(situation, plan)
    require_tools(situation)
    confirm(situation, plan, environment, operations)
    with datastore.together():
        record.begin(situation, datastore)
        datastore.record(situation.status)
    session = Session(situation, cosi, datastore, progress=environment.progress)
    with record.accounted(Operation.STAGE, session, datastore):
        execute(plan.steps_of({Operation.STAGE}), session, datastore)
    with datastore.together():
        record.save_seals(datastore, session)
        return plan, record.move(datastore, staged_install(session), EntryState.STAGED)


def _finalize(plan: Plan, situation: Situation, datastore: Datastore, environment: Environment) -> None:
    """Tell the firmware to boot the target.

    Raises:
        TridentError: the install is still staged, unless what was staged is not whole: then nothing is.
    """
    session = Session.resumed(situation, datastore, environment.progress)
    session.seals = record.seals_for(situation, datastore)
    try:
        with record.accounted(Operation.FINALIZE, session, datastore):
            execute(plan.steps_of({Operation.FINALIZE}), session, datastore)
    except TridentError as error:
        if error.code == NOT_WHOLE:
            with contextlib.suppress(TridentError):
                blank = HostStatus(is_management_os=True)
                record.move(datastore, blank, EntryState.FAILED, error=error)
        raise
    finalized = situation.status.evolve(
        servicing_state=ServicingState.CLEAN_INSTALL_FINALIZED, last_error=None
    )
    record.move(datastore, finalized, EntryState.FINALIZED)
    environment.settled()
