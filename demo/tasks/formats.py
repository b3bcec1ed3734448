"""What a file carries beside its pixels: transparency, a single channel, an orientation, a colour profile, 16 bits."""

import io
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from PIL import Image, ImageCms

from demo import degrade, metrics
from demo.photos import Photo, photo
from demo.pictures import Picture, Pixels, jpeg, opened, png
from demo.profile import wide_rgb
from demo.samples import Check, Demo, Outcome, Sample, at_least, equal

SCALE = 2
EXIF_ORIENTATION = 0x0112
MOST_LEVELS = 4096
"""At least so many different levels come back in 16 bits."""
LIES_ON_ITS_RIGHT = 6
"""EXIF: turn by 90 degrees clockwise to see it upright."""


def samples() -> Iterator[Sample]:
    yield _alpha(photo("coffee"))
    yield _grey(photo("astronaut"))
    yield _turned(photo("chelsea"))
    yield _profiled(photo("flower"))
    yield _deep(photo("china"))


def checks(outcomes: Sequence[Outcome]) -> list[Check]:
    by_name = {outcome.sample.name: opened(outcome.after.data) for outcome in outcomes}
    found = [
        equal("alpha: mode of the result", by_name["alpha"].mode, "RGBA"),
        at_least("alpha: PSNR of the transparency", _alpha_psnr(by_name["alpha"]), 35.0, decimals=1, unit="dB"),
        equal("grey: mode of the result", by_name["grey"].mode, "L"),
        equal("EXIF orientation: size of the result", _size(by_name["turned"]), _size(_original("chelsea"))),
    ]
    kept = by_name["profiled"].info.get("icc_profile") == wide_rgb()
    found.append(equal("ICC profile of the result", "kept" if kept else "lost or changed", "kept"))
    levels = _levels(next(outcome.after.data for outcome in outcomes if outcome.sample.name == "deep"))
    found.append(at_least("16 bits: different levels in the result", levels, MOST_LEVELS, decimals=0))
    for outcome in outcomes:
        if outcome.quality and outcome.baseline_quality:
            name = f"{outcome.sample.name}: PSNR against bicubic"
            wanted = round(outcome.baseline_quality.psnr, 1)
            found.append(at_least(name, outcome.quality.psnr, wanted, decimals=1, unit="dB"))
    return found


def _sample(name: str, title: str, of: Photo, recipe: str, before: bytes, original: Picture) -> Sample:
    small = opened(before)
    large = small.resize((small.width * SCALE, small.height * SCALE), Image.Resampling.BICUBIC)
    return Sample(
        name=name,
        group="x2, span: what the file carries",
        title=title,
        photo=of,
        recipe=f"Cut to multiples of 8 pixels, shrunk by {SCALE} (bicubic, antialiased). {recipe}",
        before=Picture("before", before),
        options={"scale": SCALE},
        baseline=Picture("bicubic", png(large, icc_profile=small.info.get("icc_profile"))),
        original=original,
        measure=metrics.on_luma,
        detail=of.detail,
    )


def _alpha(of: Photo) -> Sample:
    small = _small(of)
    height, width = small.shape[:2]
    before = png(Image.fromarray(np.dstack([small, _ellipse(height, width)])))
    pixels = degrade.whole(of.pixels)
    original = png(Image.fromarray(np.dstack([pixels, _ellipse(*pixels.shape[:2])])))
    recipe = "A soft ellipse of opacity is added: PNG with alpha."
    return _sample("alpha", "Transparency", of, recipe, before, Picture("original", original))


def _grey(of: Photo) -> Sample:
    before = png(Image.fromarray(_small(of)).convert("L"))
    original = png(Image.fromarray(degrade.whole(of.pixels)).convert("L"))
    return _sample("grey", "Grey", of, "Made grey: PNG of one channel.", before, Picture("original", original))


def _turned(of: Photo) -> Sample:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = LIES_ON_ITS_RIGHT
    lying = Image.fromarray(_small(of)).transpose(Image.Transpose.ROTATE_90)
    before = jpeg(lying, 95, exif=exif)
    recipe = "Stored lying on its side with an EXIF orientation, JPEG of quality 95; JPEG comes back."
    return _sample("turned", "EXIF orientation", of, recipe, before, _original(of.name))


def _profiled(of: Photo) -> Sample:
    before = png(_to_wide(_small(of)), icc_profile=wide_rgb())
    original = png(_to_wide(degrade.whole(of.pixels)), icc_profile=wide_rgb())
    recipe = "Converted to a wide-gamut RGB, PNG with its ICC profile. Dull colours would mean that it got lost."
    return _sample("profiled", "ICC profile", of, recipe, before, Picture("original", original))


def _deep(of: Photo) -> Sample:
    pixels = degrade.whole(of.pixels).astype(np.float32)
    size = (pixels.shape[1] // SCALE, pixels.shape[0] // SCALE)
    blue_first = [Image.fromarray(pixels[..., channel]).resize(size, Image.Resampling.BICUBIC) for channel in (2, 1, 0)]
    stored = np.clip(np.rint(np.dstack([np.asarray(plane) for plane in blue_first]) * 257), 0, 65535)
    _, before = cv2.imencode(".png", stored.astype(np.uint16))
    recipe = "Its fractions of grey levels are kept: PNG of 16 bits, as scanners make them."
    return _sample("deep", "16 bits", of, recipe, before.tobytes(), _original(of.name))


def _levels(file: bytes) -> int:
    """Different levels of green in a file; 256 at most where it has 8 bits."""
    decoded = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
    return len(np.unique(decoded[..., 1]))


def _small(of: Photo) -> Pixels:
    return degrade.shrink(degrade.whole(of.pixels), SCALE)


def _original(name: str) -> Picture:
    return Picture("original", png(degrade.whole(photo(name).pixels)))


def _ellipse(height: int, width: int) -> Pixels:
    """Opacity, uint8 [h, w]: 255 in the middle, 0 at the edges, with a soft rim."""
    y, x = np.mgrid[0:height, 0:width]
    radius = np.hypot((x + 0.5) / width * 2 - 1, (y + 0.5) / height * 2 - 1)
    opacity: Pixels = np.rint(np.clip((0.95 - radius) * 8, 0, 1) * 255).astype(np.uint8)
    return opacity


def _alpha_psnr(result: Image.Image) -> float:
    if result.mode != "RGBA":
        return 0.0
    alpha = np.asarray(result.getchannel("A"))
    return metrics.psnr(alpha.astype(np.float64), _ellipse(*alpha.shape).astype(np.float64))


def _to_wide(pixels: Pixels) -> Image.Image:
    wide = ImageCms.ImageCmsProfile(io.BytesIO(wide_rgb()))
    converted = ImageCms.profileToProfile(Image.fromarray(pixels), ImageCms.createProfile("sRGB"), wide)
    if converted is None:
        raise ValueError("the picture could not be converted to the wide-gamut profile")
    return converted


def _size(of: Image.Image | Picture) -> str:
    width, height = of.size
    return f"{width} x {height}"


DEMO = Demo(
    "super_resolution",
    "Colours and formats",
    "Transparency, a single channel, an orientation, a colour profile and 16 bits go through the server and must come "
    "out as a viewer expects. On the chequered ground, what is transparent shows through.",
    samples,
    checks,
    order=90,
)
