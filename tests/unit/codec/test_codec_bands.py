"""A picture read in bands is the picture read at once, at the depth that is asked for."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from codec_files import LIMITS, colour, exif, light, png_of, saved, tiff, tiff_tags
from PIL import Image as Pillow

from darkroom.codec import decode, open_reader, read_header
from darkroom.errors import BadImageError
from perf.hostile import heic

ALPHA = np.dstack((colour(67, 101), light(67, 101)))
SIXTEEN = (np.arange(67 * 101 * 3).reshape(67, 101, 3) * 3 % 65536).astype(np.uint16)
LARGE = np.dstack([colour(1700, 2400)[..., 0], *np.moveaxis(colour(1700, 2400)[..., 1:], 2, 0)])
FILES: dict[str, tuple[bytes, bool]] = {
    "jpeg": (saved(colour(67, 101), "JPEG"), False),
    "jpeg large": (saved(LARGE, "JPEG"), True),
    "jpeg large and grey": (saved(LARGE[..., 0], "JPEG"), True),
    "jpeg large and turned": (saved(LARGE, "JPEG", exif=exif(8)), False),
    "jpeg large and progressive": (saved(LARGE, "JPEG", progressive=True), False),
    "png": (saved(colour(67, 101), "PNG"), True),
    "png palette": (saved(Pillow.fromarray(colour(67, 101)).quantize(16), "PNG"), True),
    "png 1 bit": (saved(Pillow.fromarray(light(67, 101) > 90), "PNG"), True),
    "png 16": (png_of(SIXTEEN, 16, 2), True),
    "png alpha": (saved(ALPHA, "PNG"), False),
    "tiff": (saved(colour(67, 101), "TIFF"), True),
    "tiff lzw": (saved(colour(67, 101), "TIFF", compression="tiff_lzw"), True),
    "tiff cmyk": (saved(Pillow.fromarray(colour(67, 101)).convert("CMYK"), "TIFF"), True),
    "tiff alpha": (saved(ALPHA, "TIFF"), False),
    "bmp": (saved(colour(67, 101), "BMP"), True),
    "bmp palette": (saved(Pillow.fromarray(colour(67, 101)).quantize(16), "BMP"), False),
    "webp": (saved(colour(67, 101), "WEBP"), False),
    "gif": (saved(colour(67, 101), "GIF"), False),
    "avif": (saved(colour(67, 101), "AVIF"), False),
    "heic": (heic.ALPHA, False),
}
"""Name to file, and whether it is read as it is decoded."""


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", FILES)
def test_bands_make_up_the_picture(name: str, bits: int) -> None:
    data, banded = FILES[name]
    header = read_header(data, LIMITS)
    assert header.banded == banded
    with open_reader(data, LIMITS, bits=bits) as whole:
        pixels, alpha = whole.read(10**6)
    parts = []
    with open_reader(data, LIMITS, bits=bits) as reader:
        assert reader.header == header
        for rows in (1, 7, 16, 64, 5, 10**6):
            band, band_alpha = reader.read(rows)
            assert len(band) <= rows
            assert (band_alpha is not None) == header.alpha
            parts.append((band, band_alpha))
        rest, _ = reader.read(4)
        assert rest.shape == (0, header.width, 3)
    np.testing.assert_array_equal(np.concatenate([band for band, _ in parts]), pixels)
    assert pixels.shape == (header.height, header.width, 3)
    assert pixels.dtype == (np.uint8 if bits == 8 else np.uint16)
    if alpha is not None:
        np.testing.assert_array_equal(np.concatenate([band for _, band in parts]), alpha)


def test_eight_bits_as_sixteen_and_back() -> None:
    data = saved(colour(), "PNG")
    with open_reader(data, LIMITS, bits=16) as reader:
        pixels, _ = reader.read(24)
    np.testing.assert_array_equal(pixels, colour().astype(np.uint16) * 257)
    with open_reader(png_of(pixels, 16, 2), LIMITS, bits=8) as reader:
        np.testing.assert_array_equal(reader.read(24)[0], colour())


def test_sixteen_bits_are_kept_and_rounded() -> None:
    data = png_of(SIXTEEN, 16, 2)
    assert read_header(data, LIMITS).bits == 16
    with open_reader(data, LIMITS) as reader:
        assert reader.bits == 16
        np.testing.assert_array_equal(reader.read(67)[0], SIXTEEN)
    np.testing.assert_array_equal(decode(data, LIMITS).pixels, np.floor(SIXTEEN / 257 + 0.5))


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bit_tiff_with_alpha(order: str) -> None:
    four = np.dstack((SIXTEEN, np.maximum(SIXTEEN[..., 0], 1)))
    tags = {**tiff_tags(101, 67, (16,) * 4, 2), 338: (3, (2,))}
    with open_reader(tiff(tags, four.astype(order + "u2").tobytes(), order), LIMITS) as reader:
        pixels, alpha = reader.read(67)
    np.testing.assert_array_equal(pixels, SIXTEEN)
    np.testing.assert_array_equal(alpha, four[..., 3])


def test_damage_in_a_later_band_is_an_error_there() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1700, 2400, 3), np.uint8)
    jpeg, png = saved(noise, "JPEG"), saved(noise, "PNG", compress_level=0)
    cut = len(jpeg) // 2
    for data in (jpeg[:cut] + jpeg[-2:], png[: len(png) // 2] + b"\xff" * 5000 + png[len(png) // 2 + 5000 :]):
        with open_reader(data, LIMITS) as reader:
            assert reader.header.banded
            reader.read(64)
            with pytest.raises(BadImageError, match="truncated"):
                reader.read(1700)


def peak_bytes() -> int:
    """Most resident bytes since Linux was last told to forget."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "BMP"])
def test_memory_does_not_grow_with_the_height(name: str) -> None:
    data = saved(np.broadcast_to(colour(1, 2000), (12_000, 2000, 3)).copy(), name)
    Path("/proc/self/clear_refs").write_text("5")
    before, rows = peak_bytes(), 0
    with open_reader(data, LIMITS) as reader:
        while len(band := reader.read(64)[0]):
            rows += len(band)
    assert rows == 12_000
    assert peak_bytes() - before < 36 * 2**20  # half of the decoded picture


@pytest.mark.parametrize("name", ["png", "jpeg large", "tiff lzw", "bmp"])
def test_bands_may_be_read_by_changing_threads(name: str) -> None:
    data = FILES[name][0]
    pixels = decode(data, LIMITS).pixels
    with open_reader(data, LIMITS) as reader, ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        parts = [(one, other)[turn % 2].submit(reader.read, 40).result()[0] for turn in range(-(-len(pixels) // 40))]
    np.testing.assert_array_equal(np.concatenate(parts), pixels)


@pytest.mark.parametrize("name", FILES)
def test_a_reader_may_be_closed_early_and_twice(name: str) -> None:
    reader = open_reader(FILES[name][0], LIMITS)
    reader.read(3)
    reader.close()
    reader.close()
    assert len(reader.read(3)[0]) == 0
