"""Pictures of the kinds that users send, in this process, on a device that computes nothing: exact and quick."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perf.field.ask import InProcess
from perf.field.judge import judge
from perf.field.kinds import KINDS

NEED_NETWORKS = {"graphics", "photos", "flats", "denoising", "faces", "large"}
"""Kinds that only the slow test judges: a simulated device answers nothing worth looking at."""


@pytest.fixture(scope="module")
def in_process(repository: Path) -> Iterator[InProcess]:
    with InProcess("simulated", repository) as asker:
        yield asker


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - NEED_NETWORKS))
def test_every_quick_case_of_a_kind_is_right(kind: str, in_process: InProcess) -> None:
    cases = [case for case in KINDS[kind]() if case.quick]
    verdicts = [verdict for case in cases for verdict in judge(case, in_process, first_only=True)]
    wrong = [
        f"{verdict.case.label}, {verdict.way.label}: {verdict.figure}" for verdict in verdicts if not verdict.right
    ]
    assert len(verdicts) >= 10
    assert not wrong, "\n".join(wrong)
