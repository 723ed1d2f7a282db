"""The door of this room: the content of netplan's ``network`` in, mistakes and warnings out."""

from __future__ import annotations

from trident.config.netplan.crate import Crate
from trident.config.netplan.devices import NETWORK
from trident.config.netplan.notes import Notes
from trident.config.nodes import MapNode, Path
from trident.config.shape import Complaint, Complaints


def judge(node: MapNode, path: Path, complaints: Complaints) -> None:
    """Note what upstream's crate refuses, and warn of what netplan is going to refuse."""
    notes = Notes(complaints, node)
    if "version" not in node.values and isinstance(node.values.get("network"), MapNode):
        message = "Here belongs the content of netplan's 'network', without that key itself."
        advice = "Remove 'network:' and indent its content less."
        complaints.append(Complaint("unknown-field", message, (*path, "network"), advice, at_key=True))
        return
    Crate(notes).read(NETWORK, node, path)
