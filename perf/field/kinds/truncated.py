"""Files that end early or are damaged, and complete files that only lack their end."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from perf.field.case import BANDED, ENLARGED, WHOLE, Case, Check, Finding, Outcome
from perf.field.checks import answered, averaged, psnr, refused, refused_or, reports, shows
from perf.field.files import Array, fixture, opened, png, saved, tiff
from perf.field.pictures import cat, coffee

CUT = "pytorch/vision#138, python-pillow/Pillow#889"
NO_END = "nothings/stb#952"
ACCEPT = {"output_format": "png", "truncated": "accept"}
WAYS = (BANDED, WHOLE, ENLARGED)


def cases() -> list[Case]:
    return [*_jpegs(), *_complete(), *_others(), *_damaged()]


def _case(name: str, data: bytes, *checks: Any, source: str = CUT, **more: Any) -> Case:
    return Case("truncated", name, partial(bytes, data), checks, source, **more)


def shown_part(expected: Callable[[], Array], share: float, at_least: float) -> Check:
    """The upper `share` of the rows is the picture's; its size is whole."""

    def check(outcome: Outcome) -> Finding:
        if not outcome.image:
            return answered(outcome)
        seen, wanted = averaged(outcome.view.srgb, outcome.scale), expected()
        if seen.shape != wanted.shape:
            return Finding(f"{seen.shape[1]}x{seen.shape[0]} of {wanted.shape[1]}x{wanted.shape[0]}", False)
        rows = int(len(wanted) * share)
        found = psnr(seen[:rows], wanted[:rows])
        return Finding(f"upper {100 * share:.0f} %: {found:.1f} dB", found >= at_least)

    return check


def _jpegs() -> list[Case]:
    made = []
    codings: dict[str, dict[str, Any]] = {
        "": {},
        ", progressive": {"progressive": True},
        ", restarts": {"restart_marker_rows": 1},
    }
    for name, options in codings.items():
        whole = saved(coffee(), "JPEG", quality=90, subsampling=0, **options)
        picture = partial(opened, whole)
        for share in (0.2, 0.5, 0.6, 0.9, 0.99):
            data = whole[: int(len(whole) * share)]
            made.append(_case(f"jpeg cut at {share:.0%}{name}", data, refused("truncated", "accept")))
            # progressive: coarse everywhere; baseline: exact above the cut, whose rows cost about the same each
            part = shown_part(picture, 1.0, 8.0) if "prog" in name else shown_part(picture, share * 0.7, 45.0)
            made.append(
                _case(
                    f"jpeg cut at {share:.0%}{name}, accepted", data, part, reports("truncated", True), options=ACCEPT
                )
            )
    grey = saved(coffee()[..., 0].copy(), "JPEG", quality=90)
    made.append(_case("grey jpeg cut at 50%", grey[: len(grey) // 2], refused("truncated", "accept")))
    made.append(
        _case(
            "grey jpeg cut at 50%, accepted",
            grey[: len(grey) // 2],
            shown_part(partial(opened, grey), 0.35, 45),
            reports("truncated", True),
            options=ACCEPT,
        )
    )
    header = saved(coffee(), "JPEG", quality=90)[:300]
    made.append(_case("jpeg cut within its header", header, refused("truncated"), ways=(BANDED,), options=ACCEPT))
    return made


def _complete() -> list[Case]:
    """All pixels are there: nothing to complain about."""
    made = []
    codings: dict[str, dict[str, Any]] = {"": {}, ", progressive": {"progressive": True}, ", 4:2:0": {"subsampling": 2}}
    for name, options in codings.items():
        whole = saved(coffee(), "JPEG", **{"quality": 90, "subsampling": 0, **options})
        least = 36 if "4:2:0" in name else 50
        made += [
            _case(
                f"jpeg without its end marker{name}", whole[:-2], shows(partial(opened, whole), least), source=NO_END
            ),
            _case(
                f"jpeg with half its end marker{name}", whole[:-1], shows(partial(opened, whole), least), source=NO_END
            ),
            _case(
                f"jpeg without its end marker{name}, accepted",
                whole[:-2],
                shows(partial(opened, whole), least),
                source=NO_END,
                options=ACCEPT,
            ),
        ]
    plain = saved(cat(), "PNG")
    interlaced = png(cat(), 8, 2, interlaced=True)
    return [
        *made,
        _case("png without IEND", plain[:-12], shows(cat), source=NO_END),
        _case("png with half of IEND", plain[:-6], shows(cat), source=NO_END),
        _case("png, interlaced, without IEND", interlaced[:-12], shows(cat), source=NO_END),
        _case("png with bytes behind its end", plain + b"junk" * 100, shows(cat), source=NO_END),
        _case(
            "gif without its trailer",
            saved(cat(), "GIF")[:-1],
            shows(partial(opened, saved(cat(), "GIF"))),
            source=NO_END,
        ),
    ]


def _others() -> list[Case]:
    files = {
        "png": (saved(cat(), "PNG"), 0.7),
        "webp": (saved(cat(), "WEBP", quality=90), 0.8),
        "webp lossless": (saved(cat(), "WEBP", lossless=True), 0.8),
        "tiff": (tiff(cat()), 0.7),
        "gif": (saved(cat(), "GIF"), 0.7),
        "bmp": (saved(cat(), "BMP"), 0.7),
        "avif": (saved(cat(), "AVIF", quality=90), 0.7),
        "jpeg xl": (saved(cat(), "JXL", lossless=True), 0.7),
        "heic": (fixture("single.heic"), 0.7),
    }
    made = []
    for name, (whole, share) in files.items():
        data = whole[: int(len(whole) * share)]
        words = [] if name in ("avif", "jpeg xl", "heic") else ["truncated"]  # their decoders do not say why
        made.append(_case(f"{name} cut", data, refused(*words)))
        # those whose decoder shows a part may do so; the others say that they are cut
        made.append(_case(f"{name} cut, accepted", data, refused_or([], _whole_size), options=ACCEPT))
    return made


def _whole_size(outcome: Outcome) -> Finding:
    height, width = outcome.view.samples.shape[:2]
    return Finding(f"{width}x{height}", (width, height) == (236 * outcome.scale, 188 * outcome.scale))


def _damaged() -> list[Case]:
    plain = saved(cat(), "PNG")
    at = plain.index(b"IDAT") + 400
    flipped = plain[:at] + bytes([plain[at] ^ 0xFF]) + plain[at + 1 :]
    crc = plain[:-16] + b"\x01\x02\x03\x04" + plain[-12:]
    jpeg = saved(coffee(), "JPEG", quality=90, subsampling=0)
    middle = len(jpeg) // 2
    hurt = jpeg[:middle] + bytes(np.random.default_rng(2).integers(0, 255, 40, np.uint8)) + jpeg[middle + 40 :]
    return [
        _case("png, one bit flipped", flipped, refused()),
        _case("png, a wrong checksum", crc, refused_or(["damaged"], shows(cat, 60))),
        _case("jpeg, 40 bytes overwritten", hurt, refused_or(["damaged"], shown_part(partial(opened, jpeg), 0.3, 40))),
    ]
