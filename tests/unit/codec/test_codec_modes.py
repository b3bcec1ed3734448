"""Every kind of pixel that the accepted formats store comes out as a viewer would show it."""

import struct
import zlib

import numpy as np
import pytest
from codec_files import (
    LIMITS,
    chunk,
    cmyk_profile,
    colour,
    light,
    opened,
    png,
    png_of,
    saved,
    tiff,
    tiff_tags,
)
from PIL import Image as Pillow

from darkroom.codec import decode, read_header
from darkroom.codec.image import Image
from darkroom.errors import BadImageError

_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
SIXTEEN = light().astype(np.uint16) * 257
OPACITY = np.maximum(light(), 1)
"""Alpha that hides nothing: hidden pixels lose their colours."""


def decoded(data: bytes) -> Image:
    image = decode(data, LIMITS)
    header = read_header(data, LIMITS)
    assert (header.width, header.height, header.alpha) == (image.width, image.height, image.alpha is not None)
    assert image.pixels.dtype == np.uint8
    assert image.pixels.ndim == 3
    return image


def assert_grey(data: bytes, expected: np.ndarray, tolerance: int = 0) -> Image:
    image = decoded(data)
    assert image.grey
    assert np.abs(image.pixels.astype(int) - expected[..., None]).max() <= tolerance
    return image


def assert_colour(data: bytes, expected: np.ndarray, tolerance: int = 0) -> Image:
    image = decoded(data)
    assert not image.grey
    assert np.abs(image.pixels.astype(int) - expected).max() <= tolerance
    return image


@pytest.mark.parametrize(("name", "tolerance"), [("PNG", 0), ("TIFF", 0), ("BMP", 0), ("JPEG", 4)])
def test_grey_stays_grey(name: str, tolerance: int) -> None:
    assert_grey(saved(light(), name), light(), tolerance)


@pytest.mark.parametrize("name", ["PNG", "TIFF", "BMP", "JPEG", "WEBP"])
def test_colour(name: str) -> None:
    options = {"PNG": {}, "TIFF": {}, "BMP": {}, "WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    assert_colour(saved(colour(), name, **options[name]), colour(), 4 if name == "JPEG" else 0)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}, {"subsampling": 1}])
def test_jpeg_is_decoded_like_pillow(options: dict[str, int]) -> None:
    data = saved(colour(67, 101), "JPEG", quality=92, **options)
    assert_colour(data, np.asarray(opened(data)), 1)


@pytest.mark.parametrize("name", ["PNG", "TIFF", "BMP"])
def test_one_bit(name: str) -> None:
    bits = Pillow.fromarray(light() > 100)
    assert_grey(saved(bits, name), np.where(light() > 100, 255, 0))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_png_grey_of_few_bits(bits: int) -> None:
    rows = b"\0" + bytes([0b00011011])
    values = {1: [0, 0, 0, 1, 1, 0, 1, 1], 2: [0, 1, 2, 3], 4: [1, 11]}[bits]
    expected = np.array([values]) * 255 // (2**bits - 1)
    assert_grey(png(len(values), 1, bits, 0, rows), expected)


@pytest.mark.parametrize("size", [(24, 40), (1, 1), (3, 2), (9, 5)])
def test_png_interlaced(size: tuple[int, int]) -> None:
    """Adam7 (W3C PNG, 8.1), unfiltered rows."""
    picture, rows = colour(*size), b""
    for left, top, across, down in _PASSES:
        part = picture[top::down, left::across]
        if part.size:
            rows += b"".join(b"\0" + row.tobytes() for row in part)
    plain = png(size[1], size[0], 8, 2, rows)
    head = plain[16:28] + b"\1"
    assert_colour(plain[:8] + chunk(b"IHDR", head) + plain[33:], picture)


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_grey_with_alpha(name: str) -> None:
    image = assert_grey(saved(np.dstack((light(), OPACITY[::-1])), name), light())
    np.testing.assert_array_equal(image.alpha, OPACITY[::-1])


@pytest.mark.parametrize(("name", "options"), [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True, "exact": True})])
def test_colour_with_alpha(name: str, options: dict[str, bool]) -> None:
    image = assert_colour(saved(np.dstack((colour(), OPACITY)), name, **options), colour())
    np.testing.assert_array_equal(image.alpha, OPACITY)


@pytest.mark.parametrize("name", ["PNG", "TIFF", "BMP"])
def test_palette(name: str) -> None:
    palette = Pillow.fromarray(colour()).quantize(16)
    assert_colour(saved(palette, name), np.asarray(palette.convert("RGB")))


