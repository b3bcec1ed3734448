"""Super-resolution: photos shrunk by 4 and by 2, enlarged again; and one damaged detail."""

from collections.abc import Iterator, Sequence
from functools import partial

from demo import degrade, metrics
from demo.photos import PHOTOS, Photo, photo
from demo.pictures import Picture, Pixels, jpeg, png
from demo.samples import Check, Demo, Outcome, Sample, at_least, mean

TARGETS = {4: metrics.Quality(29.9, 0.848), 2: metrics.Quality(34.8, 0.0)}
"""At most 0.1 dB less than SPAN's weights give on these photos without the guard (29.95 and 34.91 dB): at x2 hard edges
in photographs get less contrast too. No SSIM was measured for x2."""

DAMAGED = ("chelsea", (10, 2, 442, 298))
"""Photo and its part (left, top, right, bottom): shrunk, 108 x 74 pixels, 3 x 2 tiles of the slow network."""


def samples() -> Iterator[Sample]:
    for scale in TARGETS:
        for each in PHOTOS:
            yield _shrunk(each, scale)
    yield _damaged()


def checks(outcomes: Sequence[Outcome]) -> list[Check]:
    found = []
    for scale, target in TARGETS.items():
        quality = mean(outcomes, f"x{scale}, span")
        found.append(at_least(f"x{scale}, span: PSNR", quality.psnr, target.psnr, decimals=1, unit="dB"))
        if target.ssim:
            found.append(at_least(f"x{scale}, span: SSIM", quality.ssim, target.ssim, decimals=3))
    return found


def _shrunk(of: Photo, scale: int) -> Sample:
    return shrunk(
        of.pixels,
        scale,
        name=of.name,
        group=f"x{scale}, span",
        title=of.title,
        photo=of,
        recipe=f"Cut to multiples of 8 pixels, shrunk by {scale} (bicubic, antialiased), PNG.",
        detail=of.detail,
    )


def shrunk(
    pixels: Pixels,
    scale: int,
    *,
    name: str,
    group: str,
    title: str,
    photo: Photo,
    recipe: str,
    detail: tuple[int, int],
) -> Sample:
    """A picture, uint8 [h, w, 3], shrunk by `scale` and to be enlarged again, beside bicubic. `name` and `title`
    without the scale."""
    original = degrade.whole(pixels)
    small = degrade.shrink(original, scale)
    return Sample(
        name=f"{name}-x{scale}",
        group=group,
        title=f"{title}, x{scale}",
        photo=photo,
        recipe=recipe,
        before=Picture("before", png(small)),
        options={"scale": scale},
        baseline=Picture("bicubic", png(degrade.enlarge(small, scale))),
        original=Picture("original", png(original)),
        # the outermost pixels are left out, as is customary: there is nothing to interpolate from
        measure=partial(metrics.on_luma, border=4),
        detail=detail,
    )


def _damaged() -> Sample:
    name, (left, top, right, bottom) = DAMAGED
    of = photo(name)
    original = of.pixels[top:bottom, left:right]
    data = jpeg(degrade.shrink(original, 4), 50)
    bicubic = degrade.enlarge(Picture("", data).pixels(), 4)
    return Sample(
        name=f"{of.name}-damaged",
        group="x4, realesrgan_x4plus, JPEG 50",
        title=f"{of.title}, damaged, x4",
        photo=of,
        recipe="A part, shrunk by 4 (bicubic, antialiased), JPEG of quality 50. Real-ESRGAN paints what is plausible "
        "and sharp, so its gain is for the eye: PSNR and SSIM do not reward it.",
        before=Picture("before", data),
        options={"scale": 4, "network": "realesrgan_x4plus", "output_format": "png"},
        baseline=Picture("bicubic", png(bicubic)),
        original=Picture("original", png(original)),
        measure=partial(metrics.on_luma, border=4),
        detail=(of.detail[0] - left, of.detail[1] - top),
        protocols=("grpc",),  # seconds a tile on a CPU: once is enough
    )


DEMO = Demo(
    "super_resolution",
    "Super-resolution",
    "Each photo is shrunk and enlarged again by the server. PSNR and SSIM are of luma (BT.601), without the 4 "
    "outermost pixels, from file to file.",
    samples,
    checks,
    order=10,
)
