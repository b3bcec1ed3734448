"""What is not accepted is refused with a sentence, from the header, at no cost; nothing else than BadImageError."""

import resource
import struct
import time
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from codec_files import LIMITS, after_header, chunk, colour, light, pages, png, saved, tiff, tiff_tags
from PIL import Image as Pillow

from darkroom.codec import decode, read_header
from darkroom.config import Limits
from darkroom.errors import BadImageError

ACCEPTED = "JPEG, PNG, WebP, AVIF, HEIC, JPEG XL, TIFF, GIF and BMP are accepted"


def sentence(data: bytes, limits: Limits = LIMITS) -> str:
    """The refusal, the same from header and decoder."""
    with pytest.raises(BadImageError) as refused:
        read_header(data, limits)
    with pytest.raises(BadImageError) as again:
        decode(data, limits)
    assert str(again.value) == str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty (0 bytes)"),
        (b"hello world", "11 bytes are not an image: they begin with 'hello wo'"),
        (b"\0\1\xfe\xff", r"they begin with '\x00\x01\xfe\xff'"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "is a video file"),
        (b"\0\0\0\x18ftypcrx \0\0\0\0", "is a Canon raw file"),
        (saved(colour(), "JPEG2000"), "is a JPEG 2000 file"),
        (saved(colour(), "ICO"), "is an ICO file"),
        (b"%PDF-1.7", "is a PDF file"),
        (b"<svg xmlns=", "is an SVG file"),
    ],
)
def test_other_formats_are_named(data: bytes, words: str) -> None:
    message = sentence(data)
    assert words in message
    assert ACCEPTED in message


@pytest.mark.parametrize("name", ["PNG", "WEBP", "GIF", "AVIF"])
def test_animations(name: str) -> None:
    frames = [Pillow.fromarray(colour()), Pillow.fromarray(colour()[::-1])]
    message = sentence(saved(frames[0], name, save_all=True, append_images=frames[1:]))
    assert "has 2 frames" in message
    assert "option frame, 0 to 1" in message


def test_pages() -> None:
    assert sentence(pages(colour(), colour()[::-1])) == (
        "The TIFF image has 2 pages; only one picture at a time is processed: choose it with the option frame, 0 to 1."
    )


@pytest.mark.parametrize(("kind", "accepted"), [(1, True), (4, True), (0, False), (2, False)])
def test_a_thumbnail_or_mask_is_no_page(kind: int, accepted: bool) -> None:
    second = Pillow.fromarray(colour()[::3, ::3])
    second.encoderinfo = {"tiffinfo": {254: kind}}
    data = saved(Pillow.fromarray(colour()), "TIFF", save_all=True, append_images=[second])
    if accepted:
        np.testing.assert_array_equal(decode(data, LIMITS).pixels, colour())
    else:
        assert "has 2 pages" in sentence(data)


