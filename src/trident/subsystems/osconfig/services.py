"""The step that says which services of the target start at boot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from trident.errors import InvalidInput, Servicing
from trident.host.units import UNIT_LINKS
from trident.plan.step import Operation, Phase, Step

if TYPE_CHECKING:
    from trident.config.model import Services
    from trident.plan.session import Session


@dataclass(frozen=True, kw_only=True)
class SwitchServices(Step):
    """Enable and disable services of the target, with the target's own ``systemctl``.

    Attributes:
        enable: units to start at boot.
        disable: units not to start at boot; done after the others, so that they win.
    """

    enable: tuple[str, ...]
    disable: tuple[str, ...]

    @classmethod
    def compile(cls, services: Services) -> Iterator[SwitchServices]:
        """The step, if any service is configured."""
        if not (services.enable or services.disable):
            return
        verbs = (("enable", services.enable), ("disable", services.disable))
        title = " and ".join(f"{verb} {', '.join(names)}" for verb, names in verbs if names)
        yield cls(
            id="switch-services",
            title=title[0].upper() + title[1:],
            operation=Operation.STAGE,
            phase=Phase.CONFIGURE,
            touches=(UNIT_LINKS,),
            enable=services.enable,
            disable=services.disable,
        )

    def run(self, session: Session) -> None:
        """Set and remove the links."""
        switch_services(session.mounted_newroot(), self.enable, self.disable)


def switch_services(root: Path, enable: tuple[str, ...], disable: tuple[str, ...]) -> None:
    """Enable and disable units of the system below ``root``. Running it again is fine.

    Raises:
        InvalidInput: ``service-not-found``, naming every unit that the system does not have.
        Servicing: ``set-up-services`` if ``systemctl`` refuses for another reason.
    """
    from trident.host.units import switch_unit

    wanted: list[tuple[Literal["enable", "disable"], str]] = [
        *(("enable", name) for name in enable),
        *(("disable", name) for name in disable),
    ]
    missing: list[str] = []
    for verb, name in wanted:
        try:
            if not switch_unit(root, verb, name):
                missing.append(name)
        except Servicing as error:
            raise Servicing(
                "set-up-services",
                f"The service '{name}' cannot be {verb}d. {error.message}",
                details={"service": name},
            ) from error
    if missing:
        names = ", ".join(f"'{name}'" for name in dict.fromkeys(missing))
        raise InvalidInput(
            "service-not-found",
            f"The image has no service {names}, which 'os.services' wants to enable or disable.",
            hint="Install it in the image, or bring its unit with 'os.additionalFiles'. "
            "Names are those that 'systemctl list-unit-files' prints.",
            details={"services": list(dict.fromkeys(missing))},
        )
