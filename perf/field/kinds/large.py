"""Photographs of tens of megapixels: accepted, priced, and refused with what would do."""

from functools import partial
from typing import Any

import cv2
import numpy as np

from demo.photos import photo
from perf.field.case import BANDED, Case, Check, Finding, Outcome, Way
from perf.field.checks import file_is, quoted, refused, shows
from perf.field.files import exif, png, saved
from perf.field.pictures import Array

LARGE = "TransparentLC/realesrgan-gui#34, upscayl/upscayl#466"
X2, X4 = Way("super_resolution", {"scale": 2}), Way("super_resolution", {"scale": 4})
QUOTE = {"quote": True}


def cases() -> list[Case]:
    return [*_quotes(), *_beyond(), *_through(), *_deadlines()]


def large(width: int, height: int) -> Array:
    """uint8 [height, width, 3]: a photograph, enlarged."""
    return np.asarray(cv2.resize(photo("china").pixels, (width, height), interpolation=cv2.INTER_LINEAR))


def _jpeg(width: int, height: int, orientation: int = 1) -> bytes:
    return saved(large(width, height), "JPEG", quality=88, exif=exif(orientation))


def _case(name: str, file: Any, *checks: Any, **more: Any) -> Case:
    return Case("large", name, file, checks, LARGE, quick=False, **more)


def _quotes() -> list[Case]:
    return [
        _case("12 megapixels", partial(_jpeg, 4032, 3024, 6), quoted, ways=(BANDED, X2, X4), options=QUOTE),
        _case("24 megapixels", partial(_jpeg, 6000, 4000), quoted, ways=(BANDED, X2), options=QUOTE),
        _case("48 megapixels", partial(_jpeg, 8064, 6048), quoted, ways=(BANDED, X2), options=QUOTE),
        _case("96 megapixels", partial(_jpeg, 12_000, 8000), quoted, ways=(BANDED,), options=QUOTE),
        _case(
            "a 4K screen",
            lambda: saved(large(3840, 2160), "PNG", compress_level=1),
            quoted,
            ways=(X2, X4),
            options=QUOTE,
        ),
    ]


def _beyond() -> list[Case]:
    header = png(np.zeros((1, 1, 3), np.uint8), 8, 2)
    huge = header[:16] + (20_000).to_bytes(4, "big") + (10_000).to_bytes(4, "big") + header[24:]
    return [
        _case("200 megapixels by its header", partial(bytes, huge), refused("100000000"), ways=(BANDED,)),
        _case(
            "24 megapixels x4 is beyond the output",
            partial(_jpeg, 6000, 4000),
            refused("200000000", reason="bad_option"),
            ways=(X4,),
        ),
    ]


def _through() -> list[Case]:
    """Through a simulated device: decoded, cut, stitched, encoded."""
    screen = partial(large, 3840, 2160)
    phone = partial(_jpeg, 4032, 3024, 6)
    return [
        _case(
            "a 4K screen x4",
            lambda: saved(screen(), "PNG", compress_level=1),
            _sized(15_360, 8640),
            ways=(X4,),
            options={"output_format": "png"},
        ),
        _case(
            "12 megapixels, turned, denoised", phone, _sized(3024, 4032), file_is("JPEG"), ways=(BANDED,), options={}
        ),
        _case(
            "24 megapixels x2",
            partial(_jpeg, 6000, 4000),
            _sized(12_000, 8000),
            file_is("JPEG"),
            ways=(X2,),
            options={},
        ),
        _case(
            "16-bit scan of 8 megapixels",
            lambda: png(screen().astype(np.uint16) * 257, 16, 2),
            _sized(3840, 2160),
            file_is("PNG", 16),
            shows(screen, 60),
            ways=(BANDED,),
            options={},
        ),
    ]


def _sized(width: int, height: int) -> Check:
    def check(outcome: Outcome) -> Finding:
        if not outcome.image:
            return Finding(f"refused: {outcome.sentence}", False)
        rows, columns = outcome.view.samples.shape[:2]
        return Finding(f"{columns}x{rows}, {outcome.seconds:.1f} s", (columns, rows) == (width, height))

    return check


def _deadlines() -> list[Case]:
    """On a CPU, the default deadline is too short; the refusal names one that would do."""
    short = {"deadline_s": 5}
    return [
        _case(
            "24 megapixels within 5 s",
            partial(_jpeg, 6000, 4000),
            refused("deadline_s", reason="deadline"),
            ways=(X2,),
            options=short,
            device="cpu",
        ),
    ]
