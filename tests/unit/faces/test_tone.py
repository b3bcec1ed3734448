import numpy as np
import pytest
from skimage import data

from darkroom.faces import tone


@pytest.mark.parametrize(("side", "given_side"), [(512, 128), (512, 512), (256, 64)])
def test_a_colour_cast_is_taken_out_and_detail_stays(side: int, given_side: int) -> None:
    import cv2

    face = cv2.resize(data.astronaut()[10:220, 120:330], (side, side), interpolation=cv2.INTER_AREA)
    given_face = cv2.resize(face, (given_side, given_side), interpolation=cv2.INTER_AREA)
    cast = np.clip(face.astype(int) + np.array([12, -6, 9]), 0, 255).astype(np.uint8)
    toned = tone.match(cast, given_face).astype(int)
    inside = (cast > 0) & (cast < 255)
    assert np.abs(toned - face)[inside].mean() < 0.6


def test_nothing_changes_where_the_tones_agree() -> None:
    flat = np.full((256, 256, 3), 77, np.uint8)
    np.testing.assert_array_equal(tone.match(flat, flat[:64, :64]), flat)
