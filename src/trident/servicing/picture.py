"""What a plan makes of each disk. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from trident.errors import TridentError
from trident.plan.picture import DiskPicture, Fate, Segment
from trident.state.status import AbVolume, ServicingType
from trident.subsystems.storage.adopt import check_adoption, matched
from trident.subsystems.storage.check import place

if TYPE_CHECKING:
    from trident.config.model import Disk
    from trident.plan.plan import Plan
    from trident.plan.situation import DiskFacts, PartitionFacts, Situation


def disk_pictures(situation: Situation, plan: Plan) -> tuple[DiskPicture, ...]:
    """Each disk of the Host Configuration, in its order, before and after ``plan``."""
    sources = _sources(situation, plan)
    return tuple(_picture(disk, situation, sources) for disk in situation.desired.storage.disks)


def _sources(situation: Situation, plan: Plan) -> Mapping[str, str]:
    """What each partition will hold: of an array's member, what the array holds."""
    found: dict[str, str] = {}
    for entry in plan.contents:
        for behind in situation.written_with(entry.device):
            found[behind] = entry.source if behind == entry.device else f"{entry.source}, in {entry.device}"
    return found


def _picture(disk: Disk, situation: Situation, sources: Mapping[str, str]) -> DiskPicture:
    facts = situation.facts.disks.get(disk.device)
    if situation.servicing_type is ServicingType.CLEAN_INSTALL:
        before = _erased(disk, facts)
        after = _installed(disk, facts, situation, sources)
    else:
        present = _present(disk, facts, situation)
        before = None if present is None else tuple(_sided(part, situation, before=True) for part in present)
        after = None if present is None else tuple(_updated(part, situation, sources) for part in present)
    return DiskPicture(disk.id, disk.device, facts.size if facts else None, before, after)


def _erased(disk: Disk, facts: DiskFacts | None) -> tuple[Segment, ...] | None:
    if facts is None or facts.partitions is None:
        return None
    adopted = {entry.number: partition.id for partition, entry in matched(disk, facts)}
    # Where not everything is found that is to be adopted the install is refused: all of it stays.
    others = Fate.ERASED if len(adopted) == len(disk.adopted_partitions) else Fate.KEPT
    return tuple(
        _segment(part, adopted.get(part.number), Fate.ADOPTED if part.number in adopted else others)
        for part in facts.partitions
    )


def _segment(part: PartitionFacts, id_: str | None, fate: Fate) -> Segment:
    return Segment(part.number, part.start, part.size, part.label or part.device, id_, fate)


def _installed(
    disk: Disk, facts: DiskFacts | None, situation: Situation, sources: Mapping[str, str]
) -> tuple[Segment, ...] | None:
    if facts is None or any(check_adoption(disk, facts)):
        return None
    try:
        placed = place(disk, facts, situation.facts.architecture)
    except TridentError:
        return None
    parts = [Segment(part.number, part.start, part.size, part.label, part.id, Fate.EMPTY) for part in placed]
    sector = facts.table.sector_size if facts.table is not None else facts.sector_size
    parts += [
        Segment(
            entry.number,
            entry.start_sector * sector,
            entry.sectors * sector,
            entry.label or partition.id,
            partition.id,
            Fate.ADOPTED,
        )
        for partition, entry in matched(disk, facts)
    ]
    parts.sort(key=lambda part: part.start)
    return tuple(_updated(part, situation, sources) for part in parts)


def _present(disk: Disk, facts: DiskFacts | None, situation: Situation) -> tuple[Segment, ...] | None:
    """The partitions that an update finds, by their ids."""
    if facts is None or facts.partitions is None:
        return None
    ids = {node: name for name, node in situation.facts.volume_nodes.items()}
    return tuple(_segment(part, ids.get(part.device), Fate.KEPT) for part in facts.partitions)


def _updated(part: Segment, situation: Situation, sources: Mapping[str, str]) -> Segment:
    source = sources.get(part.id) if part.id is not None else None
    if source is not None:
        part = replace(part, fate=Fate.WRITTEN, source=source)
    return _sided(part, situation, before=False)


def _sided(part: Segment, situation: Situation, *, before: bool) -> Segment:
    """The partition with its side, active before the servicing, or after its commit."""
    for side in AbVolume:
        if part.id is not None and part.id in _side(situation, side):
            running = situation.status.ab_active_volume
            moves = not situation.changes_running
            active = situation.target_volume if moves and not before else running
            return replace(part, side=side.letter, active=side is active)
    return part


def _side(situation: Situation, side: AbVolume) -> Iterator[str]:
    storage = situation.desired.storage
    for pair in storage.volume_pairs:
        yield from storage.devices_behind(pair.id, side)
