"""Extensions: sysext and confext images. Planned; this version cannot put them in place yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from trident.config.model import Extension
from trident.image.source import shown_url
from trident.plan.difference import extension_name
from trident.plan.situation import Effect
from trident.plan.step import Operation, PendingStep, Phase
from trident.plan.subsystem import EffectRule, Subsystem
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.plan.situation import Situation

_MERGED = Effect(ServicingType.RUNTIME_UPDATE, "extensions are merged without a reboot")


@dataclass(frozen=True)
class _Kind:
    """Sysexts or confexts: field of ``os``, noun, the program that merges, and the default directory."""

    field: str
    noun: str
    program: str
    directory: str

    def path(self, extension: Extension) -> str:
        """Where the image lies on the host (upstream: Extension)."""
        return extension.path or f"{self.directory}/{extension_name(extension)}.raw"

    def wanted(self, situation: Situation) -> tuple[Extension, ...]:
        """The extensions that the host is to have."""
        os = situation.desired.os
        return os.sysexts if self.field == "sysexts" else os.confexts

    def present(self, situation: Situation) -> tuple[Extension, ...]:
        """The extensions of the configuration that the host was made from."""
        documents = situation.running_document("os").get(self.field) or ()
        return tuple(Extension.from_document(document, "Host Status") for document in documents)


_KINDS = (
    _Kind("sysexts", "system extension", "systemd-sysext", "/var/lib/extensions"),
    _Kind("confexts", "configuration extension", "systemd-confext", "/var/lib/confexts"),
)


class ExtensionsSubsystem(Subsystem):
    """System and configuration extensions."""

    name = "extensions"
    effects: ClassVar[Mapping[str, EffectRule]] = {"os.sysexts": _MERGED, "os.confexts": _MERGED}

    def steps(self, situation: Situation) -> Iterator[PendingStep]:
        """A new target gets every extension; on the running system those that changed come and go."""
        for kind in _KINDS:
            if situation.deploys:
                for extension in kind.wanted(situation):
                    yield _place_on_target(kind, extension)
            elif situation.changes_running:
                yield from _runtime(kind, situation)


def _place_on_target(kind: _Kind, extension: Extension) -> PendingStep:
    name, path = extension_name(extension), kind.path(extension)
    return PendingStep(
        id=f"put-extension:{kind.field}:{name}",
        title=f"Put the {kind.noun} {name} at {path} on the target, from {shown_url(extension.url)}",
        operation=Operation.STAGE,
        phase=Phase.PROVISION,
        touches=(path,),
        fields=(f"os.{kind.field}",),
    )


def _runtime(kind: _Kind, situation: Situation) -> Iterator[PendingStep]:
    old, new = kind.present(situation), kind.wanted(situation)
    come = [extension for extension in new if extension not in old]
    go = [extension for extension in old if extension not in new]
    fields = (f"os.{kind.field}",)
    for extension in come:
        name = extension_name(extension)
        yield PendingStep(
            id=f"fetch-extension:{kind.field}:{name}",
            title=f"Fetch the {kind.noun} {name} from {shown_url(extension.url)} and verify it",
            operation=Operation.STAGE,
            phase=Phase.DEPLOY,
            fields=fields,
        )
    kept = {kind.path(extension) for extension in new}
    for extension in go:
        if kind.path(extension) not in kept:
            yield PendingStep(
                id=f"remove-extension:{kind.field}:{extension_name(extension)}",
                title=f"Remove the {kind.noun} {kind.path(extension)}",
                operation=Operation.FINALIZE,
                phase=Phase.FINALIZE,
                touches=(kind.path(extension),),
                fields=fields,
            )
    for extension in come:
        yield PendingStep(
            id=f"put-extension:{kind.field}:{extension_name(extension)}",
            title=f"Put the {kind.noun} at {kind.path(extension)}",
            operation=Operation.FINALIZE,
            phase=Phase.FINALIZE,
            touches=(kind.path(extension),),
            fields=fields,
        )
    if come or go:
        yield PendingStep(
            id=f"refresh-extensions:{kind.field}",
            title=f"Merge the {kind.noun}s anew ({kind.program} refresh)",
            operation=Operation.FINALIZE,
            phase=Phase.FINALIZE,
            fields=fields,
        )
