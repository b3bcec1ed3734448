"""Every PNG colour type, depth, interlacing and transparency, and TIFF layouts, against independent readers."""

import io
import itertools
import struct
import zlib

import numpy as np
import pytest
import tifffile
from codec_files import LIMITS, chunk, colour, light, saved, tiff, tiff_tags
from PIL import Image as Pillow

from darkroom.codec import open_reader, read_header
from darkroom.errors import BadImageError

_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
KINDS = [
    (kind, bits, interlaced, hidden)
    for kind, depths in _DEPTHS.items()
    for bits, interlaced, hidden in itertools.product(depths, (False, True), (False, True))
    if not (hidden and kind in (4, 6))
]


def packed(rows: np.ndarray, bits: int) -> bytes:
    """Unfiltered rows of samples [h, w, c]."""
    if bits == 16:
        return b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows)
    spread = np.unpackbits(rows.astype(np.uint8)[..., None], axis=-1)[..., 8 - bits :]
    return b"".join(b"\0" + np.packbits(row.reshape(-1)).tobytes() for row in spread)


def tiff_of(pixels: np.ndarray, **options: object) -> bytes:
    """By an independent writer."""
    out = io.BytesIO()
    stored = np.moveaxis(pixels, 2, 0).copy() if "planarconfig" in options else pixels
    tifffile.imwrite(out, stored, photometric="rgb", metadata=None, **options)
    return out.getvalue()


@pytest.mark.parametrize(("kind", "bits", "interlaced", "hidden"), KINDS)
def test_png(kind: int, bits: int, interlaced: bool, hidden: bool) -> None:
    height, width, channels = 13, 21, _CHANNELS[kind]
    random = np.random.default_rng(kind * 100 + bits)
    samples = random.integers(0, 2**bits, (height, width, channels))
    if kind in (4, 6):
        samples[..., -1] = np.maximum(samples[..., -1], 300 if bits == 16 else 1)
    parts = [samples[y::dy, x::dx] for x, y, dx, dy in _PASSES] if interlaced else [samples]
    body = b"".join(packed(part, bits) for part in parts if part.size)
    palette = random.integers(0, 256, (2**bits, 3)) if kind == 3 else None
    extra = b"" if palette is None else chunk(b"PLTE", palette.astype(np.uint8).tobytes())
    key = samples[2, 3]
    if hidden:
        extra += chunk(b"tRNS", b"\x80\x40" if kind == 3 else struct.pack(f">{channels}H", *key))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlaced))
    data = b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")

    header = read_header(data, LIMITS)
    assert (header.grey, header.alpha, header.bits) == (
        kind in (0, 4),
        hidden or kind in (4, 6),
        16 if bits == 16 else 8,
    )
    with open_reader(data, LIMITS) as reader:
        pixels, alpha = reader.read(height)
    if palette is not None:
        light_of, most = palette[samples[..., 0]], 255
    else:
        most = 65535 if bits == 16 else 255
        light_of = samples[..., : 3 if channels >= 3 else 1] * most // (2**bits - 1)
    if not header.alpha:
        assert alpha is None
        visible = np.ones((height, width), bool)
    else:
        if kind == 3:
            expected = np.full(2**bits, 255)
            expected[:2] = 0x80, 0x40
            opacity = expected[samples[..., 0]]
        elif hidden:
            opacity = np.where((samples == key).all(axis=2), 0, most)
        else:
            opacity = samples[..., -1]
        np.testing.assert_array_equal(alpha, opacity)
        visible = opacity > 0
    np.testing.assert_array_equal(pixels[visible], np.broadcast_to(light_of, (height, width, 3))[visible])


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("layout", [{}, {"tile": (16, 32)}, {"planarconfig": "separate"}, {"rowsperstrip": 5}])
@pytest.mark.parametrize("squeeze", [{}, {"compression": "zlib", "predictor": True}, {"compression": "zlib"}])
def test_tiff_layouts(
    byteorder: str, big: bool, deep: bool, layout: dict[str, object], squeeze: dict[str, object]
) -> None:
    pixels = colour(37, 61).astype(np.uint16) * 251 + 7 if deep else colour(37, 61)
    data = tiff_of(pixels, byteorder=byteorder, bigtiff=big, **layout, **squeeze)
    with open_reader(data, LIMITS) as reader:
        assert reader.bits == (16 if deep else 8)
        top, _ = reader.read(20)
        rest, _ = reader.read(17)
    np.testing.assert_array_equal(np.concatenate((top, rest)), pixels)


