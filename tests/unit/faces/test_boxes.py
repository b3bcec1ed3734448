import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.faces import boxes


def array(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def test_suppression_keeps_the_best_of_each_cluster() -> None:
    cluster = array((0, 0, 10, 10), (1, 0, 11, 10), (50, 50, 60, 60))
    kept = boxes.suppress(cluster, np.array([0.7, 0.9, 0.8], np.float32), 0.5)
    assert kept.tolist() == [1, 2]


def test_suppression_over_the_smaller_removes_nested_boxes() -> None:
    nested = array((0, 0, 100, 100), (40, 40, 60, 60))
    scores = np.array([0.9, 0.8], np.float32)
    assert boxes.suppress(nested, scores, 0.7).tolist() == [0, 1]
    assert boxes.suppress(nested, scores, 0.7, over="smaller").tolist() == [0]


def test_equal_scores_keep_their_order() -> None:
    row = array(*((20.0 * i, 0, 20.0 * i + 10, 10) for i in range(30)))
    assert boxes.suppress(row, np.ones(30, np.float32), 0.5).tolist() == list(range(30))


def test_suppression_of_nothing_is_nothing() -> None:
    assert boxes.suppress(array(), np.zeros(0, np.float32), 0.5).size == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_survivors_overlap_no_more_than_allowed(seed: int, count: int) -> None:
    dice = np.random.default_rng(seed)
    corner = dice.uniform(0, 50, (count, 2))
    found = np.concatenate([corner, corner + dice.uniform(5, 40, (count, 2))], axis=1).astype(np.float32)
    kept = found[boxes.suppress(found, dice.uniform(0, 1, count).astype(np.float32), 0.4)]
    for i, one in enumerate(kept):
        for other in kept[i + 1 :]:
            shared = np.prod(np.maximum(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0))
            union = np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - shared
            assert shared <= 0.4 * union + 1e-3


def test_shift_moves_edges_in_widths_and_heights() -> None:
    offsets = np.array([[0.1, -0.2, 0.3, 0.5]], np.float32)
    np.testing.assert_allclose(boxes.shift(array((10, 10, 30, 50)), offsets), [[12, 2, 36, 70]], rtol=1e-6)


def test_square_keeps_the_centre_and_the_longer_side() -> None:
    np.testing.assert_allclose(boxes.square(array((0, 0, 10, 30))), [[-10, 0, 20, 30]])


def test_outlines_are_whole_pixels_and_tell_what_lies_outside() -> None:
    several = array((-3.5, 2.7, 8.9, 20), (9, 0, 20, 5), (-5, 0, 0.5, 5), (2.2, 3, 2.8, 9))
    edges, shown = boxes.outlines(several, height=12, width=9)
    assert edges[0].tolist() == [-4, 2, 8, 20]
    assert shown.tolist() == [True, False, False, False]
