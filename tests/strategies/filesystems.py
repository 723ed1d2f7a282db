"""File systems: the ESP, the root (perhaps below verity), those that rules ask for, and any others."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies.layout import PARTITION, Layout, Stack, is_read_only, stacks
from tests.strategies.words import Document, Draw

ESP_PATH = "/boot/efi"
OVERLAY_PATH = "/var/lib/trident-overlay"
VAR_TMP = "/var/tmp"
OTHER_USR = "5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6"
"""The type of read-only /usr partitions that some distributions use; verity accepts it as ``usr``."""

PLACES = {
    "/home": "home", "/srv": "srv", "/var": "var", "/opt": "linux-generic", "/var/log": "linux-generic",
    "/mnt/with space": "linux-generic", "/mnt/é": "linux-generic", "/mnt/a/b/c": "linux-generic",
    "/usr/local": "linux-generic", "/boot": "xbootldr", "/var/lib": "linux-generic",
}  # fmt: skip
"""Where other file systems are mounted, and the partition type that belongs there."""

OPTIONS = st.sampled_from(["defaults", "noatime", "defaults,ro", "ro", "rw,nodev,nosuid", ""])
WRITABLE = st.sampled_from(["defaults", "noatime,discard"])


def mounts(path: str, options: st.SearchStrategy[str] = OPTIONS) -> st.SearchStrategy[str | Document]:
    """A mount point in one of its spellings."""
    return st.one_of(st.just(path), st.just({"path": path}), mounts_with(path, options))


def mounts_with(path: str, options: st.SearchStrategy[str]) -> st.SearchStrategy[Document]:
    """A mount point with options."""
    return options.map(lambda chosen: {"path": path, "options": chosen})


def add_esp(draw: Draw, layout: Layout) -> None:
    """The ESP on a partition, on a RAID 1 array, or adopted; at its usual path, or told by override."""
    on = draw(st.sampled_from(["partition", "array", "adopted"]))
    filesystem: Document = {}
    if on == "adopted":
        filesystem["deviceId"] = layout.adopt("esp")
        filesystem |= draw(
            st.sampled_from([{}, {"source": "adopted"}, {"source": "adopted", "type": "vfat"}])
        )
    else:
        stack = Stack(level="raid1") if on == "array" else PARTITION
        filesystem["deviceId"] = layout.add(draw, stack, "esp", "esp")
    path = draw(st.sampled_from([ESP_PATH, "/efi", "/boot/esp"]))
    filesystem["mountPoint"] = draw(mounts(path, st.just("umask=0077")))
    if path != ESP_PATH:
        filesystem["overrideEspMount"] = "override"
        if draw(st.booleans()):  # what is mounted at the usual path is then no ESP, if it says so
            other: Document = {"deviceId": layout.add(draw, PARTITION, "no-esp", "linux-generic")}
            other |= {"mountPoint": ESP_PATH, "overrideEspMount": "block"}
            layout.filesystems.append(other)
    layout.filesystems.append(filesystem)


def add_root(draw: Draw, layout: Layout) -> None:
    """The root from the image on any stack, below verity, or adopted."""
    how = draw(st.sampled_from(["image", "usr-verity", "root-verity", "adopted"]))
    if how == "root-verity":
        kinds = draw(st.sampled_from([("root", "root-verity"), ("linux-generic", "linux-generic")]))
        add_verity(draw, layout, "root", "/", kinds)
        return
    if how == "usr-verity":
        kinds = draw(
            st.sampled_from(
                [("usr", "usr-verity"), ("linux-generic", "usr-verity"), (OTHER_USR, "usr-verity")]
            )
        )
        add_verity(draw, layout, "usr", "/usr", kinds)
    root: Document = {"mountPoint": draw(mounts("/"))}
    if how == "adopted":
        root |= {"deviceId": layout.adopt("root"), "source": "adopted"}
    else:
        kind = draw(st.sampled_from(["root", "linux-generic"]))
        root["deviceId"] = layout.add(draw, draw(stacks(kind=kind)), "root", kind)
        root |= draw(st.sampled_from([{}, {"source": "image"}]))
    layout.filesystems.append(root)


def add_verity(draw: Draw, layout: Layout, name: str, path: str, kinds: tuple[str, str]) -> None:
    """A verity device over data and hashes on alike stacks, and the file system on it, read-only."""
    stack = draw(stacks(may_encrypt=False))
    device: Document = {
        "id": layout.name(f"{name}-verity"),
        "name": name,
        "dataDeviceId": layout.add(draw, stack, f"{name}-data", kinds[0]),
        "hashDeviceId": layout.add(draw, stack, f"{name}-hash", kinds[1]),
    }
    options = ["io-error", "ignore", "panic", "restart"]
    device |= draw(st.sampled_from([{}, *({"corruptionOption": option} for option in options)]))
    layout.verity.append(device)
    read_only = draw(mounts_with(path, st.sampled_from(["ro", "defaults,ro"])))
    layout.filesystems.append({"deviceId": device["id"], "mountPoint": read_only})


def add_others(draw: Draw, layout: Layout) -> None:
    """File systems of every source and type, mounted or not."""
    for path in draw(st.lists(st.sampled_from([*PLACES]), unique=True, max_size=4)):
        stem = "fs" + path.replace("/", "-").encode("ascii", "ignore").decode().replace(" ", "-")
        filesystem: Document = {"mountPoint": draw(mounts(path))}
        source = draw(st.sampled_from(["new", "image", "adopted", "tmpfs"]))
        if source == "tmpfs":
            filesystem |= {"source": "new", "type": "tmpfs"}
        elif source == "adopted":
            filesystem |= {"deviceId": layout.adopt(stem), "source": "adopted"}
            filesystem |= _type(draw, ["ext4", "xfs", "vfat", "ntfs", "auto"])
        else:
            kind = draw(st.sampled_from([PLACES[path], "linux-generic"]))
            filesystem["deviceId"] = layout.add(draw, draw(stacks(kind=kind)), stem, kind)
            if source == "new":
                filesystem |= {"source": "new"} | _type(draw, ["ext4", "xfs", "vfat", "ntfs"])
        layout.filesystems.append(filesystem)
    if draw(st.booleans()):
        device = layout.add(draw, draw(stacks()), "unmounted", "linux-generic")
        layout.filesystems.append({"deviceId": device, "source": draw(st.sampled_from(["new", "image"]))})


def _type(draw: Draw, names: list[str]) -> Document:
    return draw(st.sampled_from([{}, *({"type": name} for name in names)]))


def add_required(draw: Draw, layout: Layout) -> None:
    """What other rules ask for: a writable /var/tmp; /boot and a writable overlay for root-verity.

    The overlay comes last, as it must be A/B if anything is.
    """
    holder = layout.holder(VAR_TMP)
    if holder is None or is_read_only(holder):
        temporary: Document = {"source": "new", "mountPoint": draw(mounts(VAR_TMP, WRITABLE))}
        if draw(st.booleans()):
            temporary["type"] = "tmpfs"
        else:
            kind = draw(st.sampled_from(["tmp", "linux-generic"]))
            temporary["deviceId"] = layout.add(draw, draw(stacks(kind=kind)), "var-tmp", kind)
        layout.filesystems.append(temporary)
    if any(device["name"] == "root" for device in layout.verity):
        mounted = layout.mounted()
        if "/boot" in mounted:
            layout.filesystems.remove(mounted["/boot"])
        pair = Stack(is_pair=layout.has_ab_update)
        boot: Document = {"deviceId": layout.add(draw, pair, "boot", "xbootldr"), "mountPoint": "/boot"}
        overlay: Document = {"deviceId": layout.add(draw, pair, "overlay", "linux-generic"), "source": "new"}
        overlay["mountPoint"] = draw(mounts(OVERLAY_PATH, WRITABLE))
        layout.filesystems += [boot, overlay]


def add_datastore(draw: Draw, layout: Layout) -> str:
    """The directory of a datastore that A and B share: on a file system that is there, or on its own."""
    directory = draw(st.sampled_from(["/var/lib/trident", "/srv/trident", "/trident"]))
    holder = layout.holder(directory)
    fits = holder is not None and "deviceId" in holder and not is_read_only(holder)
    if holder is None or not fits or layout.is_ab(holder["deviceId"]) or draw(st.booleans()):
        device = layout.add(draw, draw(stacks(may_pair=False)), "trident", "linux-generic")
        mount = draw(mounts(directory, WRITABLE))
        layout.filesystems.append({"deviceId": device, "source": "new", "mountPoint": mount})
    return directory
