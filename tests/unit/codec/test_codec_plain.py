"""The short ways round Pillow give its pixels, and refuse what it refuses."""

import io
import struct

import numpy as np
import pytest
import tifffile
from codec_files import LIMITS, SRGB, colour, exif, light, opened, saved, tiff, tiff_tags
from PIL import Image as Pillow

from darkroom.codec import decode
from darkroom.codec.formats import bmp as bmp_format
from darkroom.codec.formats import tiff as tiff_format
from darkroom.errors import BadImageError

SIZES = [(1, 1), (1, 2), (3, 5), (7, 3), (64, 9), (65, 17), (131, 66)]
"""Heights and widths with every padding, and with bands that are full, over and under."""
FOUR = np.dstack((colour(), np.maximum(light(), 1)))


def noise(height: int, width: int, *channels: int) -> np.ndarray:
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, *channels), np.uint8)


def bmp(pixels: np.ndarray, *, header: int = 40, top_down: bool = False, gap: int = 0) -> bytes:
    """A BMP of blue, green, red (and a byte that means nothing), with `gap` bytes before the pixels."""
    height, width, samples = pixels.shape
    rows = np.pad(pixels.reshape(height, -1), ((0, 0), (0, -width * samples % 4)))
    body = (rows if top_down else rows[::-1]).tobytes()
    head = struct.pack("<HHHH", width, height, 1, samples * 8)
    if header != 12:
        head = struct.pack("<iiHHI", width, -height if top_down else height, 1, samples * 8, 0)
    start = 14 + header + gap
    head = b"BM" + struct.pack("<IHHII", start + len(body), 0, 0, start, header) + head.ljust(header - 4, b"\0")
    return head + b"\xee" * gap + body


def tiff_of(pixels: np.ndarray, **options: object) -> bytes:
    """By an independent writer, which puts the pixels last."""
    out = io.BytesIO()
    kind = {} if "photometric" in options else {"photometric": "rgb" if pixels.ndim == 3 else "minisblack"}
    tifffile.imwrite(out, pixels, metadata=None, **kind, **options)
    return out.getvalue()


