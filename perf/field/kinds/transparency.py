"""Transparent pictures: hidden colours must not reach the edge, and the shape must stay."""

from functools import partial
from typing import Any

import numpy as np
import PIL.Image

from perf.field.case import Case, Way
from perf.field.checks import carries, file_is, no_fringe, shows
from perf.field.files import opened, png, saved, tiff, with_chunks
from perf.field.pictures import Array, cat, coloured, cut_out, deep, grey, ring, soft_mask
from perf.field.viewer import View

FRINGE = "net2cn/Real-ESRGAN_GUI#5, upscayl/upscayl#1181"
LOST = "Lucchetto/SuperImage#42"
BLACK, WHITE, PINK = (0, 0, 0), (255, 255, 255), (255, 0, 255)
X2, X4 = Way("super_resolution", {"scale": 2}), Way("super_resolution", {"scale": 4})
RESTORED = Way("denoise", {"strength": 15})
FACES = Way("face_enhance", {"scale": 2})


def cases() -> list[Case]:
    return [*_logos(), *_cut_outs(), *_stored(), *_flattened(), *_extremes()]


def _case(name: str, file: Any, *checks: Any, source: str = "", **more: Any) -> Case:
    return Case("transparency", name, file, checks, source, **more)


def _logos() -> list[Case]:
    """Through the networks: the answer's edge has the colour that the opaque logo's answer has."""
    logos = {
        "orange logo, black hidden": ((255, 140, 0), BLACK),
        "white logo, black hidden": (WHITE, BLACK),
        "dark logo, white hidden": ((20, 20, 60), WHITE),
        "green logo, pink hidden": ((30, 160, 60), PINK),
        "black logo, white hidden": (BLACK, WHITE),
        "orange logo, its colour hidden": ((255, 140, 0), (255, 140, 0)),
    }
    made = []
    for name, (colour, hidden) in logos.items():
        rgba = coloured(ring(), colour, hidden)
        flat = np.ascontiguousarray(coloured(ring(), colour, colour)[..., :3])
        made.append(
            _case(
                name,
                partial(saved, rgba, "PNG"),
                file_is("PNG", alpha=True),
                no_fringe(1.0),
                source=FRINGE,
                ways=(X2, X4, RESTORED, FACES),
                device="cpu",
                beside=partial(saved, flat, "PNG"),
                quick=False,
            )
        )
    orange = coloured(ring(), (255, 140, 0), BLACK)
    hard = orange.copy()
    hard[..., 3] = np.where(orange[..., 3] > 127, 255, 0)
    flat = np.ascontiguousarray(coloured(ring(), (255, 140, 0), (255, 140, 0))[..., :3])
    others = {
        "gif": saved(PIL.Image.fromarray(hard), "GIF"),
        "webp": saved(orange, "WEBP", lossless=True, exact=True),
        "16-bit png": png(orange.astype(np.uint16) * 257, 16, 6),
        "tiff": tiff(orange, extrasamples=["unassalpha"]),
    }
    for name, data in others.items():
        made.append(
            _case(
                f"orange logo, {name}",
                partial(bytes, data),
                no_fringe(1.5),
                source=FRINGE,
                ways=(X2, X4),
                options={"output_format": "png"},
                device="cpu",
                beside=partial(saved, flat, "PNG"),
                quick=False,
            )
        )
    return made


def _cut_outs() -> list[Case]:
    return [
        _case(
            f"cut-out through the networks, {name} hidden",
            partial(saved, cut_out(hidden), "PNG"),
            no_fringe(6.0, mean=0.5),
            source=FRINGE,
            ways=(X2, X4, RESTORED),
            device="cpu",
            beside=partial(saved, cat(), "PNG"),
            quick=False,
        )
        for name, hidden in {"black": BLACK, "white": WHITE, "pink": PINK}.items()
    ]


