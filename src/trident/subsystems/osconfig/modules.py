"""The step that configures the target's kernel modules (modules-load.d(5), modprobe.d(5))."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from trident.config.model import LoadMode
from trident.errors import InvalidInput, Servicing, TridentError
from trident.plan.step import Operation, Phase, Step

if TYPE_CHECKING:
    from trident.config.model import Module
    from trident.plan.session import Session

# The files that upstream writes too. What an image has in them already is kept and changed line by line.
LOAD = "/etc/modules-load.d/modules-load.conf"
DISABLED = "/etc/modprobe.d/modules-disabled.conf"
OPTIONS = "/etc/modprobe.d/module-options.conf"
_FILES = (LOAD, DISABLED, OPTIONS)


@dataclass(frozen=True, kw_only=True)
class ConfigureModules(Step):
    """Write which modules are loaded at boot, which never by themselves, and with which options.

    Attributes:
        modules: in the order of the configuration; it may be that one overrides another.
    """

    modules: tuple[Module, ...] = field(repr=False)

    @classmethod
    def compile(cls, modules: tuple[Module, ...]) -> Iterator[ConfigureModules]:
        """The step, if any module is configured."""
        if modules:
            yield cls(
                id="configure-modules",
                title=f"Configure the kernel modules {', '.join(module.name for module in modules)}",
                operation=Operation.STAGE,
                phase=Phase.CONFIGURE,
                touches=_FILES,
                modules=modules,
            )

    def run(self, session: Session) -> None:
        """Change the files."""
        configure_modules(session.mounted_newroot(), self.modules)


def check_modules(modules: Iterable[Module]) -> Iterator[TridentError]:
    """Names and options that would become something else in a file of words and lines."""
    for number, module in enumerate(modules):
        place = f"os.modules[{number}]"
        words = [module.name, *module.options, *module.options.values()]
        if not module.name or any(not word.isprintable() for word in words) or " " in module.name:
            yield InvalidInput(
                "invalid-module",
                f"{place}: the module {module.name!r} or an option of it has characters that a line of "
                "modprobe.d cannot hold.",
                hint="A module's name is one word, and an option one line.",
                details={"module": module.name},
            )
        if module.load_mode is LoadMode.DISABLE and module.options:
            yield InvalidInput(
                "disabled-module-options",
                f"{place}: the module '{module.name}' is disabled, so its options have no use.",
                hint="Remove 'options', or choose another 'loadMode'.",
                details={"module": module.name},
            )


def configure_modules(root: Path, modules: Iterable[Module]) -> None:
    """Configure modules of the system below ``root``. Running it again is fine.

    Raises:
        InvalidInput: ``disabled-module-options`` if a module with options inherits that it is disabled.
        Servicing: ``set-up-modules`` if a file cannot be read or written.
    """
    from trident.host.files import Tree

    tree = Tree(root)
    try:
        before = {path: (tree.read(path) or b"").decode(errors="surrogateescape") for path in _FILES}
        after = changed_files(before, modules)
        for path, text in after.items():
            if text != before[path]:
                tree.write(path, text.encode(errors="surrogateescape"))
    except OSError as error:
        raise Servicing(
            "set-up-modules", f"The target's kernel modules cannot be configured: {error.strerror}."
        ) from error


def changed_files(files: Mapping[str, str], modules: Iterable[Module]) -> dict[str, str]:
    """The content of the three files once ``modules`` are configured, by path.

    ``always`` loads a module at boot and ``auto`` lets the kernel do so when it sees the hardware; both
    lift a ban. ``disable`` bans it and takes it out of what is loaded at boot. ``inherit`` leaves all that
    to the image. Options that a module has already are kept unless they are given anew.

    Raises:
        InvalidInput: ``disabled-module-options``.
    """
    load, disabled, options = (files[path].splitlines() for path in _FILES)
    for module in modules:
        banned = [line for line in disabled if _is_ban(line, module.name)]
        if module.load_mode is LoadMode.DISABLE:
            load = [line for line in load if not _same(line.strip(), module.name)]
            disabled += [] if banned else [f"blacklist {module.name}"]
            continue
        if module.load_mode is not LoadMode.INHERIT:
            disabled = [line for line in disabled if line not in banned]
        elif banned and module.options:
            raise InvalidInput(
                "disabled-module-options",
                f"The module '{module.name}' is to have options, but the image disables it in {DISABLED}.",
                hint="Set 'loadMode: auto' or 'loadMode: always', which lifts that.",
                details={"module": module.name},
            )
        if module.load_mode is LoadMode.ALWAYS and not any(_same(line.strip(), module.name) for line in load):
            load.append(module.name)
        if module.options:
            options = _with_options(options, module)
    return {
        path: "".join(f"{line}\n" for line in lines)
        for path, lines in zip(_FILES, (load, disabled, options), strict=True)
    }


def _with_options(lines: list[str], module: Module) -> list[str]:
    """The lines with one for the module's options instead of those that it had."""
    merged: dict[str, str] = {}
    kept: list[str] = []
    for line in lines:
        words = line.split()
        if words[:1] == ["options"] and len(words) > 1 and _same(words[1], module.name):
            merged |= {word.partition("=")[0]: word for word in words[2:]}
        else:
            kept.append(line)
    merged |= {name: f"{name}={value}" for name, value in module.options.items()}
    return [*kept, " ".join(["options", module.name, *merged.values()])]


def _is_ban(line: str, name: str) -> bool:
    words = line.split()
    return len(words) == 2 and words[0] == "blacklist" and _same(words[1], name)


def _same(one: str, other: str) -> bool:
    """Whether two names are one module: the kernel takes ``-`` and ``_`` for the same (modprobe(8))."""
    return one.replace("-", "_") == other.replace("-", "_")
