"""PSNR and SSIM against scikit-image, and against figures anyone can check by hand."""

import numpy as np
import pytest
from skimage import metrics as reference

from demo import degrade, metrics
from demo.photos import photo


def pair(height: int = 61, width: int = 83) -> tuple[np.ndarray, np.ndarray]:
    sharp = photo("astronaut").pixels[40 : 40 + height, 180 : 180 + width]
    return degrade.add_noise(sharp, 20, seed=5), sharp


def test_psnr_is_scikit_images() -> None:
    noisy, sharp = pair()
    ours = metrics.psnr(noisy.astype(float), sharp.astype(float))
    assert ours == pytest.approx(reference.peak_signal_noise_ratio(sharp, noisy), abs=1e-9)


def test_psnr_of_one_level_everywhere() -> None:
    plane = np.full((5, 5), 100.0)
    assert metrics.psnr(plane, plane + 1) == pytest.approx(48.1308, abs=1e-4)
    assert metrics.psnr(plane, plane) == 100.0


def test_ssim_is_scikit_images() -> None:
    noisy, sharp = (metrics.luma(pixels) for pixels in pair())
    expected = reference.structural_similarity(
        noisy, sharp, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert metrics.ssim(noisy, sharp) == pytest.approx(expected, abs=1e-9)
    assert metrics.ssim(sharp, sharp) == pytest.approx(1.0, abs=1e-12)


def test_ssim_of_rgb_is_the_mean_of_channels() -> None:
    noisy, sharp = pair()
    expected = reference.structural_similarity(
        noisy, sharp, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    quality = metrics.on_rgb(noisy, sharp)
    assert quality.ssim == pytest.approx(expected, abs=1e-6)
    assert quality.psnr == pytest.approx(reference.peak_signal_noise_ratio(sharp, noisy), abs=1e-9)


def test_luma_is_in_the_studio_range() -> None:
    black_grey_white = np.array([[[0] * 3, [128] * 3, [255] * 3]], np.uint8)
    np.testing.assert_allclose(metrics.luma(black_grey_white), [[16, 16 + 219 * 128 / 255, 235]])
    green, red = metrics.luma(np.array([[[0, 255, 0], [255, 0, 0]]], np.uint8))[0]
    assert green == pytest.approx(144.553)
    assert red == pytest.approx(81.481)


def test_the_border_is_left_out() -> None:
    noisy, sharp = pair()
    framed = sharp.copy()
    framed[:4], framed[-4:], framed[:, :4], framed[:, -4:] = 0, 0, 0, 0
    assert metrics.on_luma(framed, sharp, border=4).psnr == 100.0
    assert metrics.on_luma(framed, sharp).psnr < 25
    assert metrics.on_luma(noisy, sharp, border=4) == metrics.on_luma(noisy[4:-4, 4:-4], sharp[4:-4, 4:-4])


def test_what_cannot_be_compared_is_refused() -> None:
    _, sharp = pair()
    with pytest.raises(ValueError, match="unequal shape"):
        metrics.on_rgb(sharp[1:], sharp)
    with pytest.raises(ValueError, match="at least 11 x 11 pixels, got 83 x 10"):
        metrics.on_luma(sharp[:10], sharp[:10])


def test_bicubic_gives_the_figures_that_others_get() -> None:
    """Luma, 4 pixels of border, antialiased bicubic: the astronaut by 4, as measured independently."""
    original = degrade.whole(photo("astronaut").pixels)
    bicubic = degrade.enlarge(degrade.shrink(original, 4), 4)
    quality = metrics.on_luma(bicubic, original, border=4)
    assert quality.psnr == pytest.approx(26.84, abs=0.01)
    assert quality.ssim == pytest.approx(0.843, abs=0.001)
