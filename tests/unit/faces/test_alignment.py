import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.faces import alignment


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


@settings(max_examples=60, deadline=None)
@given(st.floats(-3.1, 3.1), st.floats(0.05, 20), st.floats(-500, 500), st.floats(-500, 500))
def test_a_similarity_is_found_again(angle: float, scale: float, x: float, y: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    source = alignment.template(512)
    found = alignment.similarity(source, source @ turn.T + (x, y))
    np.testing.assert_allclose(found, np.column_stack([turn, (x, y)]), atol=1e-6)
    assert alignment.magnification(found) == pytest.approx(scale)


def test_a_mirrored_face_is_turned_but_never_mirrored() -> None:
    source = alignment.template(512) * (-1, 1)
    assert np.linalg.det(alignment.similarity(source, alignment.template(512))[:, :2]) > 0


def test_noise_is_averaged_out() -> None:
    target = alignment.template(512)
    source = target + np.random.default_rng(0).normal(0, 3, target.shape)
    matrix = alignment.similarity(source, target)
    best = np.square(apply(matrix, source) - target).sum()
    for nudge in np.random.default_rng(1).normal(0, 1e-3, (20, 2, 2)):
        turned = matrix.copy()
        turned[:, :2] += [[nudge[0, 0], -nudge[0, 1]], [nudge[0, 1], nudge[0, 0]]]
        turned[:, 2] += nudge[1]
        assert np.square(apply(turned, source) - target).sum() >= best


def test_coinciding_landmarks_are_refused() -> None:
    with pytest.raises(ValueError, match="coincide"):
        alignment.similarity(np.full((5, 2), 7.0), alignment.template(512))


def test_invert_and_scaled_and_corners_agree() -> None:
    matrix = alignment.to_crop(alignment.template(100) + np.array([30, 40]), 512)
    np.testing.assert_allclose(alignment.corners(matrix, 512)[0], (30, 40), atol=1e-9)
    np.testing.assert_allclose(alignment.corners(matrix, 512)[2], (130, 140), atol=1e-9)
    double = alignment.scaled(matrix, before=2, after=0.5)
    np.testing.assert_allclose(apply(double, np.array([[60.0, 80.0]])), [[0, 0]], atol=1e-9)
    points = np.random.default_rng(0).uniform(0, 99, (4, 2))
    np.testing.assert_allclose(apply(alignment.invert(matrix), apply(matrix, points)), points, atol=1e-9)
