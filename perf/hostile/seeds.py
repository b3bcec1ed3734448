"""Whole pictures to start from: every format, and every kind of each that has code of its own."""

import io
from functools import cache
from typing import Any

import numpy as np
import PIL.Image
import pillow_jxl  # noqa: F401 (Pillow saves JPEG XL with it)
from numpy.typing import NDArray
from PIL import ImageCms, PngImagePlugin

from perf.hostile import heic

WIDTH, HEIGHT = 40, 24


@cache
def seeds() -> dict[str, bytes]:
    """Name -> file of 40 x 24 pixels (HEIC: 64 x 48). Every one of them decodes, but for those of several pictures."""
    colour = PIL.Image.fromarray(_colour())
    grey, alpha = colour.convert("L"), colour.convert("RGBA")
    alpha.putalpha(grey)
    sixteen = PIL.Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = colour.getexif()
    exif[274] = 6
    carried: dict[str, Any] = {"exif": exif.tobytes(), "icc_profile": profile}
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "of no use " * 20, zip=True)
    several: dict[str, Any] = {"save_all": True, "append_images": [colour.rotate(180)]}
    return {
        "jpeg": _saved(colour, "JPEG", **carried),
        "jpeg progressive": _saved(colour, "JPEG", progressive=True, quality=95),
        "jpeg restarts": _saved(colour, "JPEG", restart_marker_blocks=2),
        "jpeg grey": _saved(grey, "JPEG"),
        "jpeg cmyk": _saved(colour.convert("CMYK"), "JPEG"),
        "png": _saved(colour, "PNG", pnginfo=text, **carried),
        "png palette": _saved(colour.quantize(16), "PNG", transparency=3),
        "png bits": _saved(colour.convert("1"), "PNG"),
        "png 16": _saved(sixteen, "PNG"),
        "png alpha": _saved(alpha, "PNG"),
        "png frames": _saved(colour, "PNG", **several),
        "webp": _saved(colour, "WEBP", **carried),
        "webp alpha": _saved(alpha, "WEBP"),
        "webp lossless": _saved(alpha, "WEBP", lossless=True),
        "webp frames": _saved(colour, "WEBP", **several),
        "tiff": _saved(alpha, "TIFF", icc_profile=profile),
        "tiff lzw": _saved(colour, "TIFF", compression="tiff_lzw"),
        "tiff deflate": _saved(colour, "TIFF", compression="tiff_adobe_deflate"),
        "tiff packbits": _saved(grey, "TIFF", compression="packbits"),
        "tiff jpeg": _saved(colour, "TIFF", compression="jpeg"),
        "tiff fax": _saved(colour.convert("1"), "TIFF", compression="group4"),
        "tiff 16": _saved(sixteen, "TIFF"),
        "tiff cmyk": _saved(colour.convert("CMYK"), "TIFF"),
        "tiff big": _saved(colour.quantize(16), "TIFF", big_tiff=True),
        "tiff pages": _saved(colour, "TIFF", **several),
        "gif": _saved(colour, "GIF"),
        "gif frames": _saved(colour, "GIF", **several),
        "avif": _saved(colour, "AVIF", exif=exif.tobytes(), icc_profile=profile),
        "avif alpha": _saved(alpha, "AVIF"),
        "avif frames": _saved(colour, "AVIF", **several),
        "heic": heic.DISPLAY_P3,
        "heic alpha": heic.ALPHA,
        "heic 10": heic.TEN_BITS,
        "heic two": heic.TWO,
        "jxl": _saved(colour, "JXL"),
        "jxl alpha": _saved(alpha, "JXL", lossless=True),
        "jxl box": _saved(grey, "JXL", lossless=True, use_container=True),
        "bmp": _saved(colour, "BMP"),
        "bmp palette": _saved(colour.quantize(16), "BMP"),
        "bmp bits": _saved(colour.convert("1"), "BMP"),
        "bmp alpha": _saved(alpha, "BMP"),
    }


def _colour() -> NDArray[np.uint8]:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = (40 + 180 * x / WIDTH, 220 - 160 * y / HEIGHT, 60 + 60 * (x / WIDTH + 2 * y / HEIGHT))
    pixels: NDArray[np.uint8] = np.stack(planes, axis=2).astype(np.uint8)
    return pixels


def _saved(picture: PIL.Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()
