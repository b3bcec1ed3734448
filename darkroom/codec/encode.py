"""Picture -> encoded file."""

import io

import numpy as np
from PIL import Image as Pillow

from darkroom.codec import icc
from darkroom.codec.image import EncodedFormat, Image, InputFormat, OutputFormat
from darkroom.codec.recognise import NAMES
from darkroom.codec.write_jpeg import write_jpeg
from darkroom.codec.write_png import write_png
from darkroom.errors import BadOptionError

DEFAULT_QUALITY: dict[EncodedFormat, int] = {"jpeg": 95, "webp": 90}
"""Quality where the caller names none; PNG is lossless and has none."""
MAX_SIDE: dict[EncodedFormat, int] = {"jpeg": 65_500, "webp": 16_383, "png": 2**31 - 1}
"""Longest side the format (or its library) can hold, pixels."""
_WEBP_EFFORT = 2
"""Of 0 to 6: libwebp's default of 4 takes twice as long for files of the same size and fidelity."""


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
"""What becomes of each format under `output_format=same`."""


def resolve_format(output_format: OutputFormat, source: InputFormat) -> EncodedFormat:
    """The format an answer will have: `same` is the source's own, and PNG for TIFF and BMP (lossless like them)."""
    if output_format != "same":
        return output_format
    return SAME[source]


def check_output_size(width: int, height: int, output_format: EncodedFormat) -> None:
    """Raises BadOptionError if the format cannot hold a picture of `width` x `height` pixels; ask before working."""
    most = MAX_SIDE[output_format]
    if max(width, height) > most:
        raise BadOptionError(
            f"output_format {output_format} holds at most {most} pixels a side, and the result has {width} x {height}; "
            "png holds it."
        )


def encode(image: Image, output_format: OutputFormat, quality: int | None) -> bytes:
    """The encoded file. Deterministic: the same picture and options give the same bytes on the same machine.

    png: lossless; grey and alpha kept; `quality` is ignored.
    jpeg: `quality` 1..100 (95 if None); grey kept; transparent parts are laid over white, since JPEG has no alpha.
    webp: lossy, `quality` 1..100 (90 if None); alpha kept and lossless; grey is written as colour, for WebP has none.
    The ICC profile goes along if it describes the channels written (a grey profile not into WebP). No EXIF is written.
    Raises BadOptionError for a quality out of range or a format that cannot hold the size.
    """
    target = resolve_format(output_format, image.format)
    check_output_size(image.width, image.height, target)
    if target == "png":
        return write_png(image, icc.kept(image.icc, grey=image.grey))
    quality = DEFAULT_QUALITY[target] if quality is None else quality
    if not 1 <= quality <= 100:
        raise BadOptionError(f"output_quality must be 1 to 100 for {NAMES[target]}, got {quality}.")
    if target == "jpeg":
        return write_jpeg(image, quality, icc.kept(image.icc, grey=image.grey))
    return _write_webp(image, quality, icc.kept(image.icc, grey=False))


def _write_webp(image: Image, quality: int, profile: bytes | None) -> bytes:
    pixels = image.pixels if image.alpha is None else np.dstack((image.pixels, image.alpha))
    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, "WEBP", quality=quality, method=_WEBP_EFFORT, icc_profile=profile or b"")
    return out.getvalue()
