"""Colours of the kinds of nodes, alike in every format: light fills that dark text is readable on."""

from __future__ import annotations

from trident.config.graph.graph import NodeKind

FILLS = {
    NodeKind.DISK: "#e9ecef",
    NodeKind.PARTITION: "#f8f9fa",
    NodeKind.ADOPTED_PARTITION: "#fff3bf",
    NodeKind.RAID_ARRAY: "#d0ebff",
    NodeKind.ENCRYPTED_VOLUME: "#eebefa",
    NodeKind.AB_VOLUME: "#d3f9d8",
    NodeKind.VERITY_DEVICE: "#ffe8cc",
    NodeKind.FILE_SYSTEM: "#ffffff",
    NodeKind.SWAP: "#ffffff",
    NodeKind.MISSING: "#ffe3e3",
}

LINES = {
    NodeKind.DISK: "#868e96",
    NodeKind.PARTITION: "#868e96",
    NodeKind.ADOPTED_PARTITION: "#e67700",
    NodeKind.RAID_ARRAY: "#1971c2",
    NodeKind.ENCRYPTED_VOLUME: "#9c36b5",
    NodeKind.AB_VOLUME: "#2f9e44",
    NodeKind.VERITY_DEVICE: "#d9480f",
    NodeKind.FILE_SYSTEM: "#495057",
    NodeKind.SWAP: "#495057",
    NodeKind.MISSING: "#e03131",
}

WRONG = "#e03131"
