"""Writers: pixels, depth and alpha as other readers see them, and bytes that do not depend on the division."""

import io
from typing import Any

import cv2
import numpy as np
import pytest
import pyvips
import tifffile
from codec_files import opened
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.codec import Description, open_writer, write_tiff
from darkroom.codec.depth import as_depth

LOSSLESS = ("png", "tiff")
FORMATS = ("png", "tiff", "jpeg", "webp", "avif")


def noise(height: int, width: int, bits: int = 8, *, grey: bool = False, seed: int = 0) -> np.ndarray:
    kind: Any = np.uint8 if bits == 8 else np.uint16
    pixels = np.random.default_rng(seed).integers(0, 2**bits, (height, width, 3), kind)
    return np.repeat(pixels[..., :1], 3, axis=2) if grey else pixels


def written(
    name: str, pixels: np.ndarray, alpha: np.ndarray | None, *, grey: bool = False, bits: int = 8, rows: int = 10**6
) -> bytes:
    """The file, from calls of `rows` rows."""
    height, width = pixels.shape[:2]
    writer = open_writer(
        Description("png", grey), width, height, output_format=name, bits=bits, alpha=alpha is not None
    )
    for top in range(0, height, rows):
        part = slice(top, top + rows)
        writer.write(pixels[part], None if alpha is None else alpha[part])
    return writer.finish()


def channels(pixels: np.ndarray, alpha: np.ndarray | None, *, grey: bool) -> np.ndarray:
    """[h, w, c] as a file should hold it."""
    light = pixels[..., :1] if grey else pixels
    return light if alpha is None else np.dstack((light, alpha))


def by_libvips(data: bytes) -> np.ndarray:
    picture = pyvips.Image.new_from_buffer(data, "")
    return picture.numpy().reshape(picture.height, picture.width, picture.bands)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize("shape", [(70, 33), (1, 1), (1, 99), (201, 1)])
def test_lossless_formats_keep_every_sample(
    name: str, transparent: bool, grey: bool, bits: int, shape: tuple[int, int]
) -> None:
    pixels = noise(*shape, bits, grey=grey)
    alpha = noise(*shape, bits, seed=1)[..., 0] if transparent else None
    data = written(name, pixels, alpha, grey=grey, bits=bits)
    wanted = channels(pixels, alpha, grey=grey)
    read = by_libvips(data)
    assert read.dtype == wanted.dtype
    np.testing.assert_array_equal(read, wanted)
    if name == "tiff":
        np.testing.assert_array_equal(tifffile.imread(io.BytesIO(data)).reshape(wanted.shape), wanted)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("name", LOSSLESS)
def test_opencv_reads_colour_of_either_depth(name: str, transparent: bool, bits: int) -> None:
    """OpenCV multiplies 8-bit TIFF colours by their alpha: those of opaque pixels are compared."""
    pixels = noise(70, 33, bits)
    alpha = np.where(pixels[..., 0] % 3, 2**bits - 1, pixels[..., 1]).astype(pixels.dtype) if transparent else None
    data = written(name, pixels, alpha, bits=bits)
    read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if alpha is None:
        np.testing.assert_array_equal(read[..., ::-1], pixels)
    else:
        opaque = alpha == 2**bits - 1
        np.testing.assert_array_equal(read[..., 2::-1][opaque], pixels[opaque])
        np.testing.assert_array_equal(read[..., 3], alpha)


@pytest.mark.parametrize(
    ("bits", "grey", "transparent", "mode"),
    [
        (8, False, False, "RGB"),
        (8, False, True, "RGBA"),
        (8, True, False, "L"),
        (8, True, True, "LA"),
        (16, False, False, "RGB"),
        (16, False, True, "RGBA"),
        (16, True, False, "I;16"),
    ],
)
def test_pillow_reads_tiff(bits: int, grey: bool, transparent: bool, mode: str) -> None:
    """Pillow keeps the high bytes of 16-bit colour; it cannot open 16-bit grey with alpha."""
    pixels = noise(70, 33, bits, grey=grey)
    alpha = pixels[::-1, :, 0].copy() if transparent else None
    picture = opened(written("tiff", pixels, alpha, grey=grey, bits=bits))
    assert picture.mode == mode
    wanted = channels(pixels, alpha, grey=grey)
    if bits == 16 and not grey:
        wanted = (wanted >> 8).astype(np.uint8)
    np.testing.assert_array_equal(np.asarray(picture).reshape(wanted.shape), wanted)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200), st.integers(1, 40), st.sampled_from(LOSSLESS), st.booleans(), st.integers(0, 2**32 - 1))