@pytest.fixture
def no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow would be noticed."""
    monkeypatch.setattr(bmp_format, "BmpImagePlugin", None)
    monkeypatch.setattr(tiff_format, "TiffImagePlugin", None)


def refusal(data: bytes) -> str:
    with pytest.raises(BadImageError) as refused:
        decode(data, LIMITS)
    return str(refused.value)


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("samples", [3, 4])
@pytest.mark.parametrize(("header", "top_down"), [(12, False), (40, False), (40, True), (64, False), (124, True)])
def test_true_colour_bmp(size: tuple[int, int], samples: int, header: int, top_down: bool) -> None:
    pixels = noise(*size, samples)
    data = bmp(pixels, header=header, top_down=top_down, gap=size[1] % 3)
    image = decode(data, LIMITS)
    np.testing.assert_array_equal(image.pixels, pixels[..., 2::-1])
    np.testing.assert_array_equal(image.pixels, np.asarray(opened(data).convert("RGB")))
    assert image.alpha is None
    assert not image.grey


def test_bmp_without_an_offset_begins_behind_its_header() -> None:
    data = bytearray(bmp(noise(5, 3, 3)))
    data[10:14] = bytes(4)
    np.testing.assert_array_equal(decode(bytes(data), LIMITS).pixels, np.asarray(opened(bytes(data))))


@pytest.mark.parametrize("top_down", [False, True])
def test_a_bmp_may_lack_its_last_padding_and_nothing_more(top_down: bool) -> None:
    data = bmp(noise(5, 3, 3), top_down=top_down)
    np.testing.assert_array_equal(decode(data[:-3], LIMITS).pixels, decode(data, LIMITS).pixels)
    assert refusal(data[:-4]) == "The BMP image is truncated: its pixels are not complete."


@pytest.mark.parametrize("start", [2**32 - 1, 2**31, 400])
def test_bmp_pixels_beyond_the_end(start: int) -> None:
    data = bytearray(bmp(noise(5, 3, 3)))
    data[10:14] = struct.pack("<I", start)
    assert "truncated" in refusal(bytes(data))


def test_bmp_headers_of_unknown_size() -> None:
    data = bytearray(bmp(noise(5, 3, 3), header=52))
    data[14] = 50
    assert "of an unknown kind" in refusal(bytes(data))


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"rowsperstrip": 1}, {"rowsperstrip": 2}])
def test_plain_tiff(size: tuple[int, int], channels: tuple[int, ...], order: str, options: dict[str, object]) -> None:
    pixels = noise(*size, *channels)
    data = tiff_of(pixels, byteorder=order, iccprofile=SRGB, **options)
    image = decode(data, LIMITS)
    assert image.grey == (not channels)
    np.testing.assert_array_equal(image.pixels, pixels if channels else np.dstack([pixels] * 3))
    assert image.icc == (SRGB if channels else None)


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize("rows", [24, 25, 2**31, 2**32 - 1])
def test_one_strip_may_announce_more_rows_than_there_are(rows: int) -> None:
    tags = {**tiff_tags(40, 24, (8, 8, 8), 2), 278: (4, (rows,)), 284: (3, (1,)), 339: (3, (1, 1, 1))}
    np.testing.assert_array_equal(decode(tiff(tags, colour().tobytes()), LIMITS).pixels, colour())


@pytest.mark.parametrize(
    ("pixels", "options"),
    [
        (colour(), {"tile": (16, 16)}),
        (colour(), {"tile": (16, 16), "byteorder": ">"}),
        (light(), {"tile": (32, 48)}),
        (np.moveaxis(colour(), 2, 0), {"planarconfig": "separate", "photometric": "rgb"}),
        (light(), {"photometric": "miniswhite"}),
        (FOUR, {"extrasamples": ["unassalpha"]}),
        (light().astype(np.uint16) * 257, {"rowsperstrip": 5}),
    ],
    ids=["tiles", "tiles >", "one tile", "planes", "white is zero", "alpha", "16 bits"],
)
def test_other_layouts_go_through_the_decoder(pixels: np.ndarray, options: dict[str, object]) -> None:
    data = tiff_of(pixels, **options)
    image = decode(data, LIMITS)
    shown = opened(data)
    expected = colour() if pixels.ndim == 3 else light()
    if options.get("photometric") == "miniswhite":
        expected = 255 - light()
    np.testing.assert_array_equal(image.pixels, expected if expected.ndim == 3 else np.dstack([expected] * 3))
    if shown.mode != "I;16":
        np.testing.assert_array_equal(image.pixels, np.asarray(shown.convert("RGB")))
    assert (image.alpha is not None) == (shown.mode == "RGBA")


def test_reversed_bits_go_through_the_decoder() -> None:
    tags = {**tiff_tags(40, 24, (8,), 1), 266: (3, (2,))}
    data = tiff(tags, light().tobytes())
    np.testing.assert_array_equal(decode(data, LIMITS).pixels[..., 0], np.asarray(opened(data)))


@pytest.mark.parametrize(
    ("pixels", "options"),
    [
        (colour(), {}),
        (light(), {"rowsperstrip": 5, "byteorder": ">"}),
        (colour(), {"bigtiff": True}),
        (light().astype(np.uint16) * 257, {}),
        (FOUR, {"extrasamples": ["unassalpha"]}),
        (np.moveaxis(colour(), 2, 0), {"planarconfig": "separate", "photometric": "rgb"}),
        (colour(32, 48), {"tile": (16, 16)}),
    ],
    ids=["colour", "strips", "big", "16 bits", "alpha", "planes", "tiles"],
)
def test_uncompressed_tiffs_without_their_last_byte(pixels: np.ndarray, options: dict[str, object]) -> None:
    """Where the pixels stand last, and nothing behind them can pass for them."""
    data = tiff_of(pixels, **options)
    if "planarconfig" in options:
        pixels = np.moveaxis(pixels, 0, 2)
    at = data.rindex(pixels.tobytes()[-3:]) + 3 if "planarconfig" not in options else len(data)
    assert at == len(data)
    decode(data, LIMITS)
    assert refusal(data[:-1]) == "The TIFF image is truncated: its pixels are not complete."


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("options", [{"lossless": True}, {"lossless": True, "exact": True}, {"quality": 4}, {}])
def test_webp_is_decoded_like_pillow(size: tuple[int, int], channels: int, options: dict[str, object]) -> None:
    for pixels in (noise(*size, channels) | np.uint8(1), np.dstack((colour(*size), light(*size) | 1))[..., :channels]):
        data = saved(pixels, "WEBP", icc_profile=SRGB, **options)
        image, shown = decode(data, LIMITS), np.asarray(opened(data))
        np.testing.assert_array_equal(image.pixels, shown[..., :3])
        assert image.icc == SRGB
        if shown.shape[2] == 4:
            np.testing.assert_array_equal(image.alpha, shown[..., 3])
        else:
            assert image.alpha is None


@pytest.mark.parametrize("pixels", [colour(), FOUR], ids=["colour", "alpha"])
def test_a_webp_is_turned_once(pixels: np.ndarray) -> None:
    data = saved(pixels, "WEBP", lossless=True, exact=True, exif=exif(6))
    image = decode(data, LIMITS)
    np.testing.assert_array_equal(image.pixels, np.rot90(pixels[..., :3], -1))
    assert (image.alpha is not None) == (pixels.shape[2] == 4)


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 90}])
@pytest.mark.parametrize("pixels", [colour(), FOUR], ids=["colour", "alpha"])
def test_webp_pixels_end_with_their_chunk(pixels: np.ndarray, options: dict[str, object]) -> None:
    """A chunk that is too short is damage even where more of the file follows."""
    data = saved(pixels, "WEBP", **options)
    at = data.index(b"VP8L" if "lossless" in options else b"VP8 ")
    (length,) = struct.unpack_from("<I", data, at + 4)
    kept = length // 2 * 2 - 8
    short = data[: at + 4] + struct.pack("<I", kept) + data[at + 8 : at + 8 + kept]
    short = short[:4] + struct.pack("<I", len(short) - 8) + short[8:]
    assert "WebP image is damaged" in refusal(short)
    assert "WebP image is damaged" in refusal(short + data[at + 8 + kept :])
    np.testing.assert_array_equal(decode(data + b"behind it", LIMITS).pixels, decode(data, LIMITS).pixels)


def test_webp_with_a_damaged_tail() -> None:
    data = saved(Pillow.fromarray(colour()), "WEBP", exif=exif(1))
    at = data.index(b"EXIF")
    assert "WebP image is damaged" in refusal(data[: at + 4] + b"\xff\xff\xff\x7f" + data[at + 8 :])


def test_webp_alpha_that_the_extended_header_forgets() -> None:
    data = bytearray(saved(FOUR, "WEBP", lossless=True, exact=True, icc_profile=SRGB))
    data[20] &= ~0x10
    image = decode(bytes(data), LIMITS)
    np.testing.assert_array_equal(np.dstack((image.pixels, image.alpha)), FOUR)
