"""AVIF, HEIC, JPEG XL and GIF; files of several pictures; files that end early."""

import io
import struct
import sys
from pathlib import Path

import numpy as np
import pillow_jxl  # noqa: F401 (Pillow saves JPEG XL with it)
import pytest
import tifffile
from codec_files import LIMITS, chunk, colour, exif, light, pages, saved, tiff, tiff_tags
from PIL import Image as Pillow

from darkroom.codec import decode, open_reader, read_header
from darkroom.errors import BadImageError
from perf.hostile import heic

FRAMES = [np.roll(colour(), 9 * number, axis=1) for number in range(3)]


def animation(name: str) -> bytes:
    first, *rest = (Pillow.fromarray(frame) for frame in FRAMES)
    options = {"lossless": True} if name == "WEBP" else {"quality": 100} if name == "AVIF" else {}
    return saved(first, name, save_all=True, append_images=rest, duration=50, **options)


def distance(one: np.ndarray, other: np.ndarray) -> int:
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other).max())


def refusal(data: bytes, **choice: object) -> str:
    with pytest.raises(BadImageError) as refused:
        decode(data, LIMITS, **choice)
    return str(refused.value)


def test_heic() -> None:
    image = decode(heic.PLAIN, LIMITS)
    assert image.format == "heic"
    assert image.icc is None
    assert distance(image.pixels, colour(48, 64)) < 12
    grey = decode(heic.GREY, LIMITS)
    assert grey.grey
    assert distance(grey.pixels, np.dstack([light(48, 64)] * 3)) < 6
    alpha = decode(heic.ALPHA, LIMITS)
    assert alpha.alpha is not None
    assert distance(alpha.alpha, light(48, 64)) < 12


def test_rotations_of_the_container_are_applied_once() -> None:
    header = read_header(heic.ROTATED, LIMITS)
    assert (header.width, header.height) == (48, 64)
    assert distance(decode(heic.ROTATED, LIMITS).pixels, np.rot90(colour(48, 64), -1)) < 12
    avif = saved(colour(48, 64), "AVIF", quality=95, exif=exif(6))
    assert distance(decode(avif, LIMITS).pixels, np.rot90(colour(48, 64), -1)) < 12


def test_ten_bits_of_heic() -> None:
    y, x = np.mgrid[0:48, 0:64]
    with open_reader(heic.TEN_BITS, LIMITS) as reader:
        assert reader.bits == reader.header.bits == 16
        pixels, _ = reader.read(48)
    assert distance(pixels[..., 1], x * 1000 + y * 50) < 500
    assert pixels.max() > 65_000


@pytest.mark.parametrize("choice", [None, 0, 1])
def test_a_heic_collection_shows_its_main_picture_or_the_chosen_one(choice: int | None) -> None:
    with open_reader(heic.TWO, LIMITS, frame=choice) as reader:
        assert reader.report == {"frame": choice or 0, "frames": 2}
        pixels, _ = reader.read(48)
    assert (distance(pixels, colour(48, 64)) < 12) == (choice != 1)


@pytest.mark.parametrize("kind", ["colour", "grey", "alpha"])
def test_avif(kind: str) -> None:
    stored = {"colour": colour(), "grey": light(), "alpha": np.dstack((colour(), light() | 1))}[kind]
    image = decode(saved(stored, "AVIF", quality=100, subsampling="4:4:4"), LIMITS)
    assert image.format == "avif"
    if kind == "alpha":
        assert image.alpha is not None
        assert distance(image.alpha, light() | 1) <= 4
    assert distance(image.pixels, np.dstack([light()] * 3) if kind == "grey" else colour()) < 8