@pytest.mark.parametrize("transparency", [3, bytes((0, 128, 255, 40))])
def test_palette_with_transparency(transparency: int | bytes) -> None:
    palette = Pillow.fromarray(colour()).quantize(8)
    data = saved(palette, "PNG", transparency=transparency)
    shown = np.asarray(opened(data).convert("RGBA"))
    image = decoded(data)
    np.testing.assert_array_equal(image.alpha, shown[..., 3])
    visible = shown[..., 3] > 0
    np.testing.assert_array_equal(image.pixels[visible], shown[visible, :3])
    assert len(np.unique(shown[..., 3])) > 1


def test_palette_with_alpha_in_tiff() -> None:
    picture = Pillow.fromarray(colour()).quantize(8).convert("PA")
    picture.putalpha(Pillow.fromarray(OPACITY))
    image = assert_colour(saved(picture, "TIFF"), np.asarray(picture.convert("RGB")))
    np.testing.assert_array_equal(image.alpha, OPACITY)


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_png_transparent_grey(bits: int) -> None:
    key = {2: 2, 4: 11, 8: 77, 16: 0x4D31}[bits]
    rows = {2: bytes([0b00011011]), 4: bytes([0x1B, 0x00]), 8: bytes((0, 1, 77, 78)), 16: b"\x4d\x30\x4d\x31\0\0\1\1"}
    columns = {2: 4, 4: 4, 8: 4, 16: 4}[bits]
    image = decoded(png(columns, 1, bits, 0, b"\0" + rows[bits], chunk(b"tRNS", struct.pack(">H", key))))
    assert image.grey
    expected = {2: [255, 255, 0, 255], 4: [255, 0, 255, 255], 8: [255, 255, 0, 255], 16: [255, 0, 255, 255]}
    assert image.alpha is not None
    assert image.alpha.tolist() == [expected[bits]]


@pytest.mark.parametrize("bits", [8, 16])
def test_png_transparent_colour(bits: int) -> None:
    factor = 257 if bits == 16 else 1
    key = colour()[5, 7].astype(int) * factor
    image = decoded(png_of(colour().astype(int) * factor, bits, 2, chunk(b"tRNS", struct.pack(">HHH", *key))))
    hidden = (colour() == colour()[5, 7]).all(axis=2)
    np.testing.assert_array_equal(image.alpha == 0, hidden)
    np.testing.assert_array_equal(image.pixels[~hidden], colour()[~hidden])


def test_sixteen_bits_png() -> None:
    assert_grey(png_of(SIXTEEN, 16, 0), light())
    assert_colour(png_of(colour().astype(int) * 257, 16, 2), colour())
    grey = assert_grey(png_of(np.dstack((SIXTEEN, OPACITY[::-1].astype(np.uint16) * 257)), 16, 4), light())
    np.testing.assert_array_equal(grey.alpha, OPACITY[::-1])
    four = np.dstack((colour(), OPACITY)).astype(int) * 257
    image = assert_colour(png_of(four, 16, 6), colour())
    np.testing.assert_array_equal(image.alpha, OPACITY)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [1, 8])
def test_sixteen_bits_tiff(order: str, compression: int) -> None:
    def stored(samples: np.ndarray) -> bytes:
        raw = samples.astype(order + "u2").tobytes()
        return raw if compression == 1 else zlib.compress(raw)

    method = {259: (3, (compression,))}
    assert_grey(tiff({**tiff_tags(40, 24, (16,), 1), **method}, stored(SIXTEEN), order), light())
    inverted = tiff({**tiff_tags(40, 24, (16,), 0), **method}, stored(65535 - SIXTEEN), order)
    assert_grey(inverted, light())
    three = colour().astype(np.uint16) * 257
    assert_colour(tiff({**tiff_tags(40, 24, (16, 16, 16), 2), **method}, stored(three), order), colour())


def test_twelve_bits_tiff() -> None:
    twelve = (light().astype(int) << 4 | light() >> 4).reshape(-1, 2)
    packed = np.stack((twelve[:, 0] >> 4, (twelve[:, 0] & 15) << 4 | twelve[:, 1] >> 8, twelve[:, 1] & 255), axis=1)
    assert_grey(tiff(tiff_tags(40, 24, (12,), 1), packed.astype(np.uint8).tobytes()), light())


def test_white_is_zero() -> None:
    assert_grey(tiff(tiff_tags(40, 24, (8,), 0), (255 - light()).tobytes()), light())


@pytest.mark.parametrize("bits", [8, 16])
def test_separate_planes(bits: int) -> None:
    planes = np.moveaxis(colour(), 2, 0)
    samples = planes if bits == 8 else planes.astype(np.uint16) * 257
    tags = {**tiff_tags(40, 24, (bits,) * 3, 2), 284: (3, (2,))}
    offset, size = 8, samples[0].nbytes
    whole = tiff(tags, samples.tobytes())
    # The builder knows one strip: point its two entries at three values each, put behind everything else.
    at = len(whole)
    for tag, values in ((273, [offset + size * n for n in range(3)]), (279, [size] * 3)):
        entry = struct.pack("<HHI", tag, 4, 1)
        assert whole.count(entry) == 1
        whole = whole.replace(entry + whole[whole.index(entry) + 8 :][:4], struct.pack("<HHII", tag, 4, 3, at))
        whole += struct.pack("<3I", *values)
        at = len(whole)
    assert_colour(whole, colour())


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "zstd"])
def test_compressed_tiff(compression: str) -> None:
    data = saved(colour(), "TIFF", compression=compression, **({"quality": 100} if compression == "jpeg" else {}))
    assert_colour(data, colour(), 6 if compression == "jpeg" else 0)


