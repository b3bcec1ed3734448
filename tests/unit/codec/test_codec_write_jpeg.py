"""JPEG files: what Pillow would write, pixel by pixel, and bands that decode as the picture encoded at once."""

import io
import struct

import cv2
import numpy as np
import pytest
import skimage.data
from codec_files import SRGB, opened
from PIL import Image as Pillow

from darkroom.codec import Description, open_writer, write_jpeg

PHOTO = np.ascontiguousarray(skimage.data.astronaut()[:200, :151])


def written(
    pixels: np.ndarray, alpha: np.ndarray | None = None, *, grey: bool = False, quality: int = 95, rows: int = 10**6
) -> bytes:
    """The file, from calls of `rows` rows."""
    height, width = pixels.shape[:2]
    writer = open_writer(
        Description("png", grey), width, height, output_format="jpeg", alpha=alpha is not None, quality=quality
    )
    for top in range(0, height, rows):
        part = slice(top, top + rows)
        writer.write(pixels[part], None if alpha is None else alpha[part])
    return writer.finish()


def in_colour(light: np.ndarray) -> np.ndarray:
    return np.repeat(light[..., None], 3, axis=2)


def at_once(pixels: np.ndarray, quality: int, full: bool) -> bytes:
    """The file that OpenCV writes for a whole picture."""
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444 if full else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    stored = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    return bytes(cv2.imencode(".jpg", stored, settings)[1])


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("quality", [1, 89, 90, 100])
def test_a_file_is_as_pillow_writes_it(grey: bool, quality: int) -> None:
    pixels, out = in_colour(PHOTO[..., 0]) if grey else PHOTO, io.BytesIO()
    Pillow.fromarray(pixels[..., 0] if grey else pixels).save(
        out, "JPEG", quality=quality, subsampling=0 if quality >= 90 else 2
    )
    ours, theirs = opened(written(pixels, grey=grey, quality=quality)), opened(out.getvalue())
    assert ours.mode == theirs.mode
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.parametrize(("quality", "full"), [(100, True), (90, True), (89, False), (30, False)])
def test_a_small_picture_has_the_bytes_of_opencv(quality: int, full: bool) -> None:
    assert written(PHOTO, quality=quality) == at_once(PHOTO, quality, full)
    grey = np.ascontiguousarray(PHOTO[..., 1])
    assert written(in_colour(grey), grey=True, quality=quality) == at_once(grey, quality, full)


@pytest.mark.parametrize("shape", [(200, 151), (193, 151), (192, 144), (17, 151), (200, 1), (16, 16), (1, 1), (1, 151)])
@pytest.mark.parametrize("quality", [95, 80])
@pytest.mark.parametrize("grey", [False, True])
def test_bands_decode_as_the_whole(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int], quality: int, grey: bool
) -> None:
    monkeypatch.setattr(write_jpeg, "_BAND_PIXELS", 1)  # bands of one coded unit's height
    pixels = np.ascontiguousarray(PHOTO[: shape[0], : shape[1]])
    stored = np.ascontiguousarray(pixels[..., 0]) if grey else pixels
    data = written(in_colour(stored) if grey else pixels, grey=grey, quality=quality)
    whole = at_once(stored, quality, full=quality >= 90)
    unit = 16 if quality < 90 and not grey else 8
    assert (b"\xff\xdd\0\4" in data) == (shape[0] > unit)
    np.testing.assert_array_equal(np.asarray(opened(data)), np.asarray(opened(whole)))
    flags = cv2.IMREAD_UNCHANGED
    by_opencv, whole_by_opencv = (cv2.imdecode(np.frombuffer(file, np.uint8), flags) for file in (data, whole))
    np.testing.assert_array_equal(by_opencv, whole_by_opencv)


def test_restart_markers_are_numbered_from_0_to_7_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_jpeg, "_BAND_PIXELS", 1)
    scan = written(PHOTO)
    scan = scan[scan.index(b"\xff\xda") :]
    markers = [scan[at + 1] - 0xD0 for at in range(len(scan) - 1) if scan[at] == 0xFF and 0xD0 <= scan[at + 1] <= 0xD7]
    assert markers == [number % 8 for number in range(200 // 8 - 1)]


def test_a_picture_of_more_than_a_band_has_an_interval_and_its_own_height() -> None:
    pixels = np.resize(PHOTO, (1500, 3000, 3))
    data = written(pixels)
    rows = (2**22 // (3000 * 8)) * 8
    interval = struct.pack(">H", rows // 8 * (3000 // 8))
    assert data.count(b"\xff\xdd\0\4" + interval) == 1
    np.testing.assert_array_equal(np.asarray(opened(data)), np.asarray(opened(at_once(pixels, 95, full=True))))


@pytest.mark.parametrize("quality", [95, 80])
def test_the_widest_picture_keeps_to_the_longest_interval(quality: int) -> None:
    pixels = np.resize(PHOTO, (150, 65_500, 3))
    data = written(pixels, quality=quality)
    at = data.index(b"\xff\xdd\0\4")
    unit = 8 if quality == 95 else 16
    (interval,) = struct.unpack_from(">H", data, at + 4)
    assert interval % -(-65_500 // unit) == 0
    whole = at_once(pixels, quality, full=quality == 95)
    np.testing.assert_array_equal(np.asarray(opened(data)), np.asarray(opened(whole)))


@pytest.mark.parametrize("rows", [1, 7, 8, 64, 199])
def test_the_division_into_calls_does_not_matter(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(write_jpeg, "_BAND_PIXELS", 151 * 40)
    alpha = np.ascontiguousarray(PHOTO[..., 2])
    for grey in (False, True):
        assert written(PHOTO, alpha, grey=grey, rows=rows) == written(PHOTO, alpha, grey=grey)


@pytest.mark.parametrize("size", [65_519, 65_520, 200_000])
def test_profiles_of_any_size(size: int) -> None:
    profile = size.to_bytes(4, "big") + SRGB[4:] + bytes(size - len(SRGB))
    writer = open_writer(Description("png", icc=profile), 151, 200, output_format="jpeg")
    writer.write(PHOTO, None)
    data = writer.finish()
    assert data.count(b"ICC_PROFILE\0") == -(-size // 65_519)
    assert opened(data).info["icc_profile"] == profile
