"""16 bits in, 16 bits out; and every other depth with the right tones."""

from functools import partial
from typing import Any

import numpy as np

from perf.field.case import BANDED, EVERY, Case, Way
from perf.field.checks import file_is, levels, refused_or, samples, shows, steady
from perf.field.files import fixture, png, saved, tiff
from perf.field.pictures import cat, deep, deep_grey, grey, ramp, soft_mask
from perf.field.viewer import as_eight

LOST = "xinntao/Real-ESRGAN-ncnn-vulkan#3"
BLACK = "junyanz/pytorch-CycleGAN-and-pix2pix#321"
X2, X4 = Way("super_resolution", {"scale": 2}), Way("super_resolution", {"scale": 4})


def cases() -> list[Case]:
    return [*_sixteen(), *_options(), *_networks(), *_other_depths()]


def _case(name: str, data: bytes, *checks: Any, source: str = "", **more: Any) -> Case:
    return Case("depth", name, partial(bytes, data), checks, source, **more)


def deep_alpha() -> Any:
    """uint16 [h, w, 4]: alpha has levels between the 8-bit ones too."""
    alpha = np.minimum(soft_mask().astype(np.uint16) * 257, 65535 - 5)
    return np.dstack((deep(), alpha))


def _sixteen() -> list[Case]:
    rgba = deep_alpha()
    la = np.dstack((deep_grey(), rgba[..., 3]))
    grey_rgba = np.dstack([deep_grey()] * 3 + [rgba[..., 3]])
    made = []
    for interlaced in (False, True):
        name = "png interlaced" if interlaced else "png"
        made += [
            _case(
                f"{name} grey",
                png(deep_grey(), 16, 0, interlaced=interlaced),
                samples(deep_grey),
                file_is("PNG", grey=True),
                source=BLACK,
            ),
            _case(f"{name} RGB", png(deep(), 16, 2, interlaced=interlaced), samples(deep), source=LOST),
            _case(f"{name} RGB and alpha", png(rgba, 16, 6, interlaced=interlaced), samples(deep_alpha), source=LOST),
            _case(
                f"{name} grey and alpha", png(la, 16, 4, interlaced=interlaced), samples(partial(np.asarray, grey_rgba))
            ),
        ]
    kinds: dict[str, dict[str, Any]] = {
        "": {},
        " big-endian": {"byteorder": ">"},
        " deflate": {"compression": "zlib"},
        " deflate, predictor": {"compression": "zlib", "predictor": True},
        " BigTIFF": {"bigtiff": True},
        " tiled": {"tile": (64, 64)},
        " strips of 7 rows": {"rowsperstrip": 7},
    }
    for name, options in kinds.items():
        try:
            colour, single = tiff(deep(), **options), tiff(deep_grey(), **options)
        except (ValueError, ImportError):  # tifffile needs imagecodecs for this one
            continue
        made += [
            _case(f"tiff{name} RGB", colour, samples(deep), source=LOST),
            _case(f"tiff{name} grey", single, samples(deep_grey), source=BLACK),
        ]
        for out in ("same", "tiff"):
            made.append(
                _case(
                    f"tiff{name} RGB to {out}",
                    colour,
                    samples(deep),
                    file_is("TIFF", 16),
                    source=LOST,
                    options={"output_format": out},
                    ways=(BANDED, EVERY[2]),
                )
            )
    made += [
        _case("tiff RGB and alpha", tiff(rgba, extrasamples=["unassalpha"]), samples(deep_alpha), source=LOST),
        _case("tiff premultiplied", tiff(_premultiplied(), extrasamples=["assocalpha"]), samples(_divided, 400)),
        _case(
            "tiff planar", tiff(np.ascontiguousarray(np.moveaxis(deep(), 2, 0)), planarconfig="separate"), samples(deep)
        ),
        _case("tiff white is zero", tiff(65535 - deep_grey(), photometric="miniswhite"), samples(deep_grey)),
        _case("jpeg xl", saved(deep_grey(), "JXL", lossless=True), samples(deep_grey)),
    ]
    return made


def _premultiplied() -> Any:
    """uint16 [h, w, 4]; alpha is half where it is not full."""
    alpha = np.where(soft_mask() > 127, 65535, 32768).astype(np.uint16)
    colours = deep().astype(np.float64) * alpha[..., None] / 65535
    return np.dstack((np.rint(colours).astype(np.uint16), alpha))


