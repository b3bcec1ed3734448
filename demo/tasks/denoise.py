"""Denoising: photos with Gaussian noise of known strength, with the strength told and estimated."""

from collections.abc import Iterator, Sequence

from demo import degrade, metrics
from demo.photos import PHOTOS, Photo
from demo.pictures import Picture, png
from demo.samples import Check, Demo, Outcome, Sample, at_least, mean

TARGETS_DB = {15: 34.1, 25: 31.0, 50: 26.1}
"""What FFDNet's weights give on these photos, measured outside of the server: PSNR by noise in grey levels."""

AUTO_SIGMA = 25
AUTO_MAY_LOSE_DB = 0.5
"""How much worse an estimated strength may be than the true one, on average."""


def samples() -> Iterator[Sample]:
    for sigma in TARGETS_DB:
        for each in PHOTOS:
            yield _noisy(each, sigma)
    for each in PHOTOS:
        yield _noisy(each, AUTO_SIGMA, auto=True)


def checks(outcomes: Sequence[Outcome]) -> list[Check]:
    found = [
        at_least(f"noise {sigma}: PSNR", mean(outcomes, _group(sigma)).psnr, target, decimals=1, unit="dB")
        for sigma, target in TARGETS_DB.items()
    ]
    told = mean(outcomes, _group(AUTO_SIGMA)).psnr
    estimated = mean(outcomes, _group(AUTO_SIGMA, auto=True)).psnr
    name = f"noise {AUTO_SIGMA}, strength=auto: PSNR"
    return [*found, at_least(name, estimated, round(told - AUTO_MAY_LOSE_DB, 2), decimals=2, unit="dB")]


def _group(sigma: int, auto: bool = False) -> str:
    return f"noise {sigma}, strength={'auto' if auto else sigma}"


def _noisy(of: Photo, sigma: int, auto: bool = False) -> Sample:
    noisy = png(degrade.add_noise(of.pixels, sigma, of.seed))
    return Sample(
        name=f"{of.name}-{sigma}{'-auto' if auto else ''}",
        group=_group(sigma, auto),
        title=f"{of.title}, noise {sigma}{', strength=auto' if auto else ''}",
        photo=of,
        recipe=f"Gaussian noise of {sigma} grey levels (seed {of.seed}), clipped to 8 bit, PNG.",
        before=Picture("noisy", noisy),
        options={"strength": "auto" if auto else float(sigma)},
        original=of.original,
        measure=metrics.on_rgb,
        detail=of.detail,
        tell=_estimate if auto else None,
    )


def _estimate(outcome: Outcome) -> str:
    return f"Estimated from the picture: {outcome.report['strength']} grey levels; {AUTO_SIGMA} were added."


DEMO = Demo(
    "denoise",
    "Denoising",
    "Noise of known strength is added to each photo; the server is told the strength, or estimates it. PSNR and SSIM "
    "are of RGB, from file to file.",
    samples,
    checks,
    order=20,
)
