"""An ext4 file system from a tree, without root and the same bytes each time.

``mkfs.ext4 -d`` copies the staged contents in the order of their names; ``debugfs`` then gives every inode
the owner, mode and times of the manifest and adds what cannot be staged without root; ``resize2fs``
shrinks the result. Features and times are named in full, because defaults differ between hosts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trident.errors import InvalidInput, Servicing
from trident.host.process import run
from trident.image.build.tree import Kind, Node, Tree

_BLOCK = 4096
_INODE_SIZE = 256
_BYTES_PER_INODE = 16384
_JOURNAL = 16
_MEBIBYTE = 1024 * 1024
_SLACK = 64 * _MEBIBYTE
_FEATURES = (
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,"
    "huge_file,dir_nlink,extra_isize,metadata_csum,metadata_csum_seed"
)
_FORMATS = {Kind.DIRECTORY: 0o040000, Kind.FILE: 0o100000, Kind.SYMLINK: 0o120000}
_FORMATS |= {Kind.CHARACTER: 0o020000, Kind.BLOCK: 0o060000, Kind.FIFO: 0o010000}
_DEVICES = (Kind.CHARACTER, Kind.BLOCK, Kind.FIFO)


@dataclass(frozen=True)
class Identity:
    """What tells one file system from another.

    Attributes:
        uuid: its own.
        lineage: a UUID that successive versions share. It seeds checksums and directory hashes, so that what
            does not change from one version to the next has the same bytes in both.
        epoch: the time at which it is made, in seconds since 1970.
    """

    uuid: str
    lineage: str
    epoch: int


def make_ext4(tree: Tree, output: Path, identity: Identity) -> int:
    """Write ``tree`` as an ext4 file system of the least size.

    Args:
        tree: what goes in; time stamps are already clamped.
        output: the image file, which does not exist yet.
        identity: UUID and times.

    Returns:
        the size of the file system in bytes.

    Raises:
        InvalidInput: ``invalid-root-tree`` if a path cannot be written.
        Servicing: ``command-failed`` if a tool of e2fsprogs fails.
    """
    environment = {
        # Older e2fsprogs read the first, newer ones the second; both mean: this is now.
        "E2FSPROGS_FAKE_TIME": str(identity.epoch),
        "E2FSCK_TIME": str(identity.epoch),
        "SOURCE_DATE_EPOCH": str(identity.epoch),
        # The host's mke2fs.conf has no say.
        "MKE2FS_CONFIG": os.devnull,
    }
    size = _generous_size(tree)
    inodes = max(size // _BYTES_PER_INODE, len(tree.nodes) * 5 // 4 + 1024)
    extended = f"hash_seed={identity.lineage},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0"
    run(
        [
            *("mkfs.ext4", "-q", "-F", "-U", identity.lineage, "-m", "1"),
            *("-b", str(_BLOCK), "-I", str(_INODE_SIZE), "-N", str(inodes), "-J", f"size={_JOURNAL}"),
            *("-O", _FEATURES, "-E", extended, "-d", str(tree.staging), str(output), f"{size // 1024}k"),
        ],
        environment=environment,
    )
    _apply_manifest(tree, output, identity.epoch, environment)
    run(["e2fsck", "-f", "-p", str(output)], environment=environment, accept=(0, 1))
    run(["resize2fs", "-M", str(output)], environment=environment)
    run(["tune2fs", "-U", identity.uuid, str(output)], environment=environment)
    run(["e2fsck", "-f", "-n", str(output)], environment=environment)
    return output.stat().st_size


def _generous_size(tree: Tree) -> int:
    """A size that surely holds the tree; resize2fs takes away what was too much."""
    blocks = sum(-(-node.size // _BLOCK) + (node.kind is not Kind.FILE) for node in tree.nodes.values())
    # Directories grow with their entries; 64 bytes an entry is more than enough.
    content = blocks * _BLOCK + 64 * len(tree.nodes) + len(tree.nodes) * 2 * _INODE_SIZE
    size = content * 21 // 20 + _JOURNAL * _MEBIBYTE + _SLACK
    return -(-size // _MEBIBYTE) * _MEBIBYTE


def _apply_manifest(tree: Tree, image: Path, epoch: int, environment: dict[str, str]) -> None:
    scratch = image.with_suffix(".debugfs")
    scratch.mkdir()
    script = scratch / "script"
    with script.open("wb") as file:
        for line in _commands(tree, scratch, epoch):
            file.write(os.fsencode(line) + b"\n")
    done = run(["debugfs", "-w", "-f", str(script), str(image)], environment=environment)
    # debugfs ends with 0 whatever happened; beyond its banner, every line on stderr is a failed command.
    failures = [line for line in done.stderr.splitlines() if line and not line.startswith("debugfs 1.")]
    if failures:
        raise Servicing("image-build", f"debugfs could not complete the root file system: {failures[0]}")


def _commands(tree: Tree, scratch: Path, epoch: int) -> Iterator[str]:
    """The debugfs commands that make the file system what the manifest says."""
    values: dict[bytes, Path] = {}
    for path in sorted(tree.nodes):
        node = tree.nodes[path]
        place = _quoted("/" + path)
        if node.kind in _DEVICES:
            yield f"cd {_quoted('/' + path.rpartition('/')[0])}"
            yield f"mknod {_quoted(path.rpartition('/')[2])} {_device(node)}"
        yield f"sif {place} mode 0{_FORMATS[node.kind] | node.mode:o}"
        yield f"sif {place} uid {node.uid}"
        yield f"sif {place} gid {node.gid}"
        for name, value in node.xattrs:
            if value not in values:
                values[value] = scratch / f"value-{len(values)}"
                values[value].write_bytes(value)
            yield f"ea_set -f {_quoted(str(values[value]))} {place} {_quoted(name)}"
    # Last, because adding an entry changes the times of its directory.
    for path in sorted(tree.nodes):
        place = _quoted("/" + path)
        yield f"sif {place} mtime @{tree.nodes[path].mtime}"
        yield f"sif {place} atime @{tree.nodes[path].mtime}"
        yield f"sif {place} ctime @{epoch}"


def _device(node: Node) -> str:
    return "p" if node.kind is Kind.FIFO else f"{node.kind.value} {node.device[0]} {node.device[1]}"


def _quoted(word: str) -> str:
    """A word for debugfs, which knows double quotes, doubled inside, and no way to write a line break."""
    if "\n" in word or len(os.fsencode(word)) > _BLOCK:
        raise InvalidInput(
            "invalid-root-tree",
            f"The path {word[:100]!r} cannot be written: it holds a line break or is too long.",
            hint="Remove it from the tree or name it in the layout's 'exclude'.",
        )
    return '"' + word.replace('"', '""') + '"'