def test_big_tiff_and_fax() -> None:
    assert_colour(saved(colour(), "TIFF", big_tiff=True), colour())
    bits = Pillow.fromarray(light() > 100)
    assert_grey(saved(bits, "TIFF", compression="group4"), np.where(light() > 100, 255, 0))


def test_ycbcr_tiff() -> None:
    picture = Pillow.fromarray(colour()).convert("YCbCr")
    assert_colour(saved(picture, "TIFF"), np.asarray(picture.convert("RGB")))
    tags = {**tiff_tags(40, 24, (8, 8, 8), 6), 530: (3, (2, 2))}
    with pytest.raises(BadImageError, match="subsampled chroma"):
        decode(tiff(tags, bytes(40 * 24 * 3)), LIMITS)


def test_premultiplied_alpha_is_divided_out() -> None:
    alpha = np.maximum(light(), 64)
    premultiplied = (colour() * (alpha[..., None] / 255)).round().astype(np.uint8)
    tags = {**tiff_tags(40, 24, (8, 8, 8, 8), 2), 338: (3, (1,))}
    image = assert_colour(tiff(tags, np.dstack((premultiplied, alpha)).tobytes()), colour(), 4)
    np.testing.assert_array_equal(image.alpha, alpha)


@pytest.mark.parametrize("name", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile(name: str) -> None:
    picture = Pillow.fromarray(colour()).convert("CMYK")
    assert_colour(saved(picture, name), colour(), 6 if name == "JPEG" else 1)


def test_ycck() -> None:
    """YCCK is CMYK's inverse as YCbCr plus K; a CMYK file without its colour transform is relabelled to make one."""
    plain = saved(Pillow.fromarray(colour()).convert("CMYK"), "JPEG", quality=100, subsampling=0)
    marker = plain.index(b"Adobe")
    assert plain[marker + 11] == 0
    data = plain[: marker + 11] + b"\2" + plain[marker + 12 :]
    assert_colour(data, np.asarray(opened(data).convert("RGB")), 2)


@pytest.mark.parametrize("name", ["JPEG", "TIFF"])
def test_cmyk_goes_through_its_profile(name: str) -> None:
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[:, 8:, 0] = 255
    data = saved(Pillow.fromarray(inks, "CMYK"), name, icc_profile=cmyk_profile())
    image = decoded(data)
    assert image.icc is None
    assert image.pixels[8, 2].min() >= 250
    red, green, blue = image.pixels[8, 13].astype(int)
    assert red > 200
    assert max(green, blue) < 60
    assert decode(data.replace(b"CMYKLab ", b"CMYKxxxx"), LIMITS).pixels[8, 13].tolist()[0] < 20


@pytest.mark.parametrize(
    ("picture", "bits"),
    [(np.zeros((4, 4), np.float32), 32), (np.zeros((4, 4), np.int32), 32)],
    ids=["float", "integer"],
)
def test_samples_without_a_range_are_refused(picture: np.ndarray, bits: int) -> None:
    with pytest.raises(BadImageError, match=rf"{bits}-bit samples of type \d; only unsigned integers of up to 16 bits"):
        read_header(saved(picture, "TIFF"), LIMITS)


def test_run_length_bmp_is_refused() -> None:
    data = bytearray(saved(light(), "BMP"))
    data[30] = 1
    with pytest.raises(BadImageError, match="run-length compressed; only uncompressed BMP"):
        read_header(bytes(data), LIMITS)


def test_bmp_alpha_counts_only_where_a_mask_declares_it() -> None:
    four = np.dstack((colour(), OPACITY))
    assert_colour(saved(four, "BMP"), colour())
    head = struct.pack("<IiiHHIIiiII", 108, 40, -24, 1, 32, 3, four.nbytes, 0, 0, 0, 0)
    head += struct.pack("<IIII", 0xFF, 0xFF00, 0xFF0000, 0xFF000000) + bytes(108 - 56)
    image = assert_colour(b"BM" + struct.pack("<IHHI", 122 + four.nbytes, 0, 0, 122) + head + four.tobytes(), colour())
    np.testing.assert_array_equal(image.alpha, OPACITY)


def test_top_down_bmp() -> None:
    data = bytearray(saved(colour(), "BMP"))
    data[22:26] = struct.pack("<i", -24)
    assert_colour(bytes(data), colour()[::-1])
