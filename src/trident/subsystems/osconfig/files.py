"""Steps that put additional files on the target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

from trident.errors import InvalidInput, Servicing
from trident.plan.step import Operation, Phase, Step

if TYPE_CHECKING:
    from trident.config.model import AdditionalFile
    from trident.plan.session import Session

_DEFAULT_MODE = 0o644


@dataclass(frozen=True, kw_only=True)
class CheckFiles(Step):
    """See that the files to copy can be read, while nothing has been changed yet.

    Attributes:
        sources: files on the servicing OS.
    """

    sources: tuple[str, ...]

    @classmethod
    def compile(cls, files: Iterable[AdditionalFile]) -> Iterator[CheckFiles]:
        """The step, if any file comes from the servicing OS."""
        sources = tuple(file.source for file in files if file.source is not None)
        if sources:
            yield cls(
                id="check-additional-files",
                title=f"See that {len(sources)} additional files can be read",
                operation=Operation.STAGE,
                phase=Phase.PRE_SERVICING,
                sources=sources,
            )

    def run(self, session: Session) -> None:
        """Open each file."""
        for source in self.sources:
            try:
                with Path(source).open("rb"):
                    pass
            except OSError as error:
                raise _unreadable(source, error) from error


@dataclass(frozen=True, kw_only=True)
class WriteFile(Step):
    """Put a file on the target, owned by root.

    Attributes:
        destination: absolute path on the target.
        source: file on the servicing OS to copy, or ``None``.
        content: what to write, or ``None``; it may be secret, so it is never shown.
        permissions: octal mode; else that of the source, else 0644.
    """

    destination: str
    source: str | None
    content: str | None = field(repr=False)
    permissions: str | None

    @classmethod
    def compile(cls, file: AdditionalFile) -> WriteFile:
        """The step."""
        return cls(
            id=f"write-file:{file.destination}",
            title=f"Write {file.destination}" + (f" from {file.source}" if file.source else ""),
            operation=Operation.STAGE,
            phase=Phase.CONFIGURE,
            touches=(file.destination,),
            destination=file.destination,
            source=file.source,
            content=file.content,
            permissions=file.permissions,
        )

    def run(self, session: Session) -> None:
        """Write it whole; a link on the way cannot lead out of the target."""
        from trident.host.files import Tree

        tree = Tree(session.mounted_newroot())
        mode = int(self.permissions, 8) if self.permissions is not None else None
        try:
            if self.content is not None:
                tree.write(self.destination, self.content, mode=_DEFAULT_MODE if mode is None else mode)
                return
            with _open(str(self.source)) as source:
                own_mode = Path(source.name).stat().st_mode & 0o7777
                tree.write(self.destination, source, mode=own_mode if mode is None else mode)
        except OSError as error:
            raise Servicing(
                "write-additional-file",
                f"{self.destination} of the target cannot be written: {error.strerror}.",
                details={"file_name": self.destination},
            ) from error


def _open(source: str) -> BufferedReader:
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise _unreadable(source, error) from error


def _unreadable(source: str, error: OSError) -> InvalidInput:
    return InvalidInput(
        "invalid-host-configuration-dynamic",
        f"The additional file {source} cannot be read: {error.strerror}.",
        details={"inner": {"load-additional-file": {"path": source}}},
    )
