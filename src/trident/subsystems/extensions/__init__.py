"""Extensions: sysext and confext images, fetched into a store, put in place, merged by systemd.

**The store** (``store.py``) holds every image that a system has or may go back to, by its SHA-384, beside the
directories that systemd reads. An image gets into it verified or not at all. Its name in the store is the
NAME in its extension-release, which the configuration need not say.

**Stage** (``stage.py``, ``bring.py``) brings each image into the store: from the store of the running system
or from its place there if the SHA-384 is right, else from its URL. Then it is opened: is it an extension of
this kind, for this system, under this name? In a runtime update what is going to be replaced is kept too.

**Finalize** (``settle.py``, ``place.py``) hashes what was staged again, puts it in place by hard link and
rename, takes away what goes, and lets systemd merge anew; then systemd's own list must show every extension.
All of it can be done again from any half-way state. An undo and a rollback are the same steps with old and
new exchanged; they find the images of before in the store and need no network.

**A new target** (install, A/B update) gets all of it in stage: its own store, the images in their places, and
systemd's services enabled, which merge them at boot.

:func:`prune_store` forgets what no configuration needs any more; the verb calls it when a servicing has
ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from trident.plan.situation import Effect
from trident.plan.step import PendingStep, Step
from trident.plan.subsystem import EffectRule, Subsystem
from trident.state.status import ServicingType
from trident.subsystems.extensions.kinds import KINDS, Kind, labels, missing_in
from trident.subsystems.extensions.settle import (
    CheckStaged,
    DisableMerging,
    EnableMerging,
    MergeExtensions,
    PutExtension,
    RemoveExtension,
)
from trident.subsystems.extensions.stage import (
    CheckSources,
    CompareExtensions,
    FetchExtension,
    KeepReplaced,
    to_keep,
)

if TYPE_CHECKING:
    from trident.config.model import Extension, HostConfiguration
    from trident.plan.situation import Situation

_MERGED = Effect(ServicingType.RUNTIME_UPDATE, "extensions are merged without a reboot")
_SAME = Effect(ServicingType.NO_ACTIVE_SERVICING, "the same images lie in the same places")


def _effect(kind: Kind) -> EffectRule:
    """An extension is its image, by the SHA-384, in its place; the server and the order do not count."""

    def effect(old: HostConfiguration, new: HostConfiguration) -> Effect:
        before, after = kind.listed(old), kind.listed(new)
        differs = missing_in(before, after) or missing_in(after, before)
        return _MERGED if differs else _SAME

    return effect


class ExtensionsSubsystem(Subsystem):
    """System and configuration extensions."""

    name = "extensions"
    effects: ClassVar[Mapping[str, EffectRule]] = {f"os.{kind.field}": _effect(kind) for kind in KINDS}

    def tools(self, situation: Situation) -> Iterable[str]:
        """To open images; a target's services are enabled by its own ``systemctl``."""
        steps = tuple(self.steps(situation))
        found: set[str] = set()
        if any(isinstance(step, FetchExtension) for step in steps):
            found |= {"blkid", "mount", "umount"}
        if any(isinstance(step, EnableMerging) for step in steps):
            found |= {"chroot"} if situation.deploys else {"systemctl"}
        if any(isinstance(step, DisableMerging) for step in steps):
            found.add("systemctl")
        return found | {step.kind.program for step in steps if isinstance(step, MergeExtensions)}

    def steps(self, situation: Situation) -> Iterator[Step]:
        """A new target gets every extension; on the running system those that changed come and go."""
        if situation.deploys:
            yield from _deploy(situation)
        elif situation.changes_running:
            yield from _change(situation)


def prune_store(configurations: Iterable[Mapping[str, Any]], root: Path = Path("/")) -> None:
    """Keep in the store the images that these Host Configurations name, and nothing else.

    Args:
        configurations: as Host Status holds them: of what runs, of what is staged, and of every
            configuration that a rollback of the running volume can lead to.
        root: where the system's tree begins.

    Raises:
        Servicing: ``extension-store`` if an image cannot be removed.
    """
    from trident.subsystems.extensions.store import Store

    Store(root).prune(
        (kind.field, extension.sha384)
        for configuration in configurations
        for kind in KINDS
        for extension in kind.of_document(configuration)
    )


def _deploy(situation: Situation) -> Iterator[Step]:
    kinds = tuple(kind for kind in KINDS if kind.wanted(situation))
    if any(kind.can_fetch(extension) for kind in kinds for extension in kind.wanted(situation)):
        yield CheckSources.compile(situation)
    for kind in kinds:
        named = labels(kind.wanted(situation))
        yield from _fetches(situation, kind, named)
        yield CompareExtensions.compile(situation, kind)
        for label, extension in named:
            yield PutExtension.compile(situation, kind, extension, label)
    if kinds:
        yield EnableMerging.compile(situation, kinds)


def _change(situation: Situation) -> Iterator[Step]:
    changed: list[Kind] = []
    coming: list[tuple[Kind, Extension]] = []
    merging: list[Step] = []
    for kind in KINDS:
        wanted, present = kind.wanted(situation), kind.present(situation)
        come, go = missing_in(wanted, present), missing_in(present, wanted)
        for left in kind.unsettled(situation):
            # Such an extension may be there or not: it comes, or goes, in any case.
            come += missing_in(missing_in(wanted, left), come)
            go += missing_in(missing_in(left, wanted), go)
        if not (come or go):
            continue
        changed.append(kind)
        coming += [(kind, extension) for extension in come]
        yield from _fetches(situation, kind, labels(come))
        for label, extension in labels(to_keep(situation, kind)):
            yield KeepReplaced.compile(kind, extension, label)
        if come:
            yield CompareExtensions.compile(situation, kind)
        merging += [
            PutExtension.compile(situation, kind, extension, label) for label, extension in labels(come)
        ]
        merging += [
            RemoveExtension.compile(situation, kind, extension, label) for label, extension in labels(go)
        ]
    if coming:
        yield CheckStaged.compile(tuple(coming))
    yield from merging
    needed = tuple(kind for kind in changed if kind.wanted(situation))
    if needed:
        yield EnableMerging.compile(situation, needed)
    for kind in changed:
        yield MergeExtensions.compile(situation, kind)
    if changed and not any(kind.wanted(situation) for kind in KINDS):
        yield DisableMerging.compile()


def _fetches(situation: Situation, kind: Kind, named: tuple[tuple[str, Extension], ...]) -> Iterator[Step]:
    for label, extension in named:
        step = FetchExtension.compile(situation, kind, extension, label)
        yield step if kind.can_fetch(extension) else _later(step, label)


def _later(step: FetchExtension, label: str) -> PendingStep:
    """An image in a registry: fetching comes in a later version."""
    return PendingStep(
        id=step.id,
        title=step.title,
        operation=step.operation,
        phase=step.phase,
        touches=step.touches,
        fields=(f"os.{step.kind.field}[{label}].url",),
    )