def test_any_shape_and_content_with_16_bits(height: int, width: int, name: str, transparent: bool, seed: int) -> None:
    pixels = noise(height, width, 16, seed=seed)
    alpha = pixels[::-1, ::-1, 1].copy() if transparent else None
    data = written(name, pixels, alpha, bits=16, rows=seed % 90 + 1)
    np.testing.assert_array_equal(by_libvips(data), channels(pixels, alpha, grey=False))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_division_into_calls_gives_the_same_bytes(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FORMATS))
    bits = data.draw(st.sampled_from((8, 16))) if name in LOSSLESS else 8
    grey, transparent = data.draw(st.booleans()), data.draw(st.booleans())
    pixels = noise(150, 20, bits, grey=grey)
    alpha = pixels[::-1, :, 0].copy() if transparent else None
    writer = open_writer(Description("png", grey), 20, 150, output_format=name, bits=bits, alpha=transparent)
    top = 0
    while top < 150:
        part = slice(top, top + data.draw(st.integers(1, 150)))
        rows, opacity = pixels[part].copy(), None if alpha is None else alpha[part].copy()
        writer.write(rows, opacity)
        rows[:] = 0  # the caller may use its arrays again
        if opacity is not None:
            opacity[:] = 0
        top = part.stop
    assert writer.finish() == written(name, pixels, alpha, grey=grey, bits=bits)


def test_strips_of_any_height(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = noise(70, 33, 16)
    for size in (1, 33 * 6 * 7, 33 * 6 * 70, 2**20):
        monkeypatch.setattr(write_tiff, "_STRIP_BYTES", size)
        np.testing.assert_array_equal(by_libvips(written("tiff", pixels, None, bits=16)), pixels)


@pytest.mark.parametrize("transparent", [False, True])
def test_large_tiff_has_64_bit_offsets(monkeypatch: pytest.MonkeyPatch, transparent: bool) -> None:
    monkeypatch.setattr(write_tiff, "_MOST_CLASSIC", 1000)
    monkeypatch.setattr(write_tiff, "_STRIP_BYTES", 1000)
    pixels = noise(70, 33)
    alpha = pixels[..., 1].copy() if transparent else None
    data = written("tiff", pixels, alpha)
    assert data[:4] == b"II+\0"
    wanted = channels(pixels, alpha, grey=False)
    np.testing.assert_array_equal(by_libvips(data), wanted)
    np.testing.assert_array_equal(np.asarray(opened(data)), wanted)
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(data)), wanted)


@pytest.mark.parametrize("name", LOSSLESS)
def test_grey_of_16_bits_that_came_to_differ_is_written_as_luma(name: str) -> None:
    pixels = noise(40, 30, 16)
    luma = pixels @ np.array([0.299, 0.587, 0.114])
    read = by_libvips(written(name, pixels, None, grey=True, bits=16))
    assert np.abs(read[..., 0] - luma).max() <= 1


@pytest.mark.parametrize("name", LOSSLESS)
def test_rows_of_the_other_depth_are_converted(name: str) -> None:
    deep = noise(70, 33, 16)
    np.testing.assert_array_equal(by_libvips(written(name, deep, None, bits=8)), as_depth(deep, 8))
    flat = noise(70, 33, 8)
    np.testing.assert_array_equal(by_libvips(written(name, flat, None, bits=16)), as_depth(flat, 16))


def test_depths_convert_to_the_nearest_level() -> None:
    every = np.arange(65_536, dtype=np.uint16)
    np.testing.assert_array_equal(as_depth(every, 8), np.round(every / 257).astype(np.uint8))
    np.testing.assert_array_equal(as_depth(as_depth(np.arange(256, dtype=np.uint8), 16), 8), np.arange(256))


def test_a_16_bit_ramp_keeps_its_levels() -> None:
    ramp = np.repeat(np.arange(65_536, dtype=np.uint16).reshape(256, 256, 1), 3, axis=2)
    for name in LOSSLESS:
        assert len(np.unique(by_libvips(written(name, ramp, None, bits=16)))) == 65_536


def test_rows_of_16_bits_become_an_8_bit_jpeg() -> None:
    deep = noise(40, 30, 16)
    alpha = deep[..., 0].copy()
    assert written("jpeg", deep, alpha) == written("jpeg", as_depth(deep, 8), as_depth(alpha, 8))


@pytest.mark.parametrize("name", ["webp", "avif"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 99), (201, 1), (31, 33)])
@pytest.mark.parametrize("transparent", [False, True])
def test_lossy_formats_of_odd_sizes(name: str, shape: tuple[int, int], transparent: bool) -> None:
    pixels = np.full((*shape, 3), (200, 100, 50), np.uint8)
    alpha = noise(*shape)[..., 0] if transparent else None
    picture = opened(written(name, pixels, alpha))
    assert picture.size == shape[::-1]
    if alpha is None:
        assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - pixels).max() <= 4
    else:
        np.testing.assert_array_equal(np.asarray(picture.getchannel("A")), alpha)


@pytest.mark.parametrize("name", FORMATS)
def test_missing_and_surplus_rows(name: str) -> None:
    pixels = noise(10, 8)
    writer = open_writer(Description("png"), 8, 10, output_format=name)
    writer.write(pixels[:9], None)
    with pytest.raises(ValueError, match="1 rows of"):
        writer.finish()
    with pytest.raises(ValueError, match="2 rows"):
        writer.write(pixels[:2], None)
    with pytest.raises(ValueError, match="alpha True"):
        writer.write(pixels[:1], pixels[:1, :, 0])
