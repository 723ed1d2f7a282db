"""The corpus of the fuzzing, replayed: ``./dev fuzz`` makes inputs of its own from these."""

from __future__ import annotations

import pytest

from tests.fuzz import corpus, targets


@pytest.mark.parametrize("target", targets.TARGETS)
@pytest.mark.parametrize("name", corpus.inputs())
def test_a_target_bears_every_input_of_the_corpus(target: str, name: str) -> None:
    targets.run(target, corpus.inputs()[name])
