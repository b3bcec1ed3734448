"""Small, odd, long and wide pictures; scales."""

from functools import partial
from typing import Any

import numpy as np
import PIL.Image

from perf.field.case import BANDED, EVERY, Case, Way
from perf.field.checks import file_is, quoted, refused, shows
from perf.field.files import Array, saved
from perf.field.pictures import cat

SMALL = "advimman/lama#137, Acly/krita-ai-diffusion#378"
LONG = "AaronFeng753/Waifu2x-Extension-GUI#680, weserv/images#260"
WIDE_WEBP = "AUTOMATIC1111/stable-diffusion-webui#11439, python-pillow/Pillow#8321"
SCALES = "upscayl/upscayl#144"
X2, X4 = Way("super_resolution", {"scale": 2}), Way("super_resolution", {"scale": 4})
FACES = Way("face_enhance", {"scale": 2})


def cases() -> list[Case]:
    return [*_small(), *_networks(), *_long(), *_wide(), *_scales()]


def _case(name: str, file: Any, *checks: Any, source: str = "", **more: Any) -> Case:
    return Case("sizes", name, file, checks, source, **more)


def of_size(width: int, height: int) -> Array:
    """uint8 [height, width, 3]: the cat, repeated."""
    tiled = np.tile(cat(), (-(-height // 188), -(-width // 236), 1))
    return np.ascontiguousarray(tiled[:height, :width])


def _small() -> list[Case]:
    made = []
    for width, height in ((1, 1), (2, 2), (1, 7), (7, 1), (3, 3), (5, 300), (300, 3), (17, 31), (1, 1000), (273, 171)):
        picture = of_size(width, height)
        for kind in ("PNG", "TIFF", "BMP", "GIF", "AVIF", "JXL"):
            if kind != "PNG" and (width, height) not in ((1, 1), (17, 31), (1, 7)):
                continue
            options = {"lossless": True} if kind == "JXL" else {}
            least = {"GIF": 18.0, "AVIF": 22.0}.get(kind, 60.0)
            made.append(
                _case(
                    f"{width} x {height} {kind.lower()}",
                    partial(saved, picture, kind, **options),
                    shows(partial(np.asarray, picture), least),
                    source=SMALL,
                    ways=(*EVERY, X4),
                )
            )
        made.append(
            _case(
                f"{width} x {height} jpeg",
                partial(saved, picture, "JPEG", quality=97, subsampling=0),
                shows(partial(np.asarray, picture), 30),
                file_is("JPEG"),
                source=SMALL,
                options={},
            )
        )
        made.append(
            _case(
                f"{width} x {height} to webp",
                partial(saved, picture, "PNG"),
                file_is("WEBP"),
                source=SMALL,
                ways=EVERY,
                options={"output_format": "webp"},
            )
        )
        made.append(
            _case(
                f"{width} x {height} to avif",
                partial(saved, picture, "PNG"),
                file_is("AVIF"),
                source=SMALL,
                ways=EVERY,
                options={"output_format": "avif"},
            )
        )
    return made


def _networks() -> list[Case]:
    return [
        _case(
            f"{width} x {height} through the networks",
            partial(saved, of_size(width, height), "PNG"),
            shows(partial(of_size, width, height), 20),
            source=SMALL,
            device="cpu",
            quick=False,
            ways=(Way("denoise"), X2, X4, FACES),
        )
        for width, height in ((1, 1), (1, 7), (5, 300), (17, 31), (273, 171))
    ]


def _long() -> list[Case]:
    pano, strip = partial(of_size, 20_000, 50), partial(of_size, 720, 16_889)
    return [
        _case("panorama of 20,000 x 50", lambda: saved(pano(), "PNG"), shows(pano), source=LONG, ways=(BANDED, X2)),
        _case(
            "panorama of 20,000 x 50, jpeg",
            lambda: saved(pano(), "JPEG", quality=95, subsampling=0),
            shows(pano, 30),
            file_is("JPEG"),
            source=LONG,
            options={},
            ways=(BANDED, X2),
            quick=False,
        ),
        _case(
            "strip of 720 x 16,889",
            lambda: saved(strip(), "JPEG", quality=90, subsampling=0),
            shows(strip, 30),
            file_is("JPEG"),
            source=LONG,
            options={},
            ways=(BANDED, X2),
            quick=False,
        ),
        _case(
            "strip of 720 x 16,889, x4: to jpeg is beyond its sides",
            lambda: saved(strip(), "JPEG", quality=90),
            refused("output_format", "png", reason="bad_option"),
            source=LONG,
            options={},
            ways=(X4,),
            quick=False,
        ),
        _case(
            "strip of 720 x 16,000, x4, quoted",
            lambda: saved(of_size(720, 16_000), "JPEG", quality=90),
            quoted,
            source=LONG,
            options={"quote": True},
            ways=(X4,),
            quick=False,
        ),
        _case(
            "strip of 720 x 16,889, png",
            lambda: saved(PIL.Image.fromarray(strip()), "PNG", compress_level=1),
            shows(strip),
            source=LONG,
            ways=(BANDED,),
            quick=False,
        ),
    ]


def _wide() -> list[Case]:
    wide = of_size(4200, 64)
    early = refused("webp", "16383", "png", reason="bad_option")
    return [
        _case(
            "webp of 4,200 pixels x4",
            partial(saved, wide, "WEBP", lossless=True),
            early,
            source=WIDE_WEBP,
            options={},
            ways=(X4,),
        ),
        _case(
            "webp of 4,200 pixels x4 to png",
            partial(saved, wide, "WEBP", lossless=True),
            shows(partial(np.asarray, wide)),
            source=WIDE_WEBP,
            ways=(X4,),
            quick=False,
        ),
        _case(
            "png of 17,000 pixels to webp",
            partial(saved, of_size(17_000, 16), "PNG"),
            early,
            source=WIDE_WEBP,
            options={"output_format": "webp"},
            ways=(BANDED,),
        ),
        _case(
            "png of 70,000 pixels to jpeg",
            partial(saved, of_size(70_000, 8), "PNG"),
            refused("jpeg", "png", reason="bad_option"),
            options={"output_format": "jpeg"},
            ways=(BANDED,),
        ),
        _case(
            "png of 70,000 pixels",
            partial(saved, of_size(70_000, 8), "PNG"),
            shows(partial(of_size, 70_000, 8)),
            source=LONG,
            ways=(BANDED,),
        ),
    ]


def _scales() -> list[Case]:
    data = partial(saved, cat(), "PNG")
    made = [
        _case(
            f"scale={scale} is refused",
            data,
            refused("scale", "2 or 4", reason="bad_option"),
            source=SCALES,
            ways=(Way("super_resolution", {"scale": scale}),),
        )
        for scale in (0, 1, 3, 8, -2, 1.5, "x4", "4x")
    ]
    made += [
        _case("scale=2.0 means 2", data, shows(cat), source=SCALES, ways=(Way("super_resolution", {"scale": 2.0}),)),
        _case(
            "an option that does not exist",
            data,
            refused("outscale", "scale", reason="bad_option"),
            source="lllyasviel/stable-diffusion-webui-forge#3123",
            ways=(Way("super_resolution", {"outscale": 2}),),
        ),
    ]
    return made
