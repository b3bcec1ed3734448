"""How often and how soon a reload or a restart is tried again."""

from darkroom.server.backoff import Attempt, Backoff


def test_the_first_try_is_at_once_and_each_later_one_waits_twice_as_long() -> None:
    backoff = Backoff(limit=6, first_s=1.0, most_s=5.0, calm_s=60.0)
    attempts = [backoff.next(100.0) for _ in range(6)]
    assert attempts == [
        Attempt(1, 0.0),
        Attempt(2, 1.0),
        Attempt(3, 2.0),
        Attempt(4, 4.0),
        Attempt(5, 5.0),
        Attempt(6, 5.0),
    ]


def test_after_the_limit_there_is_no_try_however_long_the_failures_took() -> None:
    backoff = Backoff(limit=2, first_s=1.0, most_s=5.0, calm_s=60.0)
    assert backoff.next(0.0)
    backoff.touch(500.0)  # a load that failed after minutes
    assert backoff.next(510.0) == Attempt(2, 1.0)
    backoff.touch(1000.0)
    assert backoff.next(1001.0) is None
    assert backoff.next(1059.0) is None


def test_a_calm_makes_it_count_anew() -> None:
    backoff = Backoff(limit=1, first_s=1.0, most_s=5.0, calm_s=60.0)
    assert backoff.next(0.0)
    backoff.touch(2.0)
    assert backoff.next(62.0) is None
    assert backoff.next(62.1) == Attempt(1, 0.0)


def test_mended_by_hand_it_counts_anew() -> None:
    backoff = Backoff(limit=1, first_s=1.0, most_s=5.0, calm_s=60.0)
    assert backoff.next(0.0)
    assert backoff.next(1.0) is None
    backoff.forget()
    assert backoff.next(1.0) == Attempt(1, 0.0)
