"""Answers, read back by an independent reader."""

import zlib

import numpy as np
import pytest
from codec_files import LIMITS, SRGB, after_header, chunk, cmyk_profile, colour, grey_profile, light, opened, saved
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import JpegImagePlugin

from darkroom.codec import Image, decode, encode
from darkroom.errors import BadOptionError


def picture(
    *, alpha: bool = False, grey: bool = False, icc: bytes | None = None, shape: tuple[int, int] = (150, 90)
) -> Image:
    pixels = np.repeat(light(*shape)[..., None], 3, axis=2) if grey else colour(*shape)
    return Image(pixels, light(*shape)[::-1].copy() if alpha else None, grey, icc, "png")


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("grey", [False, True])
def test_png_is_lossless(grey: bool, alpha: bool) -> None:
    image = picture(alpha=alpha, grey=grey)
    answer = opened(encode(image, "png", None))
    assert answer.mode == {(0, 0): "RGB", (0, 1): "RGBA", (1, 0): "L", (1, 1): "LA"}[grey, alpha]
    np.testing.assert_array_equal(np.asarray(answer.convert("RGB")), image.pixels)
    if image.alpha is not None:
        np.testing.assert_array_equal(np.asarray(answer.getchannel("A")), image.alpha)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200), st.integers(1, 60), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1))
def test_png_of_any_shape_and_content(height: int, width: int, alpha: bool, grey: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (height, width, 3), np.uint8)
    if grey:
        pixels = np.repeat(pixels[..., :1], 3, axis=2)
    image = Image(pixels, random.integers(1, 256, (height, width), np.uint8) if alpha else None, grey, None, "png")
    again = decode(encode(image, "png", None), LIMITS)
    np.testing.assert_array_equal(again.pixels, image.pixels)
    assert again.grey == grey
    assert (again.alpha is None) == (image.alpha is None)
    if again.alpha is not None:
        np.testing.assert_array_equal(again.alpha, image.alpha)


def test_png_in_many_chunks() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 800, 3), np.uint8)
    data = encode(Image(noise, None, False, None, "png"), "png", None)
    assert data.count(b"IDAT") > 3
    np.testing.assert_array_equal(np.asarray(opened(data)), noise)


def test_pixels_may_be_views() -> None:
    turned = np.rot90(colour())[:, ::-1]
    for name in ("png", "jpeg", "webp", "avif", "tiff"):
        np.testing.assert_array_equal(
            encode(Image(turned, None, False, None, "png"), name, None),
            encode(Image(np.ascontiguousarray(turned), None, False, None, "png"), name, None),
        )


@pytest.mark.parametrize(("quality", "sampling"), [(100, 0), (95, 0), (90, 0), (89, 2), (50, 2), (1, 2)])
def test_jpeg_quality_and_chroma(quality: int, sampling: int) -> None:
    image = picture()
    answer = opened(encode(image, "jpeg", quality))
    assert isinstance(answer, JpegImagePlugin.JpegImageFile)
    assert JpegImagePlugin.get_sampling(answer) == sampling
    reference = opened(saved(image.pixels, "JPEG", quality=quality))
    assert isinstance(reference, JpegImagePlugin.JpegImageFile)
    assert answer.quantization == reference.quantization


def test_default_qualities() -> None:
    image = picture()
    assert encode(image, "jpeg", None) == encode(image, "jpeg", 95)
    assert encode(image, "webp", None) == encode(image, "webp", 90)
    assert encode(image, "avif", None) == encode(image, "avif", 90)
    assert encode(image, "tiff", None) == encode(image, "tiff", 7)
    assert encode(image, "png", None) == encode(image, "png", 7)


@pytest.mark.parametrize("name", ["jpeg", "webp", "avif"])
def test_lossy_formats_keep_the_colours(name: str) -> None:
    answer = np.asarray(opened(encode(picture(), name, None)).convert("RGB")).astype(int)
    assert np.abs(answer - picture().pixels).mean() < 1.5
    assert np.abs(answer.mean(axis=(0, 1)) - picture().pixels.mean(axis=(0, 1))).max() < 1


def test_grey_jpeg_has_one_channel() -> None:
    answer = opened(encode(picture(grey=True), "jpeg", 100))
    assert answer.mode == "L"
    assert np.abs(np.asarray(answer).astype(int) - light(150, 90)).max() <= 2


def test_grey_that_came_to_differ_is_written_as_luma() -> None:
    image = Image(colour(), None, True, None, "png")
    luma = colour() @ np.array([0.299, 0.587, 0.114])
    assert np.abs(np.asarray(opened(encode(image, "png", None))) - luma).max() <= 0.51


def test_jpeg_lays_transparency_over_white() -> None:
    image = picture(alpha=True)
    assert image.alpha is not None
    opacity = image.alpha[..., None] / 255
    page = image.pixels * opacity + 255 * (1 - opacity)
    answer = np.asarray(opened(encode(image, "jpeg", 100)))
    assert np.abs(answer - page).max() <= 5
    grey = np.asarray(opened(encode(picture(alpha=True, grey=True), "jpeg", 100)))
    assert grey.ndim == 2
    assert np.abs(grey - (light(150, 90) * opacity[..., 0] + 255 * (1 - opacity[..., 0]))).max() <= 4


