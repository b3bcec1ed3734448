"""Damaged files of every format give a whole picture or a BadImageError: never another exception, never a wait."""

import time

import numpy as np
import pillow_jxl  # noqa: F401 (Pillow saves JPEG XL with it)
import pytest
from codec_files import LIMITS, SRGB, colour, exif, light, saved, tiff, tiff_tags
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from darkroom.codec import decode, read_header
from darkroom.config import Limits
from darkroom.errors import BadImageError
from perf.hostile import heic

PALETTE = Pillow.fromarray(colour()).quantize(16)
FOUR = np.dstack((colour(), light()))
SEEDS = {
    "jpeg": saved(colour(), "JPEG", exif=exif(6), icc_profile=SRGB),
    "jpeg progressive": saved(colour(), "JPEG", progressive=True),
    "jpeg cmyk": saved(Pillow.fromarray(colour()).convert("CMYK"), "JPEG"),
    "png": saved(colour(), "PNG", exif=exif(5), icc_profile=SRGB),
    "png palette": saved(PALETTE, "PNG", transparency=3),
    "png 16": saved(light().astype(np.uint16) * 257, "PNG"),
    "webp": saved(colour(), "WEBP", exif=exif(3)),
    "webp lossless": saved(FOUR, "WEBP", lossless=True),
    "tiff": saved(FOUR, "TIFF"),
    "tiff lzw": saved(colour(), "TIFF", compression="tiff_lzw"),
    "tiff jpeg": saved(colour(), "TIFF", compression="jpeg"),
    "tiff fax": saved(Pillow.fromarray(light() > 99), "TIFF", compression="group4"),
    "tiff big": saved(PALETTE, "TIFF", big_tiff=True),
    "tiff lab": tiff(tiff_tags(40, 24, (8, 8, 8), 8), colour().tobytes()),
    "gif": saved(PALETTE, "GIF"),
    "avif": saved(FOUR, "AVIF"),
    "heic": heic.DISPLAY_P3,
    "heic alpha": heic.ALPHA,
    "jxl": saved(colour(), "JXL"),
    "jxl box": saved(FOUR, "JXL", lossless=True, use_container=True),
    "bmp": saved(colour(), "BMP"),
    "bmp palette": saved(PALETTE, "BMP"),
}
SMALL = Limits(max_pixels=1_000_000)
EXTREMES = (b"", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\xff\xff", b"\xff\xd9", b"\x01")

# Where (0..1 of the file, denser at its head), how many bytes go, and what comes in their place.
damage = st.tuples(
    st.floats(0, 1).map(lambda at: at * at),
    st.integers(0, 12),
    st.one_of(st.sampled_from(EXTREMES), st.binary(max_size=8)),
)


def judge(data: bytes) -> None:
    began = time.perf_counter()
    refusal = ""
    try:
        header = read_header(data, SMALL)
        image = decode(data, SMALL)
    except BadImageError as refused:
        refusal = refused.message
    if refusal:
        assert refusal.endswith(".")
        assert len(refusal) < 250
    else:
        assert image.pixels.shape == (header.height, header.width, 3)
        assert image.pixels.dtype == np.uint8
        assert image.alpha is None or image.alpha.shape == image.pixels.shape[:2]
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("name", SEEDS)
@settings(max_examples=70, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(damage, min_size=1, max_size=4))
def test_mutations(name: str, changes: list[tuple[float, int, bytes]]) -> None:
    data = SEEDS[name]
    for where, gone, new in changes:
        at = int(where * len(data))
        data = data[:at] + new + data[at + gone :]
    judge(data)


@pytest.mark.parametrize("name", SEEDS)
def test_every_cut_through_the_header(name: str) -> None:
    for length in range(min(300, len(SEEDS[name]))):
        judge(SEEDS[name][:length])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.sampled_from(
        [
            *(b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\1\0\0\0WEBPVP8X", b"II*\0", b"MM\0+", b"BM"),
            *(b"GIF89a", b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n", b"\0\0\0\x10ftypavif\0\0\0\0"),
            b"\0\0\0\x10ftypheic\0\0\0\0",
        ]
    ),
    st.binary(max_size=200),
)
def test_signatures_before_noise(signature: bytes, noise: bytes) -> None:
    judge(signature + noise)


def test_the_seeds_are_whole() -> None:
    for data in SEEDS.values():
        decode(data, LIMITS)
