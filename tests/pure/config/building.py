"""Building Host Configurations piece by piece, for tests about what may stand on what."""

from __future__ import annotations

import json
from typing import Any

from trident.config.load import judge_host_configuration
from trident.config.problems import Problem, Severity


class Host:
    """A valid host with an ESP and a root; methods add to it and return the id of what they added."""

    def __init__(self) -> None:
        self.disk: dict[str, Any] = {
            "id": "os",
            "device": "/dev/vda",
            "partitionTableType": "gpt",
            "partitions": [
                {"id": "base-esp", "type": "esp", "size": "64M"},
                {"id": "base-root", "type": "root", "size": "2G"},
            ],
        }
        self.storage: dict[str, Any] = {
            "disks": [self.disk],
            "filesystems": [
                {"deviceId": "base-esp", "mountPoint": "/boot/efi"},
                {"deviceId": "base-root", "mountPoint": "/"},
            ],
        }
        self.document: dict[str, Any] = {
            "image": {"url": "http://127.0.0.1/v1.cosi", "sha384": "ignored"},
            "storage": self.storage,
        }

    def partition(self, id: str, type: str = "linux-generic", size: str = "4K", **more: str) -> str:
        self.disk["partitions"].append({"id": id, "type": type, "size": size, **more})
        return id

    def adopted(self, id: str, **criteria: str) -> str:
        adopted = {"id": id, **(criteria or {"matchLabel": id})}
        self.disk.setdefault("adoptedPartitions", []).append(adopted)
        return id

    def empty_disk(self, id: str, device: str = "/dev/vdb") -> str:
        disk = {"id": id, "device": device, "partitionTableType": "gpt", "partitions": []}
        self.storage["disks"].append(disk)
        return id

    def array(self, id: str, *members: str, level: str = "raid1", name: str | None = None) -> str:
        array = {"id": id, "name": name or id, "level": level, "devices": list(members)}
        self.storage.setdefault("raid", {"software": []})["software"].append(array)
        return id

    def pair(self, id: str, a: str, b: str) -> str:
        pair = {"id": id, "volumeAId": a, "volumeBId": b}
        self.storage.setdefault("abUpdate", {"volumePairs": []})["volumePairs"].append(pair)
        return id

    def encrypted(self, id: str, device: str, device_name: str | None = None) -> str:
        volume = {"id": id, "deviceName": device_name or id, "deviceId": device}
        self.storage.setdefault("encryption", {"volumes": [], "pcrs": [7]})["volumes"].append(volume)
        return id

    def with_encryption(self, **fields: Any) -> Host:
        self.storage["encryption"] = fields
        return self

    def verity(self, id: str, data: str, hashes: str, name: str = "usr") -> str:
        verity = {"id": id, "name": name, "dataDeviceId": data, "hashDeviceId": hashes}
        self.storage.setdefault("verity", []).append(verity)
        return id

    def swap(self, device: str) -> None:
        self.storage.setdefault("swap", []).append(device)

    def filesystem(self, **fields: Any) -> None:
        self.storage["filesystems"].append(fields)

    def filesystem_at(self, path: str) -> dict[str, Any]:
        """The file system of the host that is mounted at a path, to be changed."""
        found = (fs for fs in self.storage["filesystems"] if path in (fs["mountPoint"], ""))
        return next(found)

    def problems(self) -> tuple[Problem, ...]:
        return judge_host_configuration(json.dumps(self.document), "host.yaml").problems

    def mistakes(self) -> list[str]:
        """The codes of what refuses it."""
        return [problem.code for problem in self.problems() if problem.severity is Severity.ERROR]
