"""TIFF: what scanners, cameras and programs write."""

from functools import partial
from typing import Any

import numpy as np
import PIL.Image

from perf.field.case import Case
from perf.field.checks import carries, refused_or, shows
from perf.field.files import Array, opened, saved, tiff
from perf.field.pictures import cat, grey

DARK = "joeyballentine/chaiNNer#409"


def cases() -> list[Case]:
    return [*_layouts(), *_compressions(), *_photometrics(), *_kinds()]


def _case(name: str, data: bytes, *checks: Any, source: str = "", **more: Any) -> Case:
    return Case("tiff", name, partial(bytes, data), checks, source, **more)


def _layouts() -> list[Case]:
    layouts: dict[str, dict[str, Any]] = {
        "little-endian": {"byteorder": "<"},
        "big-endian": {"byteorder": ">"},
        "BigTIFF": {"bigtiff": True},
        "BigTIFF, big-endian": {"bigtiff": True, "byteorder": ">"},
        "tiles of 64": {"tile": (64, 64)},
        "tiles of 16 x 256": {"tile": (16, 256)},
        "tiles larger than the picture": {"tile": (256, 512)},
        "one row a strip": {"rowsperstrip": 1},
        "strips of 13 rows": {"rowsperstrip": 13},
        "one strip": {"rowsperstrip": 188},
    }
    made = []
    for name, options in layouts.items():
        for way in ("", "deflate", "planar"):
            more = dict(options)
            picture: Array = cat()
            if way == "deflate":
                more["compression"] = "zlib"
            elif way == "planar":
                more["planarconfig"] = "separate"
                picture = np.ascontiguousarray(np.moveaxis(cat(), 2, 0))
            made.append(_case(f"{name}{', ' + way if way else ''}", tiff(picture, **more), shows(cat)))
    made.append(_case("grey, tiles", tiff(grey(), tile=(64, 64)), shows(_grey)))
    return made


def _grey() -> Array:
    return np.dstack([grey()] * 3)


def _compressions() -> list[Case]:
    bilevel = PIL.Image.fromarray(grey()).convert("1")
    made = []
    for kind in ("tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "zstd", "lzma"):
        for name, picture, wanted in (("RGB", cat(), cat), ("grey", grey(), _grey)):
            try:
                data = saved(picture, "TIFF", compression=kind)
            except (OSError, KeyError):
                continue  # the library at hand does not write it
            check = shows(wanted)
            made.append(
                _case(f"{name} {kind}", data, refused_or(["compress"], check) if kind in ("zstd", "lzma") else check)
            )
    for kind in ("tiff_lzw", "tiff_adobe_deflate"):
        made.append(
            _case(f"RGB {kind}, predictor", saved(cat(), "TIFF", compression=kind, tiffinfo={317: 2}), shows(cat))
        )
    for kind in ("group3", "group4", "tiff_ccitt", "packbits", "tiff_lzw", "raw"):
        data = saved(bilevel, "TIFF", compression=kind)
        made.append(_case(f"bilevel {kind}", data, shows(partial(opened, data))))
    jpeg = saved(cat(), "TIFF", compression="jpeg", quality=95)
    made.append(_case("jpeg inside", jpeg, shows(partial(opened, jpeg), 36)))
    light = saved(grey(), "TIFF", compression="jpeg", quality=95)
    made.append(_case("grey jpeg inside", light, shows(partial(opened, light), 45)))
    return made


def _photometrics() -> list[Case]:
    indices = PIL.Image.fromarray(cat()).quantize(64)
    negative = (255 - grey()).astype(np.uint8)
    bits = PIL.Image.fromarray(grey()).convert("1")
    shown = lambda: np.dstack([np.asarray(bits.convert("L"))] * 3)  # noqa: E731
    packed = np.asarray(bits)
    return [
        _case("palette", saved(indices, "TIFF"), shows(lambda: np.asarray(indices.convert("RGB")))),
        _case("white is zero, 8 bits", tiff(negative, photometric="miniswhite"), shows(_grey)),
        _case("white is zero, 1 bit", tiff(~packed, photometric="miniswhite"), shows(shown)),
        _case("black is zero, 1 bit", tiff(packed, photometric="minisblack"), shows(shown)),
        _case("CMYK keeps light and dark", saved(PIL.Image.fromarray(cat()).convert("CMYK"), "TIFF"), shows(cat, 20)),
        _case(
            "five channels, one extra of no meaning",
            tiff(np.dstack((cat(), grey(), grey())), photometric="rgb", extrasamples=["unspecified", "unspecified"]),
            refused_or(["channels"], carries("the colours", _like_cat)),
        ),
    ]


def _like_cat(view: Any) -> bool:
    """The visible colours are the cat's."""
    height, width = cat().shape[:2]
    scale = view.eight.shape[0] // height
    return bool(np.abs(view.eight[::scale, ::scale][:height, :width].astype(int) - cat()).mean() < 2)


def _kinds() -> list[Case]:
    premultiplied = cat().astype(np.uint16) * 128 // 255
    half = np.dstack((premultiplied.astype(np.uint8), np.full_like(grey(), 128)))
    return [
        _case(
            "premultiplied, half transparent",
            tiff(half, extrasamples=["assocalpha"]),
            shows(lambda: np.dstack((cat(), np.full_like(grey(), 128))), 40),
            source=DARK,
        ),
        _case(
            "8-bit signed of no meaning",
            tiff((grey().astype(np.int16) - 128).astype(np.int8)),
            refused_or(["16 bits"], shows(_grey, 20)),
        ),
        _case("double precision", tiff(grey() / 255.0), refused_or(["16 bits"], shows(_grey, 45))),
        _case("half precision", tiff((grey() / 255.0).astype(np.float16)), refused_or(["16 bits"], shows(_grey, 40))),
    ]