def _divided() -> Any:
    return np.dstack((deep(), _premultiplied()[..., 3]))


def _options() -> list[Case]:
    colour = png(deep(), 16, 2)
    small = saved(cat(), "PNG")
    ways = (BANDED, EVERY[2])
    return [
        _case(
            "output_depth=8",
            colour,
            shows(_eight, 48),
            file_is("PNG", 8),
            ways=ways,
            options={"output_format": "png", "output_depth": 8},
        ),
        _case(
            "output_depth=16 from 8 bits",
            small,
            samples(lambda: cat().astype(np.uint16) * 257),
            file_is("PNG", 16),
            ways=ways,
            options={"output_format": "png", "output_depth": 16},
        ),
        _case(
            "output_depth=same from 8 bits",
            small,
            shows(cat),
            file_is("PNG", 8),
            ways=ways,
            options={"output_format": "png", "output_depth": "same"},
        ),
        _case("to jpeg", colour, shows(_eight, 34), file_is("JPEG", 8), ways=EVERY, options={"output_format": "jpeg"}),
        _case("to webp", colour, shows(_eight, 31), file_is("WEBP", 8), ways=ways, options={"output_format": "webp"}),
        _case("to tiff", colour, samples(deep), file_is("TIFF", 16), ways=ways, options={"output_format": "tiff"}),
        _case("tiff to png", tiff(deep()), samples(deep), file_is("PNG", 16), ways=ways),
    ]


def _networks() -> list[Case]:
    """A ramp through the real networks keeps its levels."""
    grey_ramp = png(ramp()[:24], 16, 0)
    made = []
    for name, way in {
        "denoise": BANDED,
        "denoise, strength 10": Way("denoise", {"strength": 10}),
        "x2": X2,
        "x4": X4,
    }.items():
        made.append(
            _case(
                f"ramp through the networks, {name}",
                grey_ramp,
                file_is("PNG", 16),
                levels(4096),
                steady(lambda: ramp()[:24], 1.0),
                source=LOST,
                ways=(way,),
                device="cpu",
                quick=False,
            )
        )
    made.append(
        _case(
            "photo through the networks, x2",
            png(deep(), 16, 2),
            file_is("PNG", 16),
            shows(_eight, 30),
            ways=(X2,),
            device="cpu",
            quick=False,
        )
    )
    return made


def _other_depths() -> list[Case]:
    one = grey() >> 7
    two, four = grey() >> 6, grey() >> 4
    float32 = (deep() / 65535).astype(np.float32)
    return [
        _case(
            "png 1 bit", png(one, 1, 0), shows(lambda: _three(one * np.uint8(255))), source="nihui/realsr-ncnn-vulkan#7"
        ),
        _case(
            "png 2 bits", png(two, 2, 0), shows(lambda: _three(two * np.uint8(85))), source="nihui/realsr-ncnn-vulkan#7"
        ),
        _case(
            "png 4 bits",
            png(four, 4, 0),
            shows(lambda: _three(four * np.uint8(17))),
            source="nihui/realsr-ncnn-vulkan#7",
        ),
        _case("tiff float32, 0..1", tiff(float32), _right_or_told(_eight, 38)),
        _case(
            "tiff 32-bit integers",
            tiff(deep_grey().astype(np.uint32) * 65537),
            _right_or_told(lambda: _three(as_eight(deep_grey())), 38),
        ),
        _case("avif 10 bits", fixture("ten_bits.avif"), shows(_ten, 36)),
        _case("heic 10 bits", fixture("ten_bits.heic"), shows(_ten, 36), levels(480), ways=(BANDED,)),
    ]


def _eight() -> Any:
    return as_eight(deep())


def _three(pixels: Any) -> Any:
    return np.dstack([pixels] * 3)


def _ten() -> Any:
    """What the files of 10 bits show: uint8 [128, 512, 3]."""
    row = np.rint(np.arange(512) * 255 / 511).astype(np.uint8)
    return np.broadcast_to(row[None, :, None], (128, 512, 3)).copy()


def _right_or_told(wanted: Any, least: float) -> Any:
    return refused_or(["16 bits"], shows(wanted, least))
