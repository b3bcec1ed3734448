"""All eight EXIF orientations of an asymmetric picture, in every format that can state one."""

import numpy as np
import pytest
from codec_files import LIMITS, chunk, colour, exif, light, opened, saved, tiff_orientation
from PIL import Image as Pillow
from PIL import ImageOps

from darkroom.codec import decode, encode, read_header
from darkroom.codec.orientation import as_stored, from_exif

# EXIF 2.3, tag 0x0112: where the stored top row and left column are seen, and so how to put them there.
SHOWN = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: lambda stored: np.swapaxes(stored, 0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(np.swapaxes(stored, 0, 1), 2),
    8: lambda stored: np.rot90(stored, 1),
}


def stating(name: str, orientation: int) -> bytes:
    picture = colour()
    if name == "TIFF":
        return saved(picture, name, tiffinfo=tiff_orientation(orientation))
    if name == "JPEG":
        return saved(picture, name, quality=100, subsampling=0, exif=exif(orientation, ">"))
    if name == "WEBP":
        return saved(picture, name, lossless=True, exif=exif(orientation))
    return saved(picture, name, exif=exif(orientation))


@pytest.mark.parametrize("orientation", SHOWN)
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_picture_stands_upright(name: str, orientation: int) -> None:
    data = stating(name, orientation)
    expected = SHOWN[orientation](colour())
    header = read_header(data, LIMITS)
    assert (header.height, header.width) == expected.shape[:2]
    image = decode(data, LIMITS)
    assert image.pixels.shape == expected.shape
    assert image.pixels.flags.c_contiguous
    difference = np.abs(image.pixels.astype(int) - expected)
    assert difference.max() <= (4 if name == "JPEG" else 0)


@pytest.mark.parametrize("orientation", SHOWN)
def test_pillow_turns_it_the_same_way(orientation: int) -> None:
    shown = ImageOps.exif_transpose(opened(stating("PNG", orientation)))
    np.testing.assert_array_equal(np.asarray(shown), decode(stating("PNG", orientation), LIMITS).pixels)


def test_alpha_turns_along() -> None:
    picture = np.dstack((colour(), light()))
    image = decode(saved(picture, "PNG", exif=exif(6)), LIMITS)
    assert image.alpha is not None
    np.testing.assert_array_equal(image.alpha, np.rot90(light(), -1))


@pytest.mark.parametrize("output_format", ["same", "png", "jpeg", "webp"])
def test_the_orientation_does_not_travel_on(output_format: str) -> None:
    answer = encode(decode(stating("JPEG", 6), LIMITS), output_format, None)
    assert opened(answer).getexif().get(274) is None
    assert opened(answer).size == (24, 40)


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"Exif\0\0",
        b"Exif\0\0II*\0",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        exif(0),
        exif(9),
        exif(6)[:-9],
        b"\xff" * 50,
    ],
)
def test_malformed_exif_leaves_the_picture_alone(block: bytes) -> None:
    assert from_exif(block) == 1
    image = decode(saved(colour(), "JPEG", exif=block or b"Exif\0\0"), LIMITS)
    assert image.pixels.shape == (24, 40, 3)


def test_png_may_state_it_behind_the_pixels() -> None:
    data = saved(colour(), "PNG")
    assert decode(data[:-12] + chunk(b"eXIf", exif(6)[6:]) + data[-12:], LIMITS).pixels.shape == (40, 24, 3)


@pytest.mark.parametrize("orientation", SHOWN)
def test_stored_rows_are_written_where_they_are_shown(orientation: int) -> None:
    shown = np.zeros(SHOWN[orientation](colour()).shape, np.uint8)
    view = as_stored(shown, orientation)
    assert view.shape == colour().shape
    for top, row in enumerate(colour()):
        view[top] = row
    np.testing.assert_array_equal(shown, SHOWN[orientation](colour()))


def test_camera_sequences_show_their_first_picture() -> None:
    second = Pillow.fromarray(light())
    data = saved(Pillow.fromarray(colour()), "MPO", save_all=True, append_images=[second])
    assert decode(data, LIMITS).pixels.shape == (24, 40, 3)
