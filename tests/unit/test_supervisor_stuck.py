"""When a model is reloaded, and when it is only busy."""

from typing import Any

import pytest

from darkroom.server.canary import Probe, Verdict
from darkroom.server.model_watch import ModelWatch
from darkroom.server.policy import Policy
from darkroom.server.stuck import why_stuck

POLICY = Policy()
PASSED, REFUSED, MUTE = Probe(Verdict.PASSED), Probe(Verdict.REFUSED), Probe(Verdict.MUTE)


def engine(**changes: Any) -> dict[str, Any]:
    """What an engine at work wrote a moment before 1000 s."""
    return {
        "written_at": 999.8,
        "loop_silent_s": 0.3,
        "slowest_batch_s": 0.4,
        "slowest_batch_expected_s": 0.5,
        "batches": 7.0,
        "jobs_waiting": 200,
        "backlog_s": 900.0,
        **changes,
    }


def test_a_long_line_is_no_reason() -> None:
    assert why_stuck(engine(), 1000.0, POLICY) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"written_at": 985.0}, "it has given no sign of life for 15 s"),
        ({"loop_silent_s": 12.0}, "its event loop has not answered for 12 s"),
        (
            {"slowest_batch_s": 40.0, "slowest_batch_expected_s": 0.5},
            "a batch of about 0.5 s has been on the device for 40 s",
        ),
    ],
)
def test_an_engine_that_is_silent_deaf_or_late_is_stuck(changes: dict[str, float], why: str) -> None:
    assert why_stuck(engine(**changes), 1000.0, POLICY) == why


@pytest.mark.parametrize(
    ("took", "expected", "stuck"), [(29.0, 0.1, False), (31.0, 0.1, True), (59.0, 3.0, False), (61.0, 3.0, True)]
)
def test_a_batch_may_take_thirty_seconds_or_twenty_times_its_estimate(
    took: float, expected: float, stuck: bool
) -> None:
    late = engine(slowest_batch_s=took, slowest_batch_expected_s=expected)
    assert (why_stuck(late, 1000.0, POLICY) is not None) == stuck


def test_refused_canaries_mean_busy_while_batches_go_on() -> None:
    watch = ModelWatch(POLICY)
    for second in range(300):
        assert watch.hear("1", REFUSED if second % 2 else MUTE, float(second)) is None
        assert watch.look("1", engine(batches=second // 20, written_at=second), float(second)) is None
    assert watch.state == "busy"


def test_unanswered_canaries_without_a_batch_for_a_minute_are_trouble() -> None:
    watch = ModelWatch(POLICY)
    for second in range(60):
        watch.hear("1", MUTE, float(second))
        assert watch.look("1", engine(written_at=second), float(second)) is None
    trouble = watch.look("1", engine(written_at=61), 61.0)
    assert trouble is not None
    assert trouble.stuck
    assert trouble.why == "it has not answered for 61 s"


def test_a_model_without_an_engine_is_judged_by_its_canary_alone() -> None:
    watch = ModelWatch(POLICY)
    watch.hear("1", MUTE, 0.0)
    assert watch.look("1", None, 59.0) is None
    assert watch.look("1", None, 61.0) is not None
    watch.hear("1", PASSED, 62.0)
    assert watch.look("1", None, 200.0) is None


def test_three_errors_in_a_row_are_trouble_and_two_are_not() -> None:
    watch = ModelWatch(POLICY)
    failed = Probe(Verdict.FAILED, "out of order")
    for verdict in (failed, failed, PASSED, failed, failed):
        assert watch.hear("1", verdict, 0.0) is None
    assert watch.state == "failing"
    trouble = watch.hear("1", failed, 0.0)
    assert trouble is not None
    assert (trouble.why, trouble.stuck) == ("its canary failed 3 times (out of order)", False)


def test_versions_are_judged_apart() -> None:
    watch = ModelWatch(POLICY)
    failed = Probe(Verdict.FAILED, "out of order")
    for _ in range(2):
        assert watch.hear("1", failed, 0.0) is None
        assert watch.hear("2", failed, 0.0) is None
    watch.keep(["2"])
    assert watch.hear("1", failed, 0.0) is None
    assert watch.hear("2", failed, 0.0) is not None


def test_a_version_without_a_process_is_trouble_at_the_second_look() -> None:
    watch = ModelWatch(POLICY)
    assert watch.miss("1", living=1) is None
    assert watch.miss("1", living=0) is None
    assert watch.miss("1", living=1) is None
    assert watch.miss("1", living=0) is None
    assert watch.miss("1", living=0) is not None
