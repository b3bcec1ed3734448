"""Which format and depth an answer has, and what each format can hold."""

from typing import Literal

from darkroom.codec.image import Depth, EncodedFormat, InputFormat, OutputFormat
from darkroom.errors import BadOptionError

DEFAULT_QUALITY: dict[EncodedFormat, int] = {"jpeg": 95, "webp": 90, "avif": 90}
"""Quality where the caller names none; PNG and TIFF are lossless and have none."""
LOSSY: dict[EncodedFormat, str] = {"jpeg": "JPEG", "webp": "WebP", "avif": "AVIF"}
"""Formats with a quality, as a sentence names them."""
MAX_SIDE: dict[EncodedFormat, int] = {
    "jpeg": 65_500,
    "webp": 16_383,
    "avif": 32_768,
    "png": 2**31 - 1,
    "tiff": 2**31 - 1,
}
"""Longest side, pixels. JPEG: libjpeg's limit. WebP: 14 bits. AVIF: encoders go to 65,536, but libavif, with which most
programs read, refuses more than 32,768. PNG and TIFF: what readers take."""
MAX_AVIF_PIXELS = 2**26
"""Of a whole picture: the encoder takes 42 bytes a pixel, 2.8 GB here (`python -m perf.codec_memory`)."""
SAME: dict[InputFormat, EncodedFormat] = {
    "jpeg": "jpeg",
    "png": "png",
    "webp": "webp",
    "tiff": "tiff",
    "avif": "avif",
    "bmp": "png",
    "gif": "png",
    "heic": "jpeg",
    "jxl": "png",
}
"""What becomes of each format under `output_format=same`; a transparent HEIC becomes PNG, for JPEG has no alpha."""
_SIXTEEN_BIT: tuple[EncodedFormat, ...] = ("png", "tiff")
_WITHOUT_ALPHA: tuple[EncodedFormat, ...] = ("jpeg",)


def resolve_format(output_format: OutputFormat, source: InputFormat, *, alpha: bool = False) -> EncodedFormat:
    """The format an answer will have. `alpha`: the source stores transparency, so `same` must hold it."""
    if output_format != "same":
        return output_format
    same = SAME[source]
    return "png" if alpha and same in _WITHOUT_ALPHA else same


def resolve_depth(output_depth: Literal["same"] | int, source_bits: Depth, output_format: EncodedFormat) -> Depth:
    """Bits of a sample of an answer in `output_format`. `same`: the source's, where the format holds as many.

    Raises BadOptionError for a depth other than 8 and 16, and for 16 in a format that holds 8.
    """
    if output_depth == "same":
        return source_bits if output_format in _SIXTEEN_BIT else 8
    if output_depth == 8:
        return 8
    if output_depth != 16:
        raise BadOptionError(f'output_depth must be "same", 8 or 16, got {output_depth}.')
    if output_format not in _SIXTEEN_BIT:
        raise BadOptionError(
            f"output_depth 16 does not fit output_format {output_format}, which holds 8 bits; png and tiff hold 16."
        )
    return 16


def check_output_size(width: int, height: int, output_format: EncodedFormat) -> None:
    """Raises BadOptionError if the format cannot hold a picture of `width` x `height` pixels; ask before working."""
    most = MAX_SIDE[output_format]
    if max(width, height) > most:
        raise BadOptionError(
            f"output_format {output_format} holds at most {most} pixels a side, and the result has {width} x {height}; "
            "png holds it."
        )
    if output_format == "avif" and width * height > MAX_AVIF_PIXELS:
        raise BadOptionError(
            f"output_format avif holds at most {MAX_AVIF_PIXELS} pixels, and the result has {width} x {height}; "
            "png holds it."
        )
