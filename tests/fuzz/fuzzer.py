"""The process that fuzzes: libFuzzer through atheris. Started by ``__main__``."""

from __future__ import annotations

import hashlib
import random
import sys
import traceback
from pathlib import Path

import atheris

from tests.fuzz import corpus

_MOST_BYTES = 8192
_MOST_MEBIBYTES = 512  # the interpreter with its instrumentation, and the promised 256
_BLIND_SHARE = 0.25  # of the mutations: libFuzzer's own, which know nothing of YAML


def main(target: str, seconds: str, work: Path) -> None:
    """Fuzz one target. Never returns: libFuzzer ends the process."""
    _import_instrumented()
    from tests.fuzz import mutator, targets

    findings, grown = work / "findings" / target, work / "corpus" / target
    grown.mkdir(parents=True, exist_ok=True)
    seeds = [*corpus.inputs().values()]
    for number, data in enumerate(seeds):
        (grown / f"seed-{number:03}").write_bytes(data)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        if random.Random(seed).random() < _BLIND_SHARE:
            return bytes(atheris.Mutate(data, most))
        return mutator.mutated(data, seed, most, seeds)

    def one_input(data: bytes) -> None:
        try:
            targets.run(target, data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding, and the search goes on
            _keep(error, data, findings)

    options = [
        f"-max_total_time={seconds}", f"-max_len={_MOST_BYTES}", f"-rss_limit_mb={_MOST_MEBIBYTES}",
        "-timeout=60", f"-artifact_prefix={findings}/", "-print_final_stats=1", str(grown),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], one_input, custom_mutator=mutate)
    atheris.Fuzz()


def _import_instrumented() -> None:
    """Import the agent, with what its functions import late, so that coverage is seen."""
    with atheris.instrument_imports(include=["trident", "yaml"]):
        import trident.config.load
        import trident.config.reference.explain
        import trident.config.report
        import trident.config.rules  # noqa: F401 - they are imported to be instrumented


def _keep(error: Exception, data: bytes, findings: Path) -> None:
    """Keep the shortest input for every way to fail: the kind of error and where it was raised."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    words = str(error).split(" ")[0] if isinstance(error, AssertionError) else ""
    way = f"{type(error).__name__}-{Path(place.filename).stem}-{place.lineno}-{words}"
    path = findings / hashlib.sha256(way.encode()).hexdigest()[:12]
    if not path.exists() or len(data) < path.stat().st_size:
        if not path.exists():
            print(f"found: {way}: {error}", file=sys.stderr)  # noqa: T201 - this is its output
        path.write_bytes(data)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
