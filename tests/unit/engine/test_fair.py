"""Fair shares: who goes next, by virtual time, lane and promise."""

import itertools
from collections import Counter

from darkroom.engine.fair import FairLine, Lane, Share

Line = FairLine[str, str]
NOW = 0.0


def serve(line: Line, batches: int, limit: int = 1, key: str = "k") -> list[str]:
    served: list[str] = []
    for _ in range(batches):
        served += [call for _, call in line.take(key, limit, 1.0, NOW)]
    return served


def fill(line: Line, name: str, count: int, lane: Lane = "interactive", key: str = "k") -> Share[str, str]:
    share = line.join(lane)
    for _ in range(count):
        line.push(share, key, name)
    return share


def test_equal_jobs_take_turns() -> None:
    line = Line()
    for name in "abc":
        fill(line, name, 10)
    assert Counter(serve(line, 9)) == {"a": 3, "b": 3, "c": 3}


def test_a_newcomer_is_served_within_one_round() -> None:
    line = Line()
    for name in "abc":
        fill(line, name, 100)
    serve(line, 60)
    fill(line, "new", 1)
    assert "new" in serve(line, 4)


def test_a_batch_is_shared_by_those_who_wait_for_the_same_key() -> None:
    line = Line()
    fill(line, "a", 10)
    fill(line, "b", 10)
    fill(line, "other", 10, key="x")
    assert Counter(serve(line, 1, limit=8)) == {"a": 4, "b": 4}


def test_bulk_keeps_a_fifth_however_many_are_interactive() -> None:
    line = Line()
    for _ in range(20):
        fill(line, "interactive", 200)
    fill(line, "bulk", 400, lane="bulk")
    served = Counter(serve(line, 500))
    assert 95 <= served["bulk"] <= 105


def test_an_endless_stream_of_newcomers_starves_nobody() -> None:
    line = Line()
    fill(line, "old", 100)
    served: list[str] = []
    for _ in range(200):
        while line.length < 105 - served.count("old"):  # five thumbnails always wait
            fill(line, "thumbnail", 1)
        served += serve(line, 1)
    assert served.count("old") >= 25


def test_who_must_start_now_to_keep_a_promise_goes_first() -> None:
    line = Line()
    fill(line, "a", 10)
    late = fill(line, "late", 3)
    serve(line, 4)
    late.latest_start = -1.0
    line.next_key(NOW)
    assert serve(line, 1) == ["late"]


def test_a_newcomer_gets_every_fourth_batch_beside_an_endangered_job() -> None:
    line = Line()
    fill(line, "endangered", 50).latest_start = -1.0
    fill(line, "newcomer", 50)
    served: list[str] = []
    for _ in range(40):
        assert line.next_key(NOW) == "k"
        served += serve(line, 1)
    assert served[:4].count("newcomer") == served[4:8].count("newcomer") == 1
    assert served.count("newcomer") == 10


UNITS = {"large": 1.0, "small": 0.1}
"""Device seconds of a unit, by batch key."""


def line_that_knows(units: dict[str, float]) -> Line:
    """An empty line on which one unit of each kind has run."""
    line = Line()
    for key, seconds in units.items():
        fill(line, "known", 1, key=key)
        line.take(key, 1, seconds, NOW)
    return line


def served_key(line: Line) -> str:
    """The key of the batch that runs next, one unit large."""
    key = line.next_key(NOW)
    assert key is not None
    line.take(key, 1, UNITS[key], NOW)
    return key


def test_a_newcomer_need_not_wait_for_all_whom_an_endangered_job_kept_waiting() -> None:
    line = line_that_knows(UNITS)
    fill(line, "endangered", 50, key="large").latest_start = -1.0
    for name in ("passed over", "passed over too"):
        fill(line, name, 50, key="large")
    assert [served_key(line) for _ in range(3)] == ["large"] * 3
    fill(line, "newcomer", 1, key="small")
    assert "small" in [served_key(line) for _ in range(4)]


def test_small_units_pass_large_ones_that_came_before() -> None:
    line = line_that_knows(UNITS)
    fill(line, "first", 1, key="large")
    fill(line, "second", 1, key="small")
    assert line.next_key(NOW) == "small"


def test_large_units_are_not_passed_for_ever() -> None:
    line = line_that_knows(UNITS)
    fill(line, "old", 1, key="large")
    fill(line, "new", 1, key="small")
    served = []
    for _ in range(40):
        served.append(served_key(line))
        fill(line, "new", 1, key="small")
    assert 5 <= served.index("large") <= 30


def test_idle_time_earns_no_credit() -> None:
    line = Line()
    sleeper = fill(line, "sleeper", 1)
    serve(line, 1)
    fill(line, "worker", 200)
    serve(line, 100)
    for _ in range(50):
        line.push(sleeper, "k", "sleeper")
    assert Counter(serve(line, 20)) == {"sleeper": 10, "worker": 10}


def test_a_lane_that_was_idle_starts_level() -> None:
    line = Line()
    fill(line, "interactive", 500)
    serve(line, 300)
    fill(line, "bulk", 500, lane="bulk")
    served = Counter(serve(line, 100))
    assert 15 <= served["bulk"] <= 25


def test_drop_takes_all_calls_of_one_job() -> None:
    line = Line()
    gone = fill(line, "gone", 5)
    fill(line, "stays", 2)
    assert len(line.drop(gone)) == 5
    assert line.length == 2
    assert set(itertools.chain(serve(line, 5))) == {"stays"}
    assert line.next_key(NOW) is None


def test_the_oldest_call_of_the_next_job_names_the_batch() -> None:
    line = Line()
    share = line.join("interactive")
    line.push(share, "first", "a")
    line.push(share, "second", "b")
    assert line.next_key(NOW) == "first"
