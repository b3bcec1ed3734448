"""Which format comes back, and by which names it may be asked for."""

from functools import partial
from typing import Any

from perf.field.case import BANDED, Case, Way
from perf.field.checks import file_is, refused, shows
from perf.field.files import fixture, saved, tiff
from perf.field.pictures import cat

ALIASES = "lovell/sharp#812, weserv/images#445"
LOSSY = "Sanster/IOPaint#229"


def cases() -> list[Case]:
    return [*_same(), *_named(), *_quality()]


def _case(name: str, data: bytes, *checks: Any, source: str = "", **more: Any) -> Case:
    return Case("formats_out", name, partial(bytes, data), checks, source, **more)


def _same() -> list[Case]:
    files = {
        "jpeg": (saved(cat(), "JPEG", quality=95, subsampling=0), "JPEG", 34),
        "png": (saved(cat(), "PNG"), "PNG", 60),
        "webp": (saved(cat(), "WEBP", lossless=True), "WEBP", 30),
        "tiff": (tiff(cat()), "TIFF", 60),
        "avif": (saved(cat(), "AVIF", quality=95), "AVIF", 31),
        "bmp": (saved(cat(), "BMP"), "PNG", 60),
        "gif": (saved(cat(), "GIF"), "PNG", 24),
        "jpeg xl": (saved(cat(), "JXL", lossless=True), "PNG", 60),
        "heic": (fixture("single.heic"), "JPEG", 28),
    }
    return [
        _case(f"{name} comes back as {kind}", data, shows(cat, least), file_is(kind), source=LOSSY, options={})
        for name, (data, kind, least) in files.items()
    ]


def _named() -> list[Case]:
    data = saved(cat(), "PNG")
    names = {
        "jpg": "JPEG",
        "JPG": "JPEG",
        "jpeg": "JPEG",
        "JPEG": "JPEG",
        "image/jpg": "JPEG",
        "image/jpeg": "JPEG",
        "tif": "TIFF",
        "tiff": "TIFF",
        "image/tiff": "TIFF",
        "avif": "AVIF",
        "image/avif": "AVIF",
        "webp": "WEBP",
        "png": "PNG",
        "PNG": "PNG",
    }
    made = [
        _case(
            f"output_format={name}",
            data,
            shows(cat, 29),
            file_is(kind),
            source=ALIASES,
            ways=(BANDED,),
            options={"output_format": name},
        )
        for name, kind in names.items()
    ]
    made += [
        _case(
            f"output_format={name} is refused",
            data,
            refused("output_format", "png", "jpeg", "webp", "avif", "tiff", reason="bad_option"),
            source=ALIASES,
            ways=(BANDED,),
            options={"output_format": name},
        )
        for name in ("gif", "heic", "bmp", "jxl", "jp2", "pdf")
    ]
    return made


def _quality() -> list[Case]:
    data = saved(cat(), "PNG")
    made = [
        _case(
            f"quality {quality} of {kind}",
            data,
            shows(cat, least),
            ways=(BANDED,),
            options={"output_format": kind, "output_quality": quality},
        )
        for kind, quality, least in (
            ("jpeg", 100, 36),
            ("jpeg", 1, 14),
            ("webp", 100, 32),
            ("avif", 100, 34),
            ("png", 50, 60),
            ("tiff", 50, 60),
        )
    ]
    made += [
        _case(
            f"quality {quality} is refused",
            data,
            refused("output_quality", "1", "100", reason="bad_option"),
            ways=(BANDED, Way("super_resolution")),
            options={"output_format": "jpeg", "output_quality": quality},
        )
        for quality in (0, 101)
    ]
    return made
