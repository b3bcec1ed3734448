"""Text, icons, line art and screens: what networks trained on photographs damage first."""

from collections.abc import Iterator, Sequence

from demo import degrade, metrics
from demo.graphics import GRAPHICS, Graphic
from demo.photos import Photo, photo
from demo.pictures import Picture, png
from demo.samples import Check, Demo, Outcome, Sample, at_least, equal, mean
from demo.tasks.super_resolution import shrunk

AS_THEY_ARE = ("text-16", "text-16-binary", "text-16-blue", "icons-binary", "lines-binary", "screen", "china-nearest")
"""Enlarged without being shrunk before: hard edges as screens and programs make them."""
SHRUNK = ("text-24", "icons-bright", "lines-black", "screen")
SCALES = (2, 4)
GAIN_DB = 1.0
"""Of the mean PSNR over bicubic."""


def samples() -> Iterator[Sample]:
    by_name = {graphic.name: graphic for graphic in GRAPHICS}
    for scale in SCALES:
        for name in SHRUNK:
            yield _shrunk(by_name[name], scale)
    for name in AS_THEY_ARE:
        yield _as_it_is(by_name[name])


def checks(outcomes: Sequence[Outcome]) -> list[Check]:
    found = []
    for scale in SCALES:
        group = f"x{scale}, graphics"
        bicubic = [o.baseline_quality.psnr for o in outcomes if o.sample.group == group and o.baseline_quality]
        gain = mean(outcomes, group).psnr - sum(bicubic) / len(bicubic)
        found.append(at_least(f"{group}: PSNR gained over bicubic", gain, GAIN_DB, decimals=1, unit="dB"))
    worst = max(_worst_block(outcome) for outcome in outcomes if outcome.sample.original is None)
    text = "none" if worst <= metrics.BAD_BLOCK else f"one by {worst:.1f}"
    name = f"blocks that differ by more than {metrics.BAD_BLOCK:g} levels"
    found.append(equal(name, text, "none"))
    return found


def _shrunk(of: Graphic, scale: int) -> Sample:
    return shrunk(
        of.pixels,
        scale,
        name=of.name,
        group=f"x{scale}, graphics",
        title=of.title,
        photo=_credit(of),
        recipe=f"Drawn, shrunk by {scale} (bicubic, antialiased), PNG.",
        detail=(of.pixels.shape[1] // 3, of.pixels.shape[0] // 3),
    )


def _as_it_is(of: Graphic) -> Sample:
    return Sample(
        name=of.name,
        group="x2, graphics as they are",
        title=f"{of.title}, x2",
        photo=_credit(of),
        recipe="As it was drawn, PNG. Nothing of it may come back as something else.",
        before=Picture("before", png(of.pixels)),
        options={"scale": 2},
        baseline=Picture("bicubic", png(degrade.enlarge(of.pixels, 2))),
        detail=(2 * of.pixels.shape[1] // 3, 2 * of.pixels.shape[0] // 3),
        tell=lambda outcome: f"{outcome.report['guarded_pixels']} pixels were replaced by the guard.",
    )


def _worst_block(outcome: Outcome) -> float:
    return float(metrics.block_errors(outcome.after.pixels(), outcome.sample.before.pixels()).max())


def _credit(of: Graphic) -> Photo:
    """Whom to thank, as for a photograph."""
    if not of.is_drawn:
        return photo(of.name.split("-")[0])
    return Photo("drawn", "Drawn", "Darkroom", "no rights reserved", "demo/graphics.py", "this project", (0, 0))


DEMO = Demo(
    "super_resolution",
    "Text, icons and screens",
    "Networks that were trained on photographs can paint noise over hard edges. Drawn pictures are shrunk and enlarged "
    "again, and enlarged as they are: averaged back to their size, no block of 16 x 16 pixels may differ by more than "
    f"{metrics.BAD_BLOCK:g} grey levels (root mean square).",
    samples,
    checks,
    order=15,
)
