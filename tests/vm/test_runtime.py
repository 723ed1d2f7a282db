"""Runtime updates: extensions and the network change while the machine works on, or nothing changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from lab import extensions, life
from lab.extensions import confext, sysext
from lab.host_configuration import NOTHING, Additions
from lab.http import Server
from lab.images import Image
from lab.machine import Machine
from tests.vm.watch import ADDRESS, HOST, PING, Work, apply, failed, last_error, left_over, put

pytestmark = pytest.mark.vm

TOOL = "lab-tool 2>/dev/null || echo none"
SETTINGS = "cat /etc/lab-settings 2>/dev/null || echo none"
ADDRESSES = "ip -oneline -4 address show"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture(scope="module")
def host(v1: Image) -> Iterator[Machine]:
    """A machine that runs v1 from A, without extensions. Every test leaves it so."""
    with life.installed(v1).resume("runtime") as machine:
        yield machine


@pytest.fixture
def work(host: Machine) -> Iterator[Work]:
    """A process that must live through the test."""
    work = Work.start(host)
    yield work
    work.assert_undisturbed()


def state(machine: Machine) -> tuple[str, str, bool]:
    """Versions of the tool and of the settings, and whether the machine has its second address."""
    told = machine.read(f"{TOOL}; {SETTINGS}; {ADDRESSES}")
    tool, settings, addresses = told.split("\n", 2)
    return tool, settings, ADDRESS in addresses


def done(machine: Machine, server: Server, v1: Image, additions: Additions) -> None:
    result = apply(machine, v1, server, additions)
    assert result.returncode == 0, result.stderr
    assert yaml.safe_load(machine.read("trident get"))["servicingState"] == "provisioned"


def test_extensions_and_the_network_come_change_and_go_while_work_goes_on(
    host: Machine, server: Server, v1: Image, work: Work
) -> None:
    before = left_over(host)
    put(host, v1, server, Additions(sysexts=[sysext(1)]))
    plan = host.read(f"trident plan {HOST}")
    assert "runtime-update" in plan
    assert "os.sysexts" in plan, "the reason is shown"

    done(host, server, v1, Additions(sysexts=[sysext(1)]))
    assert state(host) == ("1", "none", False)

    everything = Additions(sysexts=[sysext(2)], confexts=[confext(1)], wired={"addresses": [ADDRESS]})
    done(host, server, v1, everything)
    assert state(host) == ("2", "1", True)
    assert "Nothing to do" in apply(host, v1, server, everything).stdout

    # The confext stays, which makes /etc read-only, while the network changes beneath it.
    done(host, server, v1, Additions(confexts=[confext(2)]))
    assert state(host) == ("none", "2", False)

    done(host, server, v1, NOTHING)
    assert state(host) == ("none", "none", False)
    host.run("touch /etc/writable && rm /etc/writable")
    assert left_over(host) == before


def test_a_failed_health_check_takes_everything_back(
    host: Machine, server: Server, v1: Image, work: Work
) -> None:
    done(host, server, v1, Additions(sysexts=[sysext(1)]))
    before = yaml.safe_load(host.read("trident get"))

    check = {"name": "tool", "runOn": ["runtime-update"], "content": "lab-tool --check\n"}
    broken = Additions(
        sysexts=[sysext(2, works=False)],
        confexts=[confext(1)],
        wired={"addresses": [ADDRESS]},
        checks=[check],
    )
    failed(apply(host, v1, server, broken), "health-checks-failed")

    assert state(host) == ("1", "none", False)
    after = yaml.safe_load(host.read("trident get"))
    assert after["servicingState"] == "provisioned"
    assert after["spec"] == before["spec"]
    error = last_error(host)
    assert error["category"] == "health-checks"
    assert "lab-tool 2 is broken" in str(error)
    logs = host.read("cat /var/lib/trident/trident-health-check-failure-*.log")
    assert "lab-tool 2 is broken" in logs

    # Mended, the same update goes through, and the error is forgotten.
    done(host, server, v1, Additions(sysexts=[sysext(2)], confexts=[confext(1)], checks=[check]))
    assert state(host) == ("2", "1", False)
    assert "lastError" not in yaml.safe_load(host.read("trident get"))
    done(host, server, v1, NOTHING)


def test_a_network_that_is_cut_comes_back(host: Machine, server: Server, v1: Image, work: Work) -> None:
    cut = Additions(wired={"dhcp4": False, "addresses": [ADDRESS]}, checks=[PING])

    failed(apply(host, v1, server, cut), "health-checks-failed")

    assert state(host) == ("none", "none", False)
    host.run("ping -c 1 -W 5 10.0.2.2")
    assert "gateway" in str(last_error(host))


# The module is not loaded before the first extension; nothing else in the machine needs it.
_NO_OVERLAY = "mkdir -p /run/modprobe.d; echo 'install overlay /bin/false' > /run/modprobe.d/no-overlay.conf"


def test_a_refresh_that_fails_takes_everything_back(runs_v1: Machine, server: Server, v1: Image) -> None:
    """Not in PATH, but in the kernel: it cannot mount an overlay."""
    machine = runs_v1
    work = Work.start(machine)
    machine.run(f"{_NO_OVERLAY}; ! grep -w overlay /proc/filesystems")

    result = apply(machine, v1, server, Additions(sysexts=[sysext(1)], wired={"addresses": [ADDRESS]}))

    assert result.returncode == 2, result.stderr
    assert "systemd-sysext" in result.stderr
    assert state(machine) == ("none", "none", False)
    assert machine.read("ls -A /var/lib/extensions 2>/dev/null | grep raw || true") == ""
    assert yaml.safe_load(machine.read("trident get"))["servicingState"] == "provisioned"
    assert "systemd-sysext" in str(last_error(machine))

    machine.run("rm /run/modprobe.d/no-overlay.conf")
    done(machine, server, v1, Additions(sysexts=[sysext(1)]))
    assert state(machine) == ("1", "none", False)
    work.assert_undisturbed()


@pytest.mark.parametrize(
    "extension",
    [
        pytest.param(extensions.of_another_distribution, id="for another distribution"),
        pytest.param(extensions.with_os_release, id="with an os-release of its own"),
    ],
)
def test_an_extension_that_systemd_would_leave_out_is_refused(
    host: Machine, server: Server, v1: Image, work: Work, extension: object
) -> None:
    assert callable(extension)
    before = yaml.safe_load(host.read("trident get status"))

    result = apply(host, v1, server, Additions(sysexts=[extension()]))

    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert state(host) == ("none", "none", False)
    after = yaml.safe_load(host.read("trident get status"))
    assert (after["servicingState"], after["spec"]) == ("provisioned", before["spec"])


def test_a_staged_extension_that_was_damaged_is_refused(
    host: Machine, server: Server, v1: Image, work: Work
) -> None:
    wanted = Additions(sysexts=[sysext(5)])
    assert apply(host, v1, server, wanted, "stage").returncode == 0
    store = f"/var/lib/trident-extensions/sysexts/{sysext(5).sha384}"
    host.run(f"printf x | dd of={store}/lab-tool.raw bs=1 seek=2000 conv=notrunc")

    failed(apply(host, v1, server, wanted, "finalize"), "staged-not-whole")

    assert state(host) == ("none", "none", False)
    assert yaml.safe_load(host.read("trident get"))["servicingState"] == "provisioned"
    done(host, server, v1, wanted)
    assert state(host) == ("5", "none", False)
    done(host, server, v1, NOTHING)


def test_staged_today_finalized_after_a_reboot(runs_v1: Machine, server: Server, v1: Image) -> None:
    machine = runs_v1
    done(machine, server, v1, Additions(sysexts=[sysext(1)]))
    staged = Additions(sysexts=[sysext(2)], confexts=[confext(1)], wired={"addresses": [ADDRESS]})
    # Staging again replaces what was staged.
    assert apply(machine, v1, server, Additions(sysexts=[sysext(3)]), "stage").returncode == 0
    assert apply(machine, v1, server, staged, "stage").returncode == 0
    fetched = server.bytes_served()
    assert state(machine) == ("1", "none", False)

    machine.reboot()

    status = life.standing(machine)
    assert status.servicing_state == "runtime-update-staged"
    assert state(machine) == ("1", "none", False), "what was merged before is merged at boot"
    result = apply(machine, v1, server, staged, "finalize")
    assert result.returncode == 0, result.stderr
    assert state(machine) == ("2", "1", True)
    assert life.standing(machine).servicing_state == "provisioned"
    assert server.bytes_served() == fetched, "nothing is fetched twice"