@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize("kind", ["colour", "grey", "alpha", "deep"])
def test_jpeg_xl(kind: str, box: bool) -> None:
    sixteen = light().astype(np.uint16) * 250
    kinds = {"colour": colour(), "grey": light(), "alpha": np.dstack((colour(), light() | 1)), "deep": sixteen}
    data = saved(kinds[kind], "JXL", lossless=True, use_container=box)
    header = read_header(data, LIMITS)
    assert (header.format, header.width, header.height) == ("jxl", 40, 24)
    assert (header.grey, header.alpha, header.bits) == (
        kind in ("grey", "deep"),
        kind == "alpha",
        16 if kind == "deep" else 8,
    )
    with open_reader(data, LIMITS) as reader:
        pixels, alpha = reader.read(24)
    expected = {"grey": np.dstack([light()] * 3), "deep": np.dstack([sixteen] * 3)}.get(kind, colour())
    np.testing.assert_array_equal(pixels, expected)
    if alpha is not None:
        np.testing.assert_array_equal(alpha, light() | 1)


def test_jpeg_xl_sizes_of_every_coding() -> None:
    for height, width in ((8, 8), (24, 36), (300, 400), (600, 1), (1, 9000), (513, 769)):
        header = read_header(saved(np.zeros((height, width, 3), np.uint8), "JXL", effort=1), LIMITS)
        assert (header.height, header.width) == (height, width)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_that_was_packed_into_jpeg_xl_comes_back(tmp_path: Path, orientation: int) -> None:
    jpeg = saved(colour(), "JPEG", quality=95, exif=exif(orientation))
    (tmp_path / "a.jpg").write_bytes(jpeg)
    packed = saved(Pillow.open(tmp_path / "a.jpg"), "JXL", lossless_jpeg=True)
    assert b"jbrd" in packed
    header = read_header(packed, LIMITS)
    assert (header.width, header.height) == ((40, 24) if orientation == 1 else (24, 40))
    np.testing.assert_array_equal(decode(packed, LIMITS).pixels, decode(jpeg, LIMITS).pixels)


def test_jpeg_xl_may_not_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(colour(), "JXL")
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    assert refusal(data) == "JPEG XL is not installed on this server; send the image as PNG, JPEG or AVIF."


def test_still_gifs() -> None:
    palette = Pillow.fromarray(colour()).quantize(64)
    image = decode(saved(palette, "GIF"), LIMITS)
    assert image.alpha is None
    np.testing.assert_array_equal(image.pixels, np.asarray(palette.convert("RGB")))
    hole = np.dstack((np.full((24, 40, 3), 80, np.uint8), np.where(light() > 90, 255, 0).astype(np.uint8)))
    clear = decode(saved(hole, "GIF"), LIMITS)
    np.testing.assert_array_equal(clear.alpha, hole[..., 3])
    assert distance(clear.pixels, hole[..., :3]) <= 1


@pytest.mark.parametrize("name", ["GIF", "PNG", "WEBP", "AVIF"])
def test_one_frame_of_an_animation(name: str) -> None:
    data = animation(name)
    assert "has 3 frames" in refusal(data)
    assert refusal(data, frame=3).endswith("the option frame must be at most 2, got 3.")
    for number, frame in enumerate(FRAMES):
        assert read_header(data, LIMITS, frame=number).width == 40
        with open_reader(data, LIMITS, frame=number) as reader:
            assert reader.report == {"frame": number, "frames": 3}
            pixels, _ = reader.read(24)
        assert np.abs(pixels.astype(int) - frame).mean() <= {"GIF": 5, "AVIF": 3}.get(name, 0)


def test_one_page_of_a_tiff() -> None:
    data = pages(*FRAMES)
    for number, page in enumerate(FRAMES):
        np.testing.assert_array_equal(decode(data, LIMITS, frame=number).pixels, page)
    assert "at most 2, got 7" in refusal(data, frame=7)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "GIF", "AVIF", "TIFF", "BMP", "JXL"])
def test_a_single_picture_is_frame_0(name: str) -> None:
    data = saved(colour(), name)
    with open_reader(data, LIMITS, frame=0) as reader:
        assert reader.report == {}
    assert refusal(data, frame=1).endswith("the option frame must be at most 0, got 1.")


def test_a_thumbnail_before_the_picture() -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(colour()[::3, ::3].copy(), photometric="rgb", subfiletype=1, metadata=None)
        writer.write(colour(), photometric="rgb", metadata=None)
    np.testing.assert_array_equal(decode(out.getvalue(), LIMITS).pixels, colour())