@pytest.mark.parametrize("name", ["webp", "avif"])
def test_lossy_formats_keep_alpha_exactly(name: str) -> None:
    image = picture(alpha=True)
    np.testing.assert_array_equal(np.asarray(opened(encode(image, name, 60)).getchannel("A")), image.alpha)


@pytest.mark.parametrize("source", ["png", "jpeg", "webp", "tiff", "avif"])
def test_same_format(source: str) -> None:
    image = picture()
    image.format = source  # type: ignore[assignment]
    assert opened(encode(image, "same", None)).format == source.upper()


def test_transparent_heic_becomes_png() -> None:
    image = picture(alpha=True)
    image.format = "heic"
    assert opened(encode(image, "same", None)).format == "PNG"


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp", "avif", "tiff"])
def test_same_picture_same_bytes(output_format: str) -> None:
    assert encode(picture(alpha=True), output_format, None) == encode(picture(alpha=True), output_format, None)


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_quality_out_of_range(quality: int) -> None:
    with pytest.raises(BadOptionError, match=f"output_quality must be 1 to 100 for WebP, got {quality}"):
        encode(picture(), "webp", quality)


def test_sizes_that_a_format_cannot_hold() -> None:
    wide = Image(np.zeros((1, 65_501, 3), np.uint8), None, False, None, "png")
    with pytest.raises(BadOptionError, match="jpeg holds at most 65500"):
        encode(wide, "jpeg", None)
    assert opened(encode(wide, "png", None)).size == (65_501, 1)
    longest = Image(np.zeros((1, 65_500, 3), np.uint8), None, False, None, "png")
    assert opened(encode(longest, "jpeg", None)).size == (65_500, 1)


@pytest.mark.parametrize("source", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp", "avif", "tiff"])
def test_rgb_profiles_travel_from_file_to_file(source: str, output_format: str) -> None:
    image = decode(saved(colour(), source, icc_profile=SRGB), LIMITS)
    assert image.icc == SRGB
    assert opened(encode(image, output_format, None)).info["icc_profile"] == SRGB


@pytest.mark.parametrize("source", ["PNG", "JPEG", "TIFF"])
def test_grey_profiles_travel_where_the_answer_is_grey(source: str) -> None:
    profile = grey_profile()
    image = decode(saved(light(), source, icc_profile=profile), LIMITS)
    assert image.icc == profile
    assert opened(encode(image, "png", None)).info["icc_profile"] == profile
    assert opened(encode(image, "jpeg", None)).info["icc_profile"] == profile
    assert opened(encode(image, "tiff", None)).info["icc_profile"] == profile
    assert not opened(encode(image, "webp", None)).info.get("icc_profile")
    assert not opened(encode(image, "avif", None)).info.get("icc_profile")


@pytest.mark.parametrize(
    ("pixels", "profile"),
    [
        (light(), SRGB),
        (colour(), grey_profile()),
        (colour(), cmyk_profile()),
        (colour(), SRGB[:-7]),
        (colour(), b"nonsense" * 40),
        (colour(), SRGB[:36] + b"xxxx" + SRGB[40:]),
        (colour(), b"short"),
    ],
    ids=["rgb on grey", "grey on rgb", "cmyk on rgb", "cut", "nonsense", "no signature", "short"],
)
@pytest.mark.parametrize("source", ["PNG", "JPEG"])
def test_profiles_that_do_not_describe_the_pixels_are_dropped(source: str, pixels: np.ndarray, profile: bytes) -> None:
    data = saved(pixels, source)
    if source == "PNG":
        data = after_header(data, chunk(b"iCCP", b"p\0\0" + zlib.compress(profile)))
    else:
        data = saved(pixels, source, icc_profile=profile)
    image = decode(data, LIMITS)
    assert image.icc is None
    assert "icc_profile" not in opened(encode(image, "same", None)).info


def test_broken_profile_streams_are_dropped() -> None:
    data = saved(colour(), "PNG")
    for body in (b"", b"p", b"p\0", b"p\0\0", b"p\0\0not deflate", b"\0\0\0" + zlib.compress(SRGB)):
        assert decode(after_header(data, chunk(b"iCCP", body)), LIMITS).icc is None


def test_large_profiles_take_several_jpeg_segments() -> None:
    size = 200_000
    profile = size.to_bytes(4, "big") + SRGB[4:] + bytes(size - len(SRGB))
    image = picture(icc=profile)
    data = encode(image, "jpeg", None)
    assert data.count(b"ICC_PROFILE\0") == 4
    assert opened(data).info["icc_profile"] == profile
    assert decode(data, LIMITS).icc == profile


def test_jpeg_profiles_with_a_missing_part_are_dropped() -> None:
    size = 200_000
    profile = size.to_bytes(4, "big") + SRGB[4:] + bytes(size - len(SRGB))
    data = encode(picture(icc=profile), "jpeg", None)
    second = data.index(b"ICC_PROFILE\0\2")
    assert decode(data[:second] + b"ICC_PROFILX" + data[second + 11 :], LIMITS).icc is None