def test_tiles_of_separate_planes() -> None:
    layout = {"planarconfig": "separate", "tile": (16, 16)}
    with open_reader(tiff_of(colour(37, 61), **layout), LIMITS) as reader:
        np.testing.assert_array_equal(reader.read(37)[0], colour(37, 61))
    with pytest.raises(BadImageError, match="16 bits in a rare layout; save it in strips"):
        open_reader(tiff_of(colour(37, 61).astype(np.uint16), **layout), LIMITS)


@pytest.mark.parametrize("deep", [False, True])
def test_premultiplied_tiff(deep: bool) -> None:
    most = 65535 if deep else 255
    alpha = np.maximum(light().astype(int), 60) * (most // 255)
    premultiplied = np.rint(colour() * (alpha[..., None] / 255)).astype(int)
    samples = np.dstack((premultiplied, alpha)).astype("<u2" if deep else np.uint8)
    tags = {**tiff_tags(40, 24, (16 if deep else 8,) * 4, 2), 338: (3, (1,))}
    with open_reader(tiff(tags, samples.tobytes()), LIMITS, bits=8) as reader:
        pixels, opacity = reader.read(24)
    assert np.abs(pixels.astype(int) - colour()).max() <= 4
    assert opacity is not None
    assert np.abs(opacity.astype(int) - np.maximum(light(), 60)).max() <= 1


def test_further_channels_have_no_meaning() -> None:
    samples = np.dstack((colour(), light(), light()[::-1]))
    tags = {**tiff_tags(40, 24, (8,) * 5, 2), 338: (3, (0, 0))}
    with open_reader(tiff(tags, samples.tobytes()), LIMITS) as reader:
        pixels, alpha = reader.read(24)
    np.testing.assert_array_equal(pixels, colour())
    assert alpha is None


def test_tiff_palettes_of_greys_are_colour() -> None:
    picture = Pillow.fromarray(light()).convert("P")
    with open_reader(saved(picture, "TIFF"), LIMITS) as reader:
        assert not reader.header.grey
        np.testing.assert_array_equal(reader.read(24)[0], np.dstack([light()] * 3))


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("bits", [1, 2, 4])
def test_tiff_grey_of_few_bits(bits: int, photometric: int) -> None:
    stored = light() >> (8 - bits)
    spread = np.unpackbits(stored[..., None], axis=-1)[..., 8 - bits :]
    data = tiff(tiff_tags(40, 24, (bits,), photometric), np.packbits(spread.reshape(24, -1), axis=1).tobytes())
    shown = stored.astype(int) * 255 // (2**bits - 1)
    with open_reader(data, LIMITS) as reader:
        pixels, _ = reader.read(24)
    np.testing.assert_array_equal(pixels[..., 0], shown if photometric else 255 - shown)


def test_sixteen_bit_cmyk() -> None:
    inks = np.asarray(Pillow.fromarray(colour()).convert("CMYK")).astype(np.uint16) * 257
    with open_reader(tiff(tiff_tags(40, 24, (16,) * 4, 5), inks.tobytes()), LIMITS) as reader:
        assert reader.bits == 8
        assert np.abs(reader.read(24)[0].astype(int) - colour()).max() <= 1


@pytest.mark.parametrize(("photometric", "bits"), [(8, 16), (9, 8), (10, 8), (32803, 16), (34892, 16)])
def test_rare_colours_are_refused_with_advice(photometric: int, bits: int) -> None:
    data = tiff(tiff_tags(40, 24, (bits,) * 3, photometric), bytes(40 * 24 * 3 * bits // 8))
    with pytest.raises(
        BadImageError, match=rf"photometric interpretation {photometric}, {bits} bits\); save it as RGB"
    ):
        read_header(data, LIMITS)


@pytest.mark.parametrize("raw", [{254: (4, (1,)), 330: (4, (8,))}, {50706: (4, (0x01040000,))}])
def test_camera_raws_are_not_taken_for_their_previews(raw: dict[int, tuple[int, tuple[int, ...]]]) -> None:
    data = tiff({**tiff_tags(40, 24, (8, 8, 8), 2), **raw}, colour().tobytes())
    with pytest.raises(BadImageError, match="is a camera raw file; develop it"):
        read_header(data, LIMITS)


@pytest.mark.parametrize("bits", [32, 64])
def test_tiffs_without_a_range_say_what_to_do(bits: int) -> None:
    with pytest.raises(BadImageError, match="save it with 8 or 16 bits a channel"):
        read_header(tiff({**tiff_tags(40, 24, (bits,), 1), 339: (3, (3,))}, bytes(40 * 24 * bits // 8)), LIMITS)
