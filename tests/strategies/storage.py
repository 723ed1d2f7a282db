"""The whole ``storage`` section, and what other sections must know of it."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from hypothesis import strategies as st

from tests.strategies import filesystems
from tests.strategies.layout import PARTITION, Layout, Stack, layouts
from tests.strategies.words import Document, Draw, spellings_of_uuid, words
from trident.config.quantities import spell_byte_count

DEVICES = ["/dev/vda", "/dev/disk/by-path/pci-0000:00:1f.2-ata-2.0", "/dev/nvme0n1"]
TYPES = ["esp", "root", "swap", "root-verity", "home", "var", "usr", "usr-verity", "tmp", "linux-generic",
         "srv", "xbootldr", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"]  # fmt: skip
PCRS = [4, "boot-loader-code", 7, "secure-boot-policy", 11, "kernel-boot"]


class Storage(NamedTuple):
    """A storage section.

    Attributes:
        document: the section itself.
        layout: its parts.
        datastore: a directory that the agent's datastore may lie in.
    """

    document: Document
    layout: Layout
    datastore: str

    @property
    def has_root_verity(self) -> bool:
        """Whether the root file system lies on a verity device."""
        return any(device["name"] == "root" for device in self.layout.verity)

    def may_hold_extensions(self, directory: str) -> bool:
        """Whether extensions may lie there: with A/B update, on what is updated A to B."""
        if not self.layout.has_ab_update:
            return True
        holder = self.layout.holder(directory)
        return holder is not None and "deviceId" in holder and self.layout.is_ab(holder["deviceId"])


@st.composite
def storages(draw: Draw) -> Storage:
    """A storage section with any of its objects."""
    layout: Layout = draw(layouts)
    filesystems.add_esp(draw, layout)
    filesystems.add_root(draw, layout)
    filesystems.add_others(draw, layout)
    _add_swap(draw, layout)
    if draw(st.booleans()):  # without pairs, the section may still be there
        layout.has_ab_update = True
    filesystems.add_required(draw, layout)
    datastore = filesystems.add_datastore(draw, layout)
    if draw(st.booleans()):
        layout.add(draw, PARTITION, "spare", draw(st.sampled_from(TYPES)))
    document = {"disks": _disks(draw, layout), "filesystems": draw(st.permutations(layout.filesystems))}
    for section in (_encryption, _raid, _ab_update, _verity, _swap):
        document |= section(draw, layout)
    return Storage(document, layout, datastore)


def _add_swap(draw: Draw, layout: Layout) -> None:
    for number in range(draw(st.integers(0, 2))):
        stack = Stack(is_encrypted=draw(st.booleans()))
        layout.swap.append(layout.add(draw, stack, f"swap{number}", "swap"))


def _disks(draw: Draw, layout: Layout) -> list[Document]:
    count = draw(st.integers(1, len(DEVICES)))
    disks: list[Document] = [
        {"id": layout.name(f"disk{n}"), "device": DEVICES[n], "partitionTableType": "gpt", "partitions": []}
        for n in range(count)
    ]
    where = st.integers(0, count - 1)
    first = draw(st.integers(0, 2**100))
    for number, partition in enumerate(layout.partitions):
        disk = disks[draw(where)]
        disk["partitions"].append(_spelled(draw, partition, str(UUID(int=first + number))))
    for disk in disks:
        _let_some_grow(draw, disk, layout.may_grow)
    for number, partition in enumerate(layout.adopted):
        by_label = {"matchLabel": f"label {number}"}
        by_uuid = {"matchUuid": str(UUID(int=first + 1000 + number))}
        disk = disks[draw(where)]
        disk.setdefault("adoptedPartitions", []).append(
            partition | draw(st.sampled_from([by_label, by_uuid]))
        )
    return disks


def _spelled(draw: Draw, partition: Document, uuid: str) -> Document:
    """A partition with its optional fields, or without, and its size as number or text."""
    spelled = dict(partition)
    if spelled["type"] == "linux-generic" and draw(st.booleans()):
        del spelled["type"]
    if draw(st.booleans()):
        spelled["size"] = spell_byte_count(spelled["size"])
    if draw(st.booleans()):
        spelled["uuid"] = draw(spellings_of_uuid(uuid))
    if draw(st.booleans()):
        spelled["label"] = draw(words)
    return spelled


def _let_some_grow(draw: Draw, disk: Document, may_grow: set[str]) -> None:
    for partition in disk["partitions"]:
        if partition["id"] in may_grow and draw(st.integers(0, 3)) == 1:
            partition["size"] = "grow"


def _encryption(draw: Draw, layout: Layout) -> Document:
    if not layout.encrypted:
        return {}
    section: Document = {"volumes": layout.encrypted}
    section["pcrs"] = draw(st.lists(st.sampled_from(PCRS), min_size=1, max_size=3, unique=True))
    section |= draw(st.sampled_from([{}, {"recoveryKeyUrl": "file:///etc/trident/recovery.key"}]))
    section |= draw(st.sampled_from([{}, {"clearTpmOnInstall": True}, {"clearTpmOnInstall": None}]))
    return {"encryption": section}


def _raid(draw: Draw, layout: Layout) -> Document:
    if not layout.arrays:
        return draw(st.sampled_from([{}, {"raid": {}}]))
    timeout = draw(st.sampled_from([{}, {"syncTimeout": 180}]))
    return {"raid": {"software": layout.arrays} | timeout}


def _ab_update(_draw: Draw, layout: Layout) -> Document:
    return {"abUpdate": {"volumePairs": layout.pairs}} if layout.has_ab_update else {}


def _verity(_draw: Draw, layout: Layout) -> Document:
    return {"verity": layout.verity} if layout.verity else {}


def _swap(draw: Draw, layout: Layout) -> Document:
    areas = [draw(st.sampled_from([device, {"deviceId": device}])) for device in layout.swap]
    return {"swap": areas} if areas else {}
