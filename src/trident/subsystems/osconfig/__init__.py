"""OS configuration: identity, users, ssh access, files, services, modules and SELinux of the target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from trident.plan.situation import Effect
from trident.plan.subsystem import EffectRule, Subsystem
from trident.state.status import ServicingType
from trident.subsystems.osconfig.files import CheckFiles, WriteFile
from trident.subsystems.osconfig.identity import CopyMachineId, WriteHostname
from trident.subsystems.osconfig.modules import ConfigureModules, check_modules
from trident.subsystems.osconfig.selinux import LabelFiles, SetSelinuxMode
from trident.subsystems.osconfig.services import SwitchServices
from trident.subsystems.osconfig.sshd import WriteSshdConfiguration
from trident.subsystems.osconfig.users import SetUpUser

if TYPE_CHECKING:
    from trident.errors import TridentError
    from trident.plan.situation import Situation
    from trident.plan.step import Step


_WRITTEN = Effect(ServicingType.AB_UPDATE, "it is written into a new target")


class OsConfigSubsystem(Subsystem):
    """Settings inside the target."""

    name = "osconfig"
    effects: ClassVar[Mapping[str, EffectRule]] = {
        "os.hostname": _WRITTEN,
        "os.users": _WRITTEN,
        "os.additionalFiles": _WRITTEN,
        "os.services": _WRITTEN,
        "os.modules": _WRITTEN,
        "os.selinux": _WRITTEN,
        "os.kernelCommandLine": Effect(ServicingType.AB_UPDATE, "a new target is booted with it"),
    }

    def check(self, situation: Situation) -> Iterable[TridentError]:
        """What no line of a file can say; files are looked at by a step before anything is changed."""
        return check_modules(situation.desired.os.modules) if situation.deploys else ()

    def tools(self, situation: Situation) -> Iterable[str]:
        """``useradd``, ``usermod``, ``systemctl`` and ``setfiles`` are the target's own."""
        inside = (SetUpUser, SwitchServices, LabelFiles)
        return {"chroot"} if any(isinstance(step, inside) for step in self.steps(situation)) else set()

    def steps(self, situation: Situation) -> Iterator[Step]:
        """Identity, then users, then files, which may be units of services; labels when all is written."""
        if not situation.deploys:
            return
        os = situation.desired.os
        yield from CheckFiles.compile(os.additional_files)
        yield from CopyMachineId.compile(situation)
        yield from WriteHostname.compile(situation)
        for user in os.users:
            yield SetUpUser.compile(user, keeps_uid=situation.servicing_type is ServicingType.AB_UPDATE)
        yield from WriteSshdConfiguration.compile(os.users)
        # Of several files for one place the last one stays there.
        for file in {file.destination: file for file in os.additional_files}.values():
            yield WriteFile.compile(file)
        yield from ConfigureModules.compile(os.modules)
        yield from SwitchServices.compile(os.services)
        yield from SetSelinuxMode.compile(os.selinux.mode)
        yield from LabelFiles.compile(situation)
