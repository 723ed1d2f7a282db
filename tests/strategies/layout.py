"""Block devices while a storage section is drawn: what stands on what, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from hypothesis import strategies as st

from tests.strategies.words import FASHIONS, Document, Draw, fashions

ALIGNMENT = 4096
MEBIBYTE = 1 << 20
MEMBERS = {"raid0": 2, "raid1": 2, "raid5": 3, "raid6": 4, "raid10": 4}
"""The fewest partitions that make sense for each level."""

NOT_ENCRYPTED = frozenset({"esp", "root", "root-verity", "usr-verity", "home"})
"""Partition types that may not lie below an encrypted volume."""


class Stack(NamedTuple):
    """The layers below a file system: a partition or an array, perhaps encrypted, perhaps an A/B pair."""

    level: str | None = None
    is_encrypted: bool = False
    is_pair: bool = False


PARTITION = Stack()


@dataclass
class Layout:
    """What was drawn so far. Partitions are put on disks at the end."""

    fashion: str = "plain"
    partitions: list[Document] = field(default_factory=list)
    adopted: list[Document] = field(default_factory=list)
    arrays: list[Document] = field(default_factory=list)
    encrypted: list[Document] = field(default_factory=list)
    pairs: list[Document] = field(default_factory=list)
    verity: list[Document] = field(default_factory=list)
    filesystems: list[Document] = field(default_factory=list)
    swap: list[str] = field(default_factory=list)
    may_grow: set[str] = field(default_factory=set)
    has_ab_update: bool = False

    def name(self, stem: str) -> str:
        """The id for a stem; one configuration writes all its ids in one fashion."""
        return FASHIONS[self.fashion](stem)

    def add(self, draw: Draw, stack: Stack, stem: str, kind: str) -> str:
        """Make the layers of a stack over partitions of one type, and return the id on top."""
        size = draw(st.integers(1, 4096)) * draw(st.sampled_from([MEBIBYTE, ALIGNMENT]))
        if not stack.is_pair:
            return self._side(draw, stack, stem, kind, size)
        a, b = (self._side(draw, stack, f"{stem}-{side}", kind, size) for side in "ab")
        self.pairs.append({"id": self.name(stem), "volumeAId": a, "volumeBId": b})
        self.has_ab_update = True
        return self.name(stem)

    def _side(self, draw: Draw, stack: Stack, stem: str, kind: str, size: int) -> str:
        if not stack.is_encrypted:
            return self._base(draw, stack, stem, kind, size)
        below = self._base(draw, stack, f"{stem}-luks", kind, size)
        volume = {"id": self.name(stem), "deviceName": stem, "deviceId": below}
        self.encrypted.append(volume)
        return self.name(stem)

    def _base(self, draw: Draw, stack: Stack, stem: str, kind: str, size: int) -> str:
        if stack.level is None:
            return self._partition(stem, kind, size, may_grow=not stack.is_pair)
        count = MEMBERS[stack.level] + draw(st.integers(0, 1))
        members = [self._partition(f"{stem}-{n}", kind, size, may_grow=False) for n in range(1, count + 1)]
        array = {"id": self.name(stem), "name": stem, "level": stack.level, "devices": members}
        self.arrays.append(array)
        return self.name(stem)

    def _partition(self, stem: str, kind: str, size: int, *, may_grow: bool) -> str:
        self.partitions.append({"id": self.name(stem), "type": kind, "size": size})
        if may_grow:
            self.may_grow.add(self.name(stem))
        return self.name(stem)

    def adopt(self, stem: str) -> str:
        """A partition that exists already."""
        self.adopted.append({"id": self.name(stem)})
        return self.name(stem)

    def mounted(self) -> dict[str, Document]:
        """File systems by their mount path."""
        return {path_of(fs): fs for fs in self.filesystems if "mountPoint" in fs}

    def holder(self, path: str) -> Document | None:
        """The file system that holds a path."""
        mounted = self.mounted()
        places = (str(place) for place in (PurePosixPath(path), *PurePosixPath(path).parents))
        return next((mounted[place] for place in places if place in mounted), None)

    def is_ab(self, device: str) -> bool:
        """Whether a device is an A/B volume pair, or a verity device over pairs."""
        pairs = {pair["id"] for pair in self.pairs}
        data = {verity["id"]: verity["dataDeviceId"] for verity in self.verity}
        return device in pairs or data.get(device) in pairs


def path_of(filesystem: Document) -> str:
    """Where a file system is mounted."""
    mount = filesystem["mountPoint"]
    return str(mount if isinstance(mount, str) else mount["path"])


def is_read_only(filesystem: Document) -> bool:
    """Whether it is mounted ``ro``."""
    mount = filesystem["mountPoint"]
    return isinstance(mount, dict) and "ro" in mount.get("options", "").split(",")


@st.composite
def stacks(
    draw: Draw, *, kind: str = "linux-generic", may_pair: bool = True, may_encrypt: bool = True
) -> Stack:
    """Layers for a volume over partitions of the type ``kind``."""
    if draw(st.booleans()):
        return Stack(is_pair=may_pair and draw(st.booleans()))
    return Stack(
        level=draw(st.sampled_from([None, *MEMBERS])),
        is_encrypted=may_encrypt and kind not in NOT_ENCRYPTED and draw(st.booleans()),
        is_pair=may_pair and draw(st.booleans()),
    )


layouts = st.builds(Layout, fashion=fashions)
