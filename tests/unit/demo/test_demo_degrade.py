"""The recipes that make good photos bad."""

import numpy as np
import pytest
from PIL import Image

from demo import degrade
from demo.photos import PHOTOS, photo


def gradient(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(7).integers(40, 216, (height, width, 3), np.uint8)


def test_whole_cuts_right_and_bottom_only() -> None:
    pixels = gradient(19, 26)
    np.testing.assert_array_equal(degrade.whole(pixels), pixels[:16, :24])


def test_shrink_and_enlarge_are_pillows_bicubic() -> None:
    pixels = gradient(32, 48)
    small = degrade.shrink(pixels, 4)
    expected = Image.fromarray(pixels).resize((12, 8), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(small, np.asarray(expected))
    large = degrade.enlarge(small, 4)
    np.testing.assert_array_equal(large, np.asarray(expected.resize((48, 32), Image.Resampling.BICUBIC)))


def test_shrink_refuses_what_does_not_divide() -> None:
    with pytest.raises(ValueError, match="50 x 32 pixels cannot be shrunk by 4"):
        degrade.shrink(gradient(32, 50), 4)


@pytest.mark.parametrize("sigma", [15, 25, 50])
def test_noise_has_the_strength_it_says(sigma: int) -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    noise = degrade.add_noise(grey, sigma, seed=1).astype(float) - 128
    assert abs(noise.mean()) < 0.5
    # +-2.55 standard deviations fit into 8 bits at the strongest, so clipping takes a little
    assert noise.std() == pytest.approx(sigma, rel=0.03)


def test_noise_is_clipped_and_repeatable() -> None:
    black = np.zeros((64, 64, 3), np.uint8)
    noisy = degrade.add_noise(black, 25, seed=3)
    assert 0.4 < np.mean(noisy == 0) < 0.6
    np.testing.assert_array_equal(noisy, degrade.add_noise(black, 25, seed=3))
    assert not np.array_equal(noisy, degrade.add_noise(black, 25, seed=4))


def test_every_photo_names_whom_to_thank_and_lies_around_its_detail() -> None:
    assert len({each.seed for each in PHOTOS}) == len(PHOTOS) == 5
    for each in PHOTOS:
        assert each.by
        assert each.licence
        assert each.source
        height, width, channels = each.pixels.shape
        assert channels == 3
        assert 60 < each.detail[0] < width - 60
        assert 60 < each.detail[1] < height - 60
        assert not each.pixels.flags.writeable
    with pytest.raises(KeyError):
        photo("lena")
