"""HEIC and AVIF as phones write them: tiles, rotation, profiles, thumbnails, sequences.

The structure of a phone's photo: a grid of tiles of 512 x 512 pixels, turned by `irot` while EXIF still says so too,
Display P3 as an ICC profile, EXIF with the place, and a thumbnail. Gain maps and depth maps are not covered: no encoder
at hand writes them.
"""

from functools import cache, partial
from typing import Any

import numpy as np
import PIL.Image

from demo.photos import photo
from perf.field.case import BANDED, ENLARGED, Case
from perf.field.checks import carries, file_is, refused, refused_or, reports, shows
from perf.field.files import Array, fixture, saved
from perf.field.pictures import cat, cut_out, grey
from perf.field.profiles import DISPLAY_P3, matrix_profile
from perf.field.viewer import to_srgb

PHONE = "sambecker/exif-photo-blog#229, upscayl/upscayl#1137"


@cache
def _phone() -> Array:
    """uint8 [1048, 700, 3], as it should look in sRGB."""
    source = PIL.Image.fromarray(photo("astronaut").pixels[:, 85:427])
    stored = np.asarray(source.resize((700, 1048), PIL.Image.Resampling.BICUBIC))
    return to_srgb(stored, matrix_profile(DISPLAY_P3))


def cases() -> list[Case]:
    def case(name: str, file: str, *checks: Any, source: str = PHONE, **more: Any) -> Case:
        return Case("heic", name, partial(fixture, file), checks, source, **more)

    def frame(number: int) -> Array:
        return np.roll(cat(), 16 * number, 1)

    animated = saved(cat(), "AVIF", save_all=True, append_images=[PIL.Image.fromarray(frame(1))], quality=90)
    made = [
        case(
            "a phone's photo", "phone.heic", shows(_phone, 30), carries("upright", lambda view: view.orientation == 1)
        ),
        case(
            "a phone's photo, default format",
            "phone.heic",
            shows(_phone, 29),
            file_is("JPEG"),
            options={},
            ways=(BANDED, ENLARGED),
        ),
        case("one picture", "single.heic", shows(cat, 30)),
        case("grey", "grey.heic", shows(lambda: np.dstack([grey()] * 3), 32)),
        case("alpha", "alpha.heic", shows(cut_out, 26), file_is(alpha=True)),
        case("mirrored", "mirrored.heic", shows(lambda: cat()[:, ::-1], 30)),
        case("10 bits", "ten_bits.heic", shows(_ramp, 34)),
        case("several pictures", "collection.heic", refused_or(["frame"], shows(cat, 28))),
        case(
            "several pictures, frame=1",
            "collection.heic",
            refused_or(["frame"], shows(partial(frame, 1), 26)),
            options={"output_format": "png", "frame": 1},
        ),
        case("a sequence", "sequence.heic", refused_or(["sequence"], shows(cat, 26))),
        case("avif of tiles", "grid.avif", shows(cat, 24)),
        case("avif 10 bits", "ten_bits.avif", shows(_ramp, 34)),
        case("avif sequence of another encoder", "sequence.avif", refused("frame")),
        case(
            "avif sequence, frame=1",
            "sequence.avif",
            shows(partial(frame, 1), 24),
            reports("frame", 1),
            options={"output_format": "png", "frame": 1},
        ),
        Case("heic", "avif animated", partial(bytes, animated), (refused("frame"),), "irokaru/pixel-scaler#8"),
        Case(
            "heic",
            "avif animated, frame=1",
            partial(bytes, animated),
            (shows(partial(frame, 1), 30), reports("frame", 1)),
            options={"output_format": "png", "frame": 1},
        ),
        Case(
            "heic",
            "not what it says",
            lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(range(256)) * 8,
            (refused(),),
            PHONE,
        ),
    ]
    codings: dict[str, dict[str, Any]] = {
        "4:4:4": {"subsampling": "4:4:4"},
        "4:2:0": {"subsampling": "4:2:0"},
        "fast": {"speed": 9},
    }
    for kind, options in codings.items():
        made.append(
            Case("heic", f"avif {kind}", partial(saved, cat(), "AVIF", quality=90, **options), (shows(cat, 30),), PHONE)
        )
    return made


def _ramp() -> Array:
    row = np.rint(np.arange(512) * 255 / 511).astype(np.uint8)
    return np.broadcast_to(row[None, :, None], (128, 512, 3)).copy()
