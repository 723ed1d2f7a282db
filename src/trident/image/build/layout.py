"""The layout file of an image: a short YAML document beside a root tree (``docs/image-layout.md``)."""

from __future__ import annotations

import enum
import fnmatch
import re
from pathlib import Path
from typing import Annotated, Any, ClassVar

from trident.config import scalars
from trident.config.document import MAX_BYTES, Document, read_document
from trident.config.model.base import Model
from trident.config.nodes import ScalarNode, find
from trident.config.quantities import parse_byte_count, spell_byte_count
from trident.config.shape import Complaints, reader_of
from trident.config.spelling import Spelling
from trident.errors import InvalidInput

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~^-]{0,63}")
_MEBIBYTE = 1024 * 1024


def _size(node: ScalarNode) -> int:
    size = parse_byte_count(node.text)
    if size == 0 or size % _MEBIBYTE:
        raise ValueError("a partition size here must be a whole number of mebibytes, such as 512M")
    return size


def _name(node: ScalarNode) -> str:
    # os-release(5): lower-case letters, digits, and dots, underscores and hyphens in between.
    if _NAME.fullmatch(node.text) is None:
        raise ValueError("an id has lower-case letters, digits, '.', '_' and '-' only")
    return node.text


def _version(node: ScalarNode) -> str:
    # It becomes part of a file name on the ESP, where '+' would be read as boot counting.
    if _VERSION.fullmatch(node.text) is None:
        raise ValueError("a version has letters, digits, '.', '_', '~', '^' and '-' only")
    return node.text


def _one_line(node: ScalarNode) -> str:
    if not node.text.isprintable():
        raise ValueError("a kernel command line is one line of plain text")
    return node.text.strip()


def _inside(node: ScalarNode) -> str:
    path = node.text.strip("/")
    if not path or any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError("a path inside the tree is needed, such as var/cache/apt")
    return path


def _whole(lowest: int, highest: int) -> Spelling:
    def read(node: ScalarNode) -> int:
        value = scalars.integer(node.text) if node.plain else None
        if value is None or not lowest <= value <= highest:
            raise ValueError(f"a whole number from {lowest} to {highest} is needed")
        return value

    return Spelling("a whole number", read)


_SIZE = Spelling("a size such as 512M", _size, spell_byte_count)
_PATH = Spelling("a path inside the tree", _inside)


class Architecture(enum.StrEnum):
    """Architectures of an image, as COSI names them."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


class KernelLayout(Model, frozen=True, kw_only=True):
    """What the UKI is made of.

    Attributes:
        command_line: arguments for the kernel.
        root: begin the command line with ``root=UUID=… ro`` for this image's own root file system.
        release: which kernel of the tree; by default the newest.
        uki: path in the tree of a UKI that is there already; it is taken as it is.
    """

    noun: ClassVar[str] = "a kernel"

    command_line: Annotated[str, Spelling("text", _one_line)] = ""
    root: bool = True
    release: str | None = None
    uki: Annotated[str | None, _PATH] = None


class PartitionLayout(Model, frozen=True, kw_only=True):
    """A partition of the disk that the image describes; by default it is a little larger than its content."""

    noun: ClassVar[str] = "a partition"

    size: Annotated[int | None, _SIZE] = None


class CompressionLayout(Model, frozen=True, kw_only=True):
    """zstd parameters. A reader needs ``2 ** window_log`` bytes of memory."""

    noun: ClassVar[str] = "compression"

    level: Annotated[int, _whole(1, 19)] = 12
    window_log: Annotated[int, _whole(10, 27)] = 23


class Layout(Model, frozen=True, kw_only=True):
    """How a root tree becomes an image.

    Attributes:
        id: ``IMAGE_ID`` in os-release.
        version: ``IMAGE_VERSION`` in os-release.
        architecture: of the OS.
        kernel: the UKI.
        esp: the EFI system partition.
        root: the root partition.
        exclude: shell patterns of paths that are left out of the root file system, with all beneath them.
        source_date_epoch: no time stamp in the image is later; by default the newest of the tree.
        compression: of the images.
    """

    noun: ClassVar[str] = "an image layout"

    id: Annotated[str, Spelling("an id", _name)]
    version: Annotated[str, Spelling("a version", _version)]
    architecture: Architecture = Architecture.X86_64
    kernel: KernelLayout = KernelLayout()
    esp: PartitionLayout = PartitionLayout()
    root: PartitionLayout = PartitionLayout()
    exclude: tuple[Annotated[str, _PATH], ...] = ()
    source_date_epoch: Annotated[int | None, _whole(0, 2**32 - 1)] = None
    compression: CompressionLayout = CompressionLayout()

    def excludes(self, path: str) -> bool:
        """Whether ``path`` or a directory above it matches a pattern."""
        parts = path.split("/")
        above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.exclude for name in above)


def load_layout(path: Path | str) -> Layout:
    """Read a layout file.

    Raises:
        InvalidInput: ``load-image-layout`` if it cannot be read, ``invalid-image-layout`` with the first
            mistake and its place, and all of them in the details.
    """
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the name is not valid"
        raise InvalidInput(
            "load-image-layout",
            f"The image layout '{path}' cannot be read: {reason}.",
            hint="Check the path of the layout file.",
        ) from error
    return parse_layout(text, str(path))


def parse_layout(text: str | bytes, source_name: str = "layout") -> Layout:
    """Read a layout from its text.

    Raises:
        InvalidInput: as :func:`load_layout`.
    """
    document = read_document(text)
    mistakes = [
        (finding.line, finding.column, finding.message, finding.suggestion)
        for finding in document.findings
        if not finding.is_warning
    ]
    value: Any = None
    if not mistakes and document.root is not None:
        complaints = Complaints()
        value = reader_of(Layout)(document.root, (), complaints)
        mistakes = [
            (*_place(document, complaint.path, complaint.at_key), complaint.message, complaint.suggestion)
            for complaint in complaints
        ]
    if isinstance(value, Layout) and not mistakes:
        return value
    mistakes = mistakes or [(0, 0, "The file is empty.", "Give at least 'id' and 'version'.")]
    raise _invalid(source_name, mistakes)


def _place(document: Document, path: tuple[str | int, ...], at_key: bool) -> tuple[int, int]:
    key, value = find(document.root, path)
    node = key if at_key and key is not None else (value or key)
    return (node.line, node.column) if node is not None and node.line >= 0 else (0, 0)


def _invalid(source_name: str, mistakes: list[tuple[int, int, str, str | None]]) -> InvalidInput:
    ordered = sorted(mistakes, key=lambda mistake: mistake[:3])
    lines = [f"{source_name}:{line + 1}:{column + 1}: {message}" for line, column, message, _ in ordered]
    more = f" ({len(lines) - 1} more)" if len(lines) > 1 else ""
    return InvalidInput(
        "invalid-image-layout",
        f"The image layout is not valid: {lines[0]}{more}",
        hint=ordered[0][3] or "docs/image-layout.md lists every field.",
        details={"mistakes": lines},
    )
