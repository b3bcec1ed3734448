"""Which format and depth an answer has, and the sentences for what a format cannot hold."""

import pytest

from darkroom.codec import MAX_SIDE, Description, check_output_size, open_writer, resolve_depth, resolve_format
from darkroom.errors import BadOptionError


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("jpeg", "jpeg"),
        ("png", "png"),
        ("webp", "webp"),
        ("tiff", "tiff"),
        ("avif", "avif"),
        ("bmp", "png"),
        ("gif", "png"),
        ("heic", "jpeg"),
        ("jxl", "png"),
    ],
)
def test_same(source: str, target: str) -> None:
    assert resolve_format("same", source) == target
    assert resolve_format("webp", source) == "webp"


def test_a_transparent_source_stays_transparent_under_same() -> None:
    assert resolve_format("same", "heic", alpha=True) == "png"
    assert resolve_format("same", "avif", alpha=True) == "avif"
    assert resolve_format("jpeg", "heic", alpha=True) == "jpeg"


@pytest.mark.parametrize("output_format", ["png", "tiff"])
def test_depth_of_formats_that_hold_16_bits(output_format: str) -> None:
    assert [resolve_depth("same", bits, output_format) for bits in (8, 16)] == [8, 16]
    assert [resolve_depth(8, bits, output_format) for bits in (8, 16)] == [8, 8]
    assert [resolve_depth(16, bits, output_format) for bits in (8, 16)] == [16, 16]


@pytest.mark.parametrize("output_format", ["jpeg", "webp", "avif"])
def test_depth_of_formats_that_hold_8_bits(output_format: str) -> None:
    assert [resolve_depth("same", bits, output_format) for bits in (8, 16)] == [8, 8]
    assert resolve_depth(8, 16, output_format) == 8
    with pytest.raises(BadOptionError, match=f"output_depth 16 does not fit .* {output_format}.* png and tiff hold 16"):
        resolve_depth(16, 16, output_format)
    with pytest.raises(BadOptionError, match="png and tiff hold 16"):
        open_writer(Description("png"), 4, 4, output_format=output_format, bits=16)


def test_other_depths() -> None:
    with pytest.raises(BadOptionError, match='output_depth must be "same", 8 or 16, got 10'):
        resolve_depth(10, 8, "png")


@pytest.mark.parametrize(("output_format", "most"), [("jpeg", 65_500), ("webp", 16_383), ("avif", 32_768)])
def test_sides_that_a_format_cannot_hold(output_format: str, most: int) -> None:
    assert MAX_SIDE[output_format] == most
    check_output_size(most, 4, output_format)
    for size in ((most + 1, 4), (4, most + 1)):
        with pytest.raises(
            BadOptionError,
            match=f"output_format {output_format} holds at most {most} pixels a side, "
            rf"and the result has {size[0]} x {size[1]}; png holds it\.",
        ):
            check_output_size(*size, output_format)


def test_areas_that_avif_cannot_hold() -> None:
    check_output_size(8192, 8192, "avif")
    with pytest.raises(BadOptionError, match=r"avif holds at most 67108864 pixels, and .* 8193 x 8192; png holds"):
        check_output_size(8193, 8192, "avif")


@pytest.mark.parametrize("output_format", ["png", "tiff"])
def test_formats_that_hold_every_size(output_format: str) -> None:
    check_output_size(10**6, 10**6, output_format)


@pytest.mark.parametrize(("output_format", "name"), [("webp", "WebP"), ("avif", "AVIF"), ("jpeg", "JPEG")])
def test_quality_out_of_range(output_format: str, name: str) -> None:
    with pytest.raises(BadOptionError, match=f"output_quality must be 1 to 100 for {name}, got 101"):
        open_writer(Description("png"), 4, 4, output_format=output_format, quality=101)
