"""Steps that put staged images in place, take others away, and let systemd merge what is there.

Each of them brings about an end, whatever it finds: done again, or after a power cut, or in an undo with old
and new exchanged, the end is the same.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from trident.errors import InvalidInput, Servicing
from trident.image.source import shown_url
from trident.plan.step import NOT_WHOLE, Operation, Phase, Step
from trident.subsystems.extensions.kinds import KINDS, SUFFIX, Kind
from trident.subsystems.extensions.stage import RUNNING, ExtensionStep, system_root

if TYPE_CHECKING:
    from trident.config.model import Extension
    from trident.plan.session import Session
    from trident.plan.situation import Situation

_log = logging.getLogger(__name__)

_UNIT_LINKS = "/etc/systemd/system"
# Characters of systemd's own words in an error.
_WORDS = 500


@dataclass(frozen=True, kw_only=True)
class CheckStaged(Step):
    """See that every staged image is still whole, before anything is changed.

    Attributes:
        extensions: those that come.
        running: where the running system's tree begins.
    """

    extensions: tuple[tuple[Kind, Extension], ...] = field(repr=False)
    running: Path = RUNNING

    @classmethod
    def compile(cls, extensions: tuple[tuple[Kind, Extension], ...]) -> CheckStaged:
        """The step."""
        return cls(
            id="check-staged-extensions",
            title="See that the staged extension images are whole",
            operation=Operation.FINALIZE,
            phase=Phase.SEAL,
            extensions=extensions,
        )

    def run(self, session: Session) -> None:
        """Hash each; one that is in its place already is fine too."""
        from trident.subsystems.extensions.place import in_place
        from trident.subsystems.extensions.store import Store

        for kind, extension in self.extensions:
            if Store(self.running).whole(kind, extension.sha384) is None:
                if in_place(kind, extension, self.running) is not None:
                    continue
                raise Servicing(
                    NOT_WHOLE,
                    f"The staged image of the {kind.noun} '{shown_url(extension.url)}' is not there "
                    "any more, or its SHA-384 is another one now.",
                    hint="Stage the update again.",
                    details={"sha384": extension.sha384},
                )


@dataclass(frozen=True, kw_only=True)
class PutExtension(ExtensionStep):
    """Put an image where systemd looks for it."""

    @classmethod
    def compile(cls, situation: Situation, kind: Kind, extension: Extension, label: str) -> PutExtension:
        """The step."""
        where = f"at {kind.place(extension)}" if extension.path else f"into {kind.directory}"
        return cls(
            id=f"put-extension:{kind.field}:{label}",
            title=f"Put the {kind.noun} {label} {where}",
            operation=Operation.STAGE if situation.deploys else Operation.FINALIZE,
            phase=Phase.PROVISION if situation.deploys else Phase.FINALIZE,
            touches=(kind.place(extension),),
            kind=kind,
            extension=extension,
        )

    def run(self, session: Session) -> None:
        """Link or copy it, atomically."""
        from trident.subsystems.extensions.place import place

        place(self.kind, self.extension, system_root(session, self.running))


@dataclass(frozen=True, kw_only=True)
class RemoveExtension(ExtensionStep):
    """Take an extension away that the host is not to have any more.

    Attributes:
        kept: those that the host is to have; what lies at the place of one of them stays.
    """

    kept: tuple[Extension, ...] = field(repr=False)

    @classmethod
    def compile(cls, situation: Situation, kind: Kind, extension: Extension, label: str) -> RemoveExtension:
        """The step."""
        where = kind.place(extension) if extension.path else f"{label} from {kind.directory}"
        return cls(
            id=f"remove-extension:{kind.field}:{label}",
            title=f"Remove the {kind.noun} {where}",
            operation=Operation.FINALIZE,
            phase=Phase.FINALIZE,
            touches=(kind.place(extension),),
            kind=kind,
            extension=extension,
            kept=kind.wanted(situation),
        )

    def run(self, session: Session) -> None:
        """Remove it; nothing there is fine."""
        from trident.subsystems.extensions.place import remove

        remove(self.kind, self.extension, self.kept, self.running)


@dataclass(frozen=True, kw_only=True)
class EnableMerging(Step):
    """Have extensions merged at each boot: enable systemd's services for it.

    Attributes:
        needed: the kinds that the system has; the services of the others are enabled where there are any,
            because a merged confext makes ``/etc`` read-only.
        running: where the running system's tree begins.
    """

    needed: tuple[Kind, ...]
    running: Path = RUNNING

    @classmethod
    def compile(cls, situation: Situation, needed: tuple[Kind, ...]) -> EnableMerging:
        """The step."""
        services = " and ".join(kind.service for kind in needed)
        return cls(
            id="enable-extensions",
            title=f"Enable {services}, so that extensions are merged at boot",
            operation=Operation.STAGE if situation.deploys else Operation.FINALIZE,
            phase=Phase.PROVISION if situation.deploys else Phase.FINALIZE,
            touches=(_UNIT_LINKS,),
            needed=needed,
        )

    def run(self, session: Session) -> None:
        """Set the links that are missing; on the running system, remember first which ones those were."""
        from trident.host.units import switch_unit, unit_state
        from trident.subsystems.extensions.store import Store

        root = system_root(session, self.running)
        for kind in KINDS:
            state = unit_state(root, kind.service)
            if state is None and kind in self.needed:
                raise _cannot_merge(kind)
            if state == "disabled":
                try:
                    if self.operation is Operation.FINALIZE:
                        store = Store(root)
                        store.set_enabled(store.enabled() | {kind.service})
                    switch_unit(root, "enable", kind.service)
                except Servicing as error:
                    raise Servicing(
                        "enable-extension-services",
                        f"{kind.service} cannot be enabled. {error.message}",
                        details={"service": kind.service},
                    ) from error


@dataclass(frozen=True, kw_only=True)
class DisableMerging(Step):
    """Where no extension is left, disable the services again that were enabled for the first one.

    Attributes:
        running: where the running system's tree begins.
    """

    running: Path = RUNNING

    @classmethod
    def compile(cls) -> DisableMerging:
        """The step. It comes after the merging: a merged confext makes ``/etc`` read-only."""
        return cls(
            id="disable-extensions",
            title="Disable systemd's services for extensions again, where they were disabled before",
            operation=Operation.FINALIZE,
            phase=Phase.FINALIZE,
            touches=(_UNIT_LINKS,),
        )

    def run(self, session: Session) -> None:
        """Remove the links that an earlier update has set.

        A service that has nothing to merge does no harm. So one that cannot be disabled, because something
        else makes ``/etc`` read-only, stands in the way of nothing, least of all of an undo.
        """
        from trident.host.units import switch_unit, unit_state
        from trident.subsystems.extensions.store import Store

        store = Store(self.running)
        try:
            for service in sorted(store.enabled()):
                if unit_state(self.running, service) == "enabled":
                    switch_unit(self.running, "disable", service)
            store.set_enabled(())
        except Servicing as error:
            _log.warning("A service stays enabled that has nothing to merge any more: %s", error.message)


@dataclass(frozen=True, kw_only=True)
class MergeExtensions(Step):
    """Let systemd merge the extensions that are in place now, and see that it did.

    Attributes:
        kind: which ones.
        extensions: all that the host is to have.
        running: where the running system's tree begins.
    """

    kind: Kind
    extensions: tuple[Extension, ...] = field(repr=False)
    running: Path = RUNNING

    @classmethod
    def compile(cls, situation: Situation, kind: Kind) -> MergeExtensions:
        """The step."""
        return cls(
            id=f"refresh-extensions:{kind.field}",
            title=f"Merge the {kind.noun}s anew ({kind.program} refresh)",
            operation=Operation.FINALIZE,
            phase=Phase.FINALIZE,
            kind=kind,
            extensions=kind.wanted(situation),
        )

    def run(self, session: Session) -> None:
        """Refresh, then compare with systemd's own list."""
        from trident.host.sysext import merged, refresh

        program = self.kind.program
        try:
            words = refresh(program, self.running)
            found = merged(program, self.running)
        except Servicing as error:
            raise Servicing(
                "refresh-extensions",
                f"systemd cannot merge the {self.kind.noun}s. {error.message}",
                hint=f"'SYSTEMD_LOG_LEVEL=debug {program} refresh' tells more.",
                details={"program": program},
            ) from error
        lacking = sorted(self._names() - found)
        if lacking:
            names = ", ".join(f"'{name}'" for name in lacking)
            raise Servicing(
                "extension-not-merged",
                f"systemd did not merge the {self.kind.noun}{'s' if len(lacking) > 1 else ''} {names}."
                + (f" It said: {words[-_WORDS:]}" if words else ""),
                hint=f"'SYSTEMD_LOG_LEVEL=debug {program} refresh' tells why.",
                details={"program": program, "extensions": lacking},
            )

    def _names(self) -> set[str]:
        from trident.subsystems.extensions.place import whereabouts

        paths = (whereabouts(self.kind, extension, self.running) for extension in self.extensions)
        return {PurePosixPath(path).name.removesuffix(SUFFIX) for path in paths if path is not None}


def _cannot_merge(kind: Kind) -> InvalidInput:
    return InvalidInput(
        "extension-service-not-found",
        f"The system has no {kind.service}, so its {kind.noun}s would not be merged at boot.",
        hint="Build the image with a systemd that has it: 254 or later for confexts, 248 for sysexts.",
        details={"service": kind.service},
    )