def _stored() -> list[Case]:
    """The ways in which files store transparency."""
    rgba = cut_out()
    la = np.dstack((grey(), soft_mask()))
    grey_rgba = np.dstack([grey()] * 3 + [soft_mask()])
    keyed = np.where(soft_mask()[..., None] < 128, np.uint8(7), np.maximum(cat(), 8)).astype(np.uint8)
    key_alpha = np.where(soft_mask() < 128, 0, 255).astype(np.uint8)
    key_grey = np.where(soft_mask() < 128, 0, np.maximum(grey(), 1)).astype(np.uint8)
    key_deep = np.where(soft_mask()[..., None] < 128, np.uint16(257), np.maximum(deep(), 300)).astype(np.uint16)
    palette = PIL.Image.fromarray(coloured(ring(), (255, 140, 0), BLACK)).quantize(32)
    premultiplied = rgba.copy()
    premultiplied[..., :3] = np.rint(rgba[..., :3].astype(float) * rgba[..., 3:] / 255)
    webp, lossless = saved(rgba, "WEBP", quality=95), saved(rgba, "WEBP", lossless=True, exact=True)
    avif, jxl = saved(rgba, "AVIF", quality=95), saved(rgba, "JXL", lossless=True)
    gif = saved(palette, "GIF", transparency=palette.info.get("transparency", 0))
    stored = {
        "png rgba": (saved(rgba, "PNG"), rgba, 60.0),
        "png rgba interlaced": (png(rgba, 8, 6, interlaced=True), rgba, 60.0),
        "png grey and alpha": (saved(PIL.Image.fromarray(la, "LA"), "PNG"), grey_rgba, 60.0),
        "png palette with alpha": (saved(palette, "PNG"), np.asarray(palette.convert("RGBA")), 60.0),
        "png colour key": (
            with_chunks(saved(keyed, "PNG"), (b"tRNS", b"\0\x07\0\x07\0\x07")),
            np.dstack((keyed, key_alpha)),
            60.0,
        ),
        "png grey key": (
            with_chunks(saved(key_grey, "PNG"), (b"tRNS", b"\0\0")),
            np.dstack([key_grey] * 3 + [key_alpha]),
            60.0,
        ),
        "png 16-bit colour key": (
            png(key_deep, 16, 2, chunks=[(b"tRNS", b"\x01\x01" * 3)]),
            np.dstack(((key_deep // 257).astype(np.uint8), key_alpha)),
            45.0,
        ),
        "webp lossy": (webp, opened(webp, "RGBA"), 50.0),
        "webp lossless, hidden kept": (lossless, rgba, 60.0),
        "avif": (avif, opened(avif, "RGBA"), 40.0),
        "jpeg xl": (jxl, rgba, 60.0),
        "gif with a transparent colour": (gif, opened(gif, "RGBA"), 60.0),
        "tiff straight alpha": (tiff(rgba, extrasamples=["unassalpha"]), rgba, 60.0),
        "tiff premultiplied": (tiff(premultiplied, extrasamples=["assocalpha"]), rgba, 30.0),
        "tiff grey and alpha": (tiff(la, photometric="minisblack", extrasamples=["unassalpha"]), grey_rgba, 60.0),
    }
    # no word says that the fourth channel is alpha: shown or ignored, the visible colours stay
    unknown = {
        "tiff unspecified extra channel": tiff(rgba, extrasamples=["unspecified"]),
        "bmp of 32 bits": saved(rgba, "BMP"),
    }
    sources = {
        "png palette with alpha": "upscayl/upscayl#496",
        "tiff premultiplied": "joeyballentine/chaiNNer#409",
        "png rgba": LOST,
    }
    ambiguous = [
        _case(f"stored: {name}", partial(bytes, data), carries("the visible colours", partial(_keeps_colours, rgba)))
        for name, data in unknown.items()
    ]
    return ambiguous + [
        _case(
            f"stored: {name}",
            partial(bytes, data),
            shows(partial(np.asarray, wanted), least),
            source=sources.get(name, ""),
        )
        for name, (data, wanted, least) in stored.items()
    ]


def _keeps_colours(rgba: Array, view: View) -> bool:
    """Where the source is opaque, the answer has its colours."""
    scale = view.eight.shape[0] // len(rgba)
    solid = rgba[..., 3] == 255
    return bool((np.abs(view.eight[::scale, ::scale].astype(int) - rgba[..., :3])[solid] <= 1).all())


def _flattened() -> list[Case]:
    """Formats without alpha lay the picture over white."""
    rgba = cut_out(PINK)
    weight = rgba[..., 3:] / 255
    white = np.rint(rgba[..., :3] * weight + 255 * (1 - weight)).astype(np.uint8)
    made = [
        _case(
            "to jpeg, over white",
            partial(saved, rgba, "PNG"),
            shows(partial(np.asarray, white), 33.0),
            file_is("JPEG", alpha=False),
            options={"output_format": "jpeg"},
        )
    ]
    for kind, name in {"webp": "WEBP", "avif": "AVIF", "tiff": "TIFF"}.items():
        made.append(
            _case(
                f"to {kind}, alpha kept",
                partial(saved, rgba, "PNG"),
                shows(partial(np.asarray, rgba), 30.0),
                file_is(name, alpha=True),
                source=LOST,
                options={"output_format": kind},
            )
        )
    return made


def _extremes() -> list[Case]:
    nothing = np.dstack((cat(), np.zeros_like(grey())))
    opaque = np.dstack((cat(), np.full_like(grey(), 255)))
    faint = np.dstack((cat(), np.full_like(grey(), 1)))
    speck = nothing.copy()
    speck[90, 100, 3] = 255
    shape = {
        "wholly transparent": nothing,
        "wholly opaque": opaque,
        "alpha 1 of 255": faint,
        "one visible pixel": speck,
    }
    return [
        _case(name, partial(saved, rgba, "PNG"), shows(partial(np.asarray, rgba), 60.0), file_is("PNG", alpha=True))
        for name, rgba in shape.items()
    ]