def zero_sized() -> list[bytes]:
    bmp = bytearray(saved(colour(), "BMP"))
    bmp[18:22] = bytes(4)
    jpeg = bytearray(saved(colour(), "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 7] = bytes(2)
    return [png(0, 5, 8, 2, b""), tiff(tiff_tags(5, 0, (8,), 1), b"x"), bytes(bmp), bytes(jpeg)]


@pytest.mark.parametrize("data", zero_sized(), ids=["png", "tiff", "bmp", "jpeg"])
def test_zero_sized(data: bytes) -> None:
    assert "both sides must be at least 1" in sentence(data)


def test_limits_are_named() -> None:
    data = saved(colour(), "PNG")
    assert sentence(data, Limits(max_bytes=100)) == (f"The image file has {len(data)} bytes; at most 100 are allowed.")
    assert sentence(data, Limits(max_pixels=959)) == (
        "The image is 40 x 24 pixels, 960 in all; at most 959 are allowed."
    )
    assert read_header(data, Limits(max_bytes=len(data), max_pixels=960)).width == 40


def huge() -> dict[str, bytes]:
    """60,000 x 60,000 pixels (16,384 in WebP, its most) in under a kilobyte."""
    side = 60_000
    bmp = bytearray(saved(colour(2, 2), "BMP"))
    bmp[18:26] = struct.pack("<ii", side, side)
    jpeg = bytearray(saved(colour(2, 2), "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    webp = bytearray(saved(colour(2, 2), "WEBP", lossless=True))
    webp[21:25] = struct.pack("<I", 0x3FFF | 0x3FFF << 14)
    return {
        "png": png(side, side, 8, 2, bytes(1000)),
        "tiff": tiff(tiff_tags(side, side, (8, 8, 8), 2), b"x"),
        "bmp": bytes(bmp),
        "jpeg": bytes(jpeg),
        "webp": bytes(webp),
    }


@pytest.mark.parametrize("name", huge())
def test_a_huge_picture_costs_neither_memory_nor_time(name: str) -> None:
    data = huge()[name]
    sentence(data)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    try:
        message = sentence(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    began = time.perf_counter()
    for _ in range(100):
        with pytest.raises(BadImageError):
            decode(data, LIMITS)
    assert time.perf_counter() - began < 3
    assert peak < 100_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident < 4096  # KiB
    assert "at most 100000000 are allowed" in message


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "jpeg"}),
        ("BMP", {}),
    ],
)
def test_truncated_files_give_no_partial_picture(name: str, options: dict[str, bool | str]) -> None:
    data = saved(colour(120, 160), name, **options)
    for keep in (0.03, 0.3, 0.6, 0.9, 0.97):
        with pytest.raises(BadImageError, match="truncated"):
            decode(data[: max(32, int(len(data) * keep))], LIMITS)


def test_a_cut_jpeg_with_its_end_put_back_is_noticed() -> None:
    data = saved(colour(120, 160), "JPEG", quality=95)
    with pytest.raises(BadImageError, match="JPEG image is truncated: its pixels"):
        decode(data[: len(data) * 2 // 3] + b"\xff\xd9", LIMITS)


def test_a_png_with_too_few_rows_is_truncated() -> None:
    with pytest.raises(BadImageError, match="PNG image is truncated or damaged: its pixels"):
        decode(png(40, 24, 8, 0, bytes(41 * 20)), LIMITS)


def test_a_tiff_with_too_few_strips_is_truncated() -> None:
    tags = {**tiff_tags(40, 24, (8,), 1), 278: (4, (8,))}
    with pytest.raises(BadImageError, match="TIFF image is truncated: its pixels"):
        decode(tiff(tags, light()[:8].tobytes()), LIMITS)


def test_harmless_damage_does_not_refuse_a_good_jpeg() -> None:
    data = saved(colour(), "JPEG", quality=100, subsampling=0)
    assert np.abs(decode(data[:-2] + bytes(9) + data[-2:], LIMITS).pixels.astype(int) - colour()).max() < 5
    assert decode(data + b"preview behind the picture", LIMITS).pixels.shape == (24, 40, 3)


def test_text_and_profile_bombs_cost_nothing() -> None:
    bomb = zlib.compress(bytes(200_000_000), 9)
    texts = [chunk(b"zTXt", b"Comment\0\0" + bomb)] * 20 + [chunk(b"iCCP", b"p\0\0" + bomb)]
    data = after_header(saved(colour(), "PNG"), *texts)
    tracemalloc.start()
    began = time.perf_counter()
    try:
        image = decode(data, LIMITS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - began < 3
    assert peak < 24 * 2**20
    assert image.icc is None
    np.testing.assert_array_equal(image.pixels, colour())


def test_tags_that_point_at_the_same_bytes_are_not_read() -> None:
    tags = dict.fromkeys(range(40000, 43000), (4, (0,)))
    data = bytearray(tiff({**tiff_tags(40, 24, (8,), 1), **tags}, light().tobytes()) + bytes(2**20))
    for tag in tags:
        at = data.index(struct.pack("<HHI", tag, 4, 1))
        data[at + 4 : at + 12] = struct.pack("<II", 2**18, 8)
    tracemalloc.start()
    try:
        assert "more values than the file has bytes" in sentence(bytes(data))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * 2**20


@pytest.mark.parametrize(("tag", "count"), [(258, 2**20), (273, 2**22), (279, 2**22), (320, 2**24), (322, 2**20)])
def test_absurd_tag_counts(tag: int, count: int) -> None:
    data = bytearray(tiff({**tiff_tags(40, 24, (8,), 1), tag: (4, (8,))}, light().tobytes()))
    at = data.index(struct.pack("<HHI", tag, 4, 1))
    data[at + 4 : at + 8] = struct.pack("<I", count)
    assert "damaged" in sentence(bytes(data))


@pytest.mark.parametrize("tag", [256, 258, 262, 277])
def test_offsets_beyond_what_a_machine_word_holds(tag: int) -> None:
    """BigTIFF's are 64 bits without a sign."""
    entry = struct.pack("<HHQQ", tag, 16, 5, 2**64 - 1)
    assert "header is not complete" in sentence(b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 1) + entry + bytes(8))


@pytest.mark.parametrize("bits", [0, 3, 24, 32, 255])
def test_a_depth_that_no_png_has_does_not_inflate_gigabytes(bits: int) -> None:
    data = png(1500, 1500, bits, 6, bytes(100_000_000))
    tracemalloc.start()
    try:
        assert "valid IHDR" in sentence(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**20


def test_absurd_tiles() -> None:
    tags = {322: (4, (2**20,)), 323: (4, (2**20,)), 324: (4, (8,)), 325: (4, (960,))}
    assert "tiles are 1048576 x 1048576" in sentence(tiff({**tiff_tags(40, 24, (8,), 1), **tags}, light().tobytes()))


def test_scans_without_end() -> None:
    data = saved(colour(), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    bomb = data[:start] + data[start:-2] * 300 + data[-2:]
    with pytest.raises(BadImageError, match=r"has 3\d\d scans; at most 64 are allowed"):
        decode(bomb, LIMITS)


def test_many_chunks_and_segments_are_given_up_quickly() -> None:
    chunks = after_header(saved(colour(), "PNG"), chunk(b"prVt", b"") * 1_000_000)
    segments = b"\xff\xd8" + b"\xff\xe5\0\2" * 1_000_000
    began = time.perf_counter()
    assert "more than 100000 chunks" in sentence(chunks)
    assert "more than 10000 segments" in sentence(segments)
    assert time.perf_counter() - began < 3


def test_a_jpeg_whose_size_lies() -> None:
    data = bytearray(saved(colour(), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 4000, 4000)
    with pytest.raises(BadImageError, match="truncated"):
        decode(bytes(data), LIMITS)


def test_rare_jpegs_are_named() -> None:
    data = bytearray(saved(colour(), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 4] = 12
    assert "12 bits" in sentence(bytes(data))
    data[frame + 1 : frame + 2], data[frame + 4] = b"\xc3", 8
    assert "frame type 3" in sentence(bytes(data))


def test_no_global_state_of_pillow_is_touched() -> None:
    from PIL import ImageFile

    before = Pillow.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    limits = Limits(max_pixels=400_000_000)
    with pytest.raises(BadImageError, match="truncated"):
        decode(png(20_000, 20_000, 1, 0, bytes(1000)), limits)
    assert before == (Pillow.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


def test_threads_do_not_meet() -> None:
    files = [saved(np.roll(colour(), shift, axis=1), "PNG") for shift in range(16)]
    with ThreadPoolExecutor(8) as pool:
        images = list(pool.map(lambda data: decode(data, LIMITS), files * 4))
    for shift, image in enumerate(images):
        np.testing.assert_array_equal(image.pixels, np.roll(colour(), shift % 16, axis=1))


@pytest.mark.parametrize(
    "data", [b"BM" + bytes(60), saved(colour(), "PNG")[:-20], b"II*\0" + bytes(20), b"\xff\xd8\xff"]
)
def test_messages_name_nothing_inside_the_process(data: bytes) -> None:
    message = sentence(data)
    assert "object at" not in message
    assert "/" not in message
