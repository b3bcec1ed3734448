"""Faces found in a turned picture, turned back."""

import numpy as np
import pytest

from darkroom.faces import alignment, turned
from darkroom.faces.alignment import template
from darkroom.faces.detection import Face

HEIGHT, WIDTH = 300, 480


def face(left: float = 40.0, top: float = 30.0, size: float = 120.0, score: float = 0.999) -> Face:
    box = np.array([left, top, left + size, top + size * 1.2], np.float32)
    return Face(box, (template(512) / 400 * size + (left, top)).astype(np.float32), score)


@pytest.mark.parametrize("angle", turned.ANGLES)
def test_a_face_is_where_it_was_in_the_picture_that_was_turned(angle: int) -> None:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    view = turned.upright(pixels, angle)
    seen = face()
    view[30:174, 40:160] = 200
    found = turned.turn_back(seen, angle, HEIGHT, WIDTH)
    rows, columns = np.nonzero(pixels[..., 0])
    assert found.box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert found.score == seen.score
    # whatever the angle, the aligned crop is the one of the upright picture
    assert found.angle % 360 == pytest.approx((seen.angle + angle) % 360, abs=0.01)
    inside = alignment.to_crop(found.landmarks, 128)
    placed = found.landmarks @ inside[:, :2].T + inside[:, 2]
    assert np.abs(placed - template(128)).max() < 0.1


def test_the_angle_is_clockwise_and_within_half_a_turn() -> None:
    points = template(512)
    for degrees in (-179, -90, -30, 0, 45, 90, 180):
        a = np.radians(degrees)
        clockwise = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        assert alignment.turn(points @ clockwise.T) == pytest.approx(degrees, abs=0.01)


def test_the_report_of_an_upright_face_has_no_minus_zero() -> None:
    report = face().report()
    assert set(report) == {"box", "landmarks", "score", "angle"}
    assert str(report["angle"]) == "0.0"


def test_only_sure_and_nearly_upright_finds_are_believed() -> None:
    leaning = turned.turn_back(face(), 90, HEIGHT, WIDTH)
    kept = turned.convincing([face(score=0.98), face(score=0.96), leaning])
    assert [found.score for found in kept] == [0.98]


def test_one_face_seen_at_two_angles_counts_once() -> None:
    weak, sure, other = face(score=0.93), face(left=45, score=0.999), face(left=300, score=0.95)
    assert turned.distinct([weak, sure, other]) == [sure, other]
    assert turned.distinct([]) == []


def test_a_large_picture_is_shrunk_before_it_is_searched() -> None:
    small, scale = turned.coarse(np.zeros((3000, 4000, 3), np.uint8))
    assert small.shape == (480, 640, 3)
    assert scale == pytest.approx(0.16)
    tiny = np.zeros((300, 4000, 3), np.uint8)
    assert turned.coarse(tiny) == (tiny, 1.0)
