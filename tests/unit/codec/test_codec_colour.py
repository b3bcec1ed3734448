"""Colour codings that are stated by numbers: the picture looks like its source."""

import io
import struct

import numpy as np
import pytest
from codec_files import LIMITS, SRGB, after_header, chunk, colour, grey_profile, light, png_of, saved
from PIL import Image as Pillow
from PIL import ImageCms

from darkroom.codec import decode, open_reader
from darkroom.codec.image import Image
from darkroom.errors import BadImageError
from perf.hostile import heic

SRGB_XY = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_XY = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def gama(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def chrm(values: tuple[int, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *values))


def linear(pixels: np.ndarray) -> np.ndarray:
    """Light 0..1 of sRGB samples 0..255."""
    samples = pixels / 255
    return np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)


def in_lab(image: Image) -> np.ndarray:
    """CIE Lab (of 8 bits) as a viewer with colour management computes it."""
    profile = ImageCms.ImageCmsProfile(io.BytesIO(image.icc)) if image.icc else ImageCms.createProfile("sRGB")
    shown = ImageCms.profileToProfile(
        Pillow.fromarray(image.pixels), profile, ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    return np.asarray(shown).view(np.int8).astype(int)


def test_gamma_is_converted_to_srgb() -> None:
    stored = np.rint(linear(colour()) * 65535).astype(np.uint16)
    data = after_header(png_of(stored, 16, 2), gama(100_000))
    assert np.abs(decode(data, LIMITS).pixels.astype(int) - colour()).max() <= 1
    with open_reader(data, LIMITS) as reader:
        pixels, _ = reader.read(24)
    assert np.abs(pixels.astype(int) - colour().astype(int) * 257).max() <= 300
    grey = after_header(png_of(np.rint(linear(light()) * 65535), 16, 0), gama(100_000))
    assert np.abs(decode(grey, LIMITS).pixels[..., 0].astype(int) - light()).max() <= 3


@pytest.mark.parametrize("value", [45_455, 45_000, 46_000, 0, 2**32 - 1])
def test_gammas_that_change_nothing(value: int) -> None:
    image = decode(after_header(saved(colour(), "PNG"), gama(value)), LIMITS)
    np.testing.assert_array_equal(image.pixels, colour())
    assert image.icc is None


def test_gamma_leaves_alpha_alone() -> None:
    four = np.dstack((colour(), light() | 1))
    image = decode(after_header(saved(four, "PNG"), gama(100_000)), LIMITS)
    np.testing.assert_array_equal(image.alpha, light() | 1)
    assert image.pixels.mean() > colour().mean() + 20


@pytest.mark.parametrize(
    "chunks",
    [
        chunk(b"cICP", bytes((12, 13, 0, 1))),
        gama(45_455) + chrm(P3_XY),
        chrm(P3_XY),
    ],
    ids=["cICP", "gAMA and cHRM", "cHRM"],
)
def test_wide_primaries_are_described_by_a_profile(chunks: bytes) -> None:
    image = decode(after_header(saved(colour(), "PNG"), chunks), LIMITS)
    np.testing.assert_array_equal(image.pixels, colour())
    assert image.icc is not None
    profile = ImageCms.ImageCmsProfile(io.BytesIO(image.icc)).profile
    # Display P3 relative to D50, as in the profiles that devices carry
    assert profile.red_colorant[0] == pytest.approx((0.5151, 0.2412, -0.0011), abs=2e-4)
    assert profile.green_colorant[0] == pytest.approx((0.2920, 0.6922, 0.0419), abs=2e-4)
    assert profile.blue_colorant[0] == pytest.approx((0.1571, 0.0666, 0.7841), abs=2e-4)


def test_the_profile_has_the_curve_of_srgb() -> None:
    grey = np.dstack([light()] * 3)
    image = decode(after_header(saved(grey, "PNG"), chunk(b"cICP", bytes((12, 13, 0, 1)))), LIMITS)
    plain = decode(saved(grey, "PNG"), LIMITS)
    assert np.abs(in_lab(image)[..., 0].view(np.int64) - in_lab(plain)[..., 0]).max() <= 1


def test_primaries_of_srgb_need_no_profile() -> None:
    data = after_header(saved(colour(), "PNG"), gama(45_455) + chrm(SRGB_XY))
    assert decode(data, LIMITS).icc is None


@pytest.mark.parametrize("values", [(0,) * 8, (1,) * 8, (2**32 - 1,) * 8, (*SRGB_XY[:2], *SRGB_XY[2:4] * 3)])
def test_impossible_primaries_are_ignored(values: tuple[int, ...]) -> None:
    image = decode(after_header(saved(colour(), "PNG"), chrm(values)), LIMITS)
    np.testing.assert_array_equal(image.pixels, colour())


def test_what_is_stated_more_precisely_counts() -> None:
    """W3C PNG, third edition: cICP before iCCP before sRGB before gAMA and cHRM."""
    profiled = saved(colour(), "PNG", icc_profile=SRGB)
    image = decode(after_header(profiled, gama(100_000)), LIMITS)
    assert image.icc == SRGB
    np.testing.assert_array_equal(image.pixels, colour())
    stated = after_header(saved(colour(), "PNG"), chunk(b"sRGB", b"\0") + gama(100_000))
    np.testing.assert_array_equal(decode(stated, LIMITS).pixels, colour())
    both = decode(after_header(profiled, chunk(b"cICP", bytes((12, 13, 0, 1)))), LIMITS)
    assert both.icc is not None
    assert both.icc != SRGB


def test_a_grey_profile_on_a_grey_png() -> None:
    profile = grey_profile()
    assert decode(saved(light(), "PNG", icc_profile=profile), LIMITS).icc == profile


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_is_refused(transfer: int) -> None:
    data = after_header(saved(colour(), "PNG"), chunk(b"cICP", bytes((9, transfer, 0, 1))))
    with pytest.raises(BadImageError, match=r"is HDR \((PQ|HLG)\).*export it as SDR"):
        decode(data, LIMITS)


def test_colours_of_heic() -> None:
    image = decode(heic.DISPLAY_P3, LIMITS)
    assert image.icc is not None
    assert decode(heic.PLAIN, LIMITS).icc is None
    np.testing.assert_array_equal(image.pixels, decode(heic.PLAIN, LIMITS).pixels)
    with pytest.raises(BadImageError, match=r"HEIC image is HDR \(PQ\)"):
        decode(heic.PQ, LIMITS)


@pytest.mark.parametrize("name", ["AVIF", "JXL", "WEBP", "TIFF", "JPEG", "PNG"])
def test_profiles_travel_along(name: str) -> None:
    options = {"use_original_profile": True, "lossless": True} if name == "JXL" else {}
    image = decode(saved(colour(), name, icc_profile=SRGB, **options), LIMITS)
    assert image.icc is not None
    if name != "JXL":  # whose encoder may describe the same colours in its own way
        assert image.icc == SRGB
