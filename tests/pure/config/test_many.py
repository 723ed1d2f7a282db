"""Ten thousand of anything are judged within two seconds of processor time and 256 MiB, right or wrong.

All cases run in one process, as starting one costs more than judging. The kernel holds it to the limits.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from functools import cache

import pytest

from tests.pure.config.many import CASES

SECONDS = 3  # two, and the whole second that the kernel counts in
MEBIBYTE = 1 << 20
ADDRESS_SPACE = 400 * MEBIBYTE  # what a Python that has loaded everything maps, and the promised 256

JUDGE_ALL = f"""
import json, math, resource, time
from tests.pure.config.many import CASES
from trident.config.load import judge_host_configuration

for name, (text, _code) in CASES.items():
    limit = math.ceil(time.process_time()) + {SECONDS}
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
    problems = judge_host_configuration(text, "many.yaml").problems
    codes = sorted({{problem.code for problem in problems if problem.severity == "error"}})
    print(json.dumps([name, codes]), flush=True)
"""


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


@cache
def judged() -> dict[str, list[str]]:
    """The codes of the errors of each case that was judged before a limit ended the process."""
    done = subprocess.run(
        [sys.executable, "-c", JUDGE_ALL],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        preexec_fn=limit_memory,
    )
    return dict(json.loads(line) for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", CASES)
def test_ten_thousand_of_a_kind_are_judged_within_bounds(name: str) -> None:
    _text, code = CASES[name]
    assert name in judged(), "the process was ended by a limit here, or before"
    codes = judged()[name]
    if code:
        assert {code, "too-many-mistakes"} <= {*codes}  # of all mistakes, the first thousand are shown
    else:
        assert codes == []