def test_far_frames_of_large_animations_are_refused() -> None:
    frame = b"\x21\xf9\x04\x04\1\0\0\0," + struct.pack("<HHHHB", 0, 0, 9000, 9000, 0) + b"\x02\x02\x4c\x01\x00"
    data = b"GIF89a" + struct.pack("<HHBBB", 9000, 9000, 0x80, 0, 0) + bytes(6) + frame * 500 + b";"
    assert "the option frame may be at most 12" in refusal(data, frame=400)


def test_an_animation_of_one_frame_is_a_picture() -> None:
    control = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 40, 24, 0, 0, 1, 10, 0, 0))
    data = saved(colour(), "PNG")
    data = data[:33] + chunk(b"acTL", struct.pack(">II", 1, 0)) + control + data[33:]
    np.testing.assert_array_equal(decode(data, LIMITS).pixels, colour())


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "restart_marker_rows": 1}])
def test_jpeg_without_its_end(options: dict[str, object]) -> None:
    data = saved(colour(120, 160), "JPEG", **options)
    np.testing.assert_array_equal(decode(data[:-2], LIMITS).pixels, decode(data, LIMITS).pixels)
    np.testing.assert_array_equal(decode(data[:-1], LIMITS).pixels, decode(data, LIMITS).pixels)


@pytest.mark.parametrize("tail", [12, 8, 4, 1])
def test_png_without_its_end(tail: int) -> None:
    np.testing.assert_array_equal(decode(saved(colour(), "PNG")[:-tail], LIMITS).pixels, colour())


def test_cut_jpegs_are_read_as_far_as_they_go() -> None:
    noise = np.random.default_rng(5).integers(0, 256, (160, 160, 3), np.uint8)
    data = saved(noise, "JPEG", quality=95)
    whole, cut = decode(data, LIMITS).pixels, data[: len(data) * 6 // 10]
    assert "truncated=accept" in refusal(cut)
    with open_reader(cut, LIMITS, truncated="accept") as reader:
        pixels, _ = reader.read(160)
        report = reader.report
    assert report["truncated"] is True
    present = 160 - report["missing_rows"]
    assert 80 <= present <= 112
    np.testing.assert_array_equal(pixels[: present - 32], whole[: present - 32])
    assert (pixels[present:] == 128).all()
    with open_reader(data, LIMITS, truncated="accept") as reader:
        np.testing.assert_array_equal(reader.read(160)[0], whole)
        assert reader.report == {}


@pytest.mark.parametrize("kind", ["colour", "grey", "alpha", "deep", "palette"])
def test_cut_pngs_are_read_as_far_as_they_go(kind: str) -> None:
    noise = np.random.default_rng(6).integers(1, 256, (160, 160, 4), np.uint8)
    deep = noise[..., 0].astype(np.uint16) * 257
    palette = Pillow.fromarray(noise[..., :3]).quantize(256)
    kinds = {"colour": noise[..., :3], "grey": noise[..., 0], "alpha": noise, "deep": deep, "palette": palette}
    data = saved(kinds[kind], "PNG")
    whole = decode(data, LIMITS)
    cut = data[: len(data) * 6 // 10]
    assert "truncated=accept" in refusal(cut)
    with open_reader(cut, LIMITS, truncated="accept", bits=8) as reader:
        pixels, alpha = reader.read(160)
        report = reader.report
    present = 160 - report["missing_rows"]
    assert 85 <= present <= 97
    np.testing.assert_array_equal(pixels[:present], whole.pixels[:present])
    assert (pixels[present:] == 128).all()
    if alpha is not None:
        assert (alpha[present:] == 255).all()


def test_lab() -> None:
    """L of 0 to 255 stands for 0 to 100; a and b are signed."""
    samples = np.array([[(255, 0, 0), (0, 0, 0), (137, 206, 20), (137, 50, 186)]], np.uint8)
    image = decode(tiff(tiff_tags(4, 1, (8, 8, 8), 8), samples.tobytes()), LIMITS)
    white, black, green, red = image.pixels[0].astype(int)
    assert white.min() >= 253
    assert black.max() <= 2
    assert green[1] > green[0] + 60
    assert red[0] > red[1] + 60
