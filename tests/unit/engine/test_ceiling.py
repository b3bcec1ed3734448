"""How batches shrink when the memory is short, and how they grow again."""

import itertools

from darkroom.engine.ceiling import HOLD_S, LONGEST_HOLD_S, Ceilings


def run(ceilings: Ceilings, fits: int, now: float, most: int = 32) -> list[int]:
    """One batch as large as allowed, where `fits` units fit: the sizes that were tried."""
    tried = []
    while True:
        units = ceilings.units("k", most)
        tried.append(units)
        if units <= fits:
            ceilings.fitted("k", units, most, now)
            return tried
        ceilings.lower("k", units, now)


def test_a_batch_that_does_not_fit_is_halved_down_to_one() -> None:
    ceilings = Ceilings()
    assert ceilings.units("k", 32) == 32
    assert run(ceilings, fits=1, now=0.0) == [32, 16, 8, 4, 2, 1]
    assert ceilings.units("k", 32) == 1
    assert ceilings.units("another", 32) == 32


def test_a_bound_holds_for_a_while_and_is_raised_step_by_step() -> None:
    ceilings = Ceilings()
    run(ceilings, fits=6, now=0.0)
    assert run(ceilings, fits=6, now=HOLD_S - 1) == [4]
    sizes = [run(ceilings, fits=32, now=second)[-1] for second in range(int(HOLD_S), int(20 * HOLD_S), 10)]
    assert sizes == sorted(sizes)
    assert all(after - before <= max(1, before // 4) for before, after in itertools.pairwise(sizes))
    assert sizes[-1] == 32


def test_a_bound_met_again_falls_back_to_what_fitted_and_is_tried_less_often() -> None:
    ceilings, tried_too_much = Ceilings(), []
    for second in range(3 * 3600):
        sizes = run(ceilings, fits=6, now=float(second))
        assert sizes[-1] <= 6
        if len(sizes) > 1 and second:
            tried_too_much.append(second)
            assert sizes == [7, 6]
    gaps = [after - before for before, after in itertools.pairwise(tried_too_much)]
    assert gaps == sorted(gaps)
    assert LONGEST_HOLD_S <= gaps[-1] <= LONGEST_HOLD_S + 2


def test_a_batch_that_was_on_its_way_does_not_lower_twice() -> None:
    ceilings = Ceilings()
    ceilings.lower("k", 32, 0.0)
    ceilings.lower("k", 32, 0.0)
    assert ceilings.units("k", 32) == 16


def test_small_batches_raise_nothing() -> None:
    ceilings = Ceilings()
    ceilings.lower("k", 32, 0.0)
    for _ in range(100):
        ceilings.fitted("k", 3, 32, 10 * HOLD_S)
    assert ceilings.units("k", 32) == 16
