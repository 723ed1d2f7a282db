"""Steps of stage: fetch the images into the store, verify them, and see that they fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from trident.errors import InvalidInput
from trident.image.source import shown_url
from trident.plan.step import Operation, Phase, Step
from trident.subsystems.extensions.kinds import KINDS, STORE, Kind, missing_in

if TYPE_CHECKING:
    from trident.config.model import Extension
    from trident.image.extension import ExtensionImage
    from trident.plan.session import Session
    from trident.plan.situation import Situation

RUNNING = Path("/")


def system_root(session: Session, running: Path) -> Path:
    """Where the tree of the system begins that is being serviced: newroot, or the running one."""
    return session.mounted_newroot() if session.situation.deploys else running


@dataclass(frozen=True, kw_only=True)
class CheckSources(Step):
    """See that each extension image can be had, while nothing has been changed yet.

    Attributes:
        extensions: those that a new target needs.
        running: where the running system's tree begins.
    """

    extensions: tuple[tuple[Kind, Extension], ...] = field(repr=False)
    running: Path = RUNNING

    @classmethod
    def compile(cls, situation: Situation) -> CheckSources:
        """The step."""
        extensions = tuple(
            (kind, extension)
            for kind in KINDS
            for extension in kind.wanted(situation)
            if kind.can_fetch(extension)
        )
        number = "the extension image" if len(extensions) == 1 else f"{len(extensions)} extension images"
        return cls(
            id="check-extension-sources",
            title=f"See that {number} can be fetched",
            operation=Operation.STAGE,
            phase=Phase.PRE_SERVICING,
            extensions=extensions,
        )

    def run(self, session: Session) -> None:
        """Open each source, but for images that the running system has."""
        from trident.subsystems.extensions.bring import extension_source
        from trident.subsystems.extensions.store import Store

        for kind, extension in self.extensions:
            if Store(self.running).find(kind, extension.sha384) is None:
                with extension_source(extension):
                    pass


@dataclass(frozen=True, kw_only=True)
class ExtensionStep(Step):
    """Works on one extension.

    Attributes:
        kind: of the extension.
        extension: which one.
        running: where the running system's tree begins.
    """

    kind: Kind
    extension: Extension = field(repr=False)
    running: Path = RUNNING


@dataclass(frozen=True, kw_only=True)
class FetchExtension(ExtensionStep):
    """Bring an image into the store and verify it; one that is there already is verified again.

    Attributes:
        present: the running system was made with the same image.
    """

    present: bool

    @classmethod
    def compile(cls, situation: Situation, kind: Kind, extension: Extension, label: str) -> FetchExtension:
        """The step."""
        return cls(
            id=f"fetch-extension:{kind.field}:{label}",
            title=f"Fetch the {kind.noun} {label} from {shown_url(extension.url)} and verify it",
            operation=Operation.STAGE,
            phase=Phase.PROVISION if situation.deploys else Phase.DEPLOY,
            touches=(STORE,),
            cost=situation.facts.extension_sizes.get(extension.sha384.lower(), 0),
            kind=kind,
            extension=extension,
            present=any(extension.sha384 == other.sha384 for other in kind.present(situation)),
        )

    def run(self, session: Session) -> None:
        """Copy or fetch."""
        from trident.subsystems.extensions.bring import Bringing

        root = system_root(session, self.running)
        bringing = Bringing(root, self.running, session.situation.facts.architecture, session.moved)
        image = bringing.bring(self.kind, self.extension, present=self.present)
        session.artifacts[_artifact(self.kind, self.extension)] = image


@dataclass(frozen=True, kw_only=True)
class KeepReplaced(ExtensionStep):
    """Keep in the store what is going to be replaced or removed, so that the way back needs no network."""

    @classmethod
    def compile(cls, kind: Kind, extension: Extension, label: str) -> KeepReplaced:
        """The step."""
        return cls(
            id=f"keep-extension:{kind.field}:{label}",
            title=f"Keep the present {kind.noun} {label} for a rollback",
            operation=Operation.STAGE,
            phase=Phase.DEPLOY,
            touches=(STORE,),
            kind=kind,
            extension=extension,
        )

    def run(self, session: Session) -> None:
        """Copy it from its place, if it is not in the store."""
        from trident.subsystems.extensions.bring import Bringing

        bringing = Bringing(self.running, self.running, session.situation.facts.architecture, session.moved)
        if not bringing.keep_replaced(self.kind, self.extension):
            session.note(
                f"The present {self.kind.noun} from {shown_url(self.extension.url)} is neither in the store "
                "nor whole in its place: a rollback cannot bring it back."
            )


@dataclass(frozen=True, kw_only=True)
class CompareExtensions(Step):
    """See that no two extensions are the same one, by their ids and names (upstream: Sysexts).

    Attributes:
        kind: of the extensions.
        extensions: all that the system is to have.
        running: where the running system's tree begins.
    """

    kind: Kind
    extensions: tuple[Extension, ...] = field(repr=False)
    running: Path = RUNNING

    @classmethod
    def compile(cls, situation: Situation, kind: Kind) -> CompareExtensions:
        """The step."""
        return cls(
            id=f"compare-extensions:{kind.field}",
            title=f"See that each {kind.noun} has an id and a name of its own",
            operation=Operation.STAGE,
            phase=Phase.PROVISION if situation.deploys else Phase.VERIFY,
            kind=kind,
            extensions=kind.wanted(situation),
        )

    def run(self, session: Session) -> None:
        """Compare each with those before it."""
        key = f"{self.kind.image.prefix}_ID"
        ids: dict[str, str] = {}
        names: dict[str, str] = {}
        for extension in self.extensions:
            image = self._image(session, extension)
            if image is None:
                continue
            shown = shown_url(extension.url)
            for what, value, seen, code in (
                (f"the {key}", image.id, ids, "duplicate-extension-id"),
                ("the name", image.name, names, "duplicate-extension-name"),
            ):
                if value in seen:
                    raise InvalidInput(
                        code,
                        f"Two {self.kind.noun}s have {what} '{value}': '{seen[value]}' and '{shown}'.",
                        hint="Remove one of them; if they are two versions of one extension, keep the newer.",
                        details={"value": value},
                    )
                seen[value] = shown

    def _image(self, session: Session, extension: Extension) -> ExtensionImage | None:
        """What the image says of itself; ``None`` for an unchanged one that is lost."""
        from trident.image.extension import ExtensionImage, read_extension
        from trident.subsystems.extensions.place import in_place
        from trident.subsystems.extensions.store import Store

        known = session.artifacts.get(_artifact(self.kind, extension))
        if isinstance(known, ExtensionImage):
            return known
        store = Store(system_root(session, self.running))
        stored = store.whole(self.kind, extension.sha384)
        if stored is not None:
            file = stored.file
        else:
            path = in_place(self.kind, extension, store.tree.root)
            if path is None:
                return None
            file = store.tree.real_path(path)
        return read_extension(
            file,
            self.kind.image,
            shown=shown_url(extension.url),
            architecture=session.situation.facts.architecture,
        )


def _artifact(kind: Kind, extension: Extension) -> str:
    return f"extension:{kind.field}:{extension.sha384}"


def to_keep(situation: Situation, kind: Kind) -> tuple[Extension, ...]:
    """Extensions that go, but for those whose image comes to another place."""
    wanted = kind.wanted(situation)
    going = missing_in(kind.present(situation), wanted)
    images = {extension.sha384.lower() for extension in wanted}
    return tuple(extension for extension in going if extension.sha384.lower() not in images)
