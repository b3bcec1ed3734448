"""Denoising: a clean picture stays as it is, a noisy one gets better."""

from collections.abc import Callable
from functools import partial

import numpy as np

from demo import degrade
from demo.photos import photo
from perf.field.case import Case, Check, Finding, Outcome, Way
from perf.field.checks import answered, psnr, shows
from perf.field.files import opened, saved
from perf.field.kinds import graphics
from perf.field.pictures import Array, cat, coffee

BLURRED = "CyberTimon/RapidRAW#566, nagadomi/waifu2x#364"
AUTO = (Way("denoise"),)


def cases() -> list[Case]:
    clean: dict[str, tuple[Callable[[], Array], float]] = {
        "coffee": (coffee, 36.0),
        "cat": (cat, 34.0),
        "flower": (partial(_detail, "flower"), 36.0),
        "china": (partial(_detail, "china"), 30.0),
        "comic": (graphics.comic, 36.0),
        "text": (partial(graphics.screen, (0, 0, 0), (255, 255, 255), 16), 33.0),
        "line art": (graphics.line_art, 33.0),
        "icons": (graphics.icons, 36.0),
    }
    made = [
        Case(
            "denoising",
            f"clean: {name}",
            partial(saved, make(), "PNG"),
            (shows(make, least),),
            BLURRED,
            ways=AUTO,
            device="cpu",
            quick=False,
        )
        for name, (make, least) in clean.items()
    ]
    for sigma in (10, 25, 50):
        noisy = degrade.add_noise(coffee(), sigma, seed=3)
        made.append(
            Case(
                "denoising",
                f"noise {sigma}",
                partial(saved, noisy, "PNG"),
                (better(noisy, coffee()),),
                BLURRED,
                ways=(Way("denoise"), Way("denoise", {"strength": sigma})),
                device="cpu",
                quick=False,
            )
        )
    rough = saved(coffee(), "JPEG", quality=30)
    made.append(
        Case(
            "denoising",
            "jpeg of quality 30",
            partial(bytes, rough),
            (shows(partial(opened, rough), 30),),
            BLURRED,
            ways=AUTO,
            device="cpu",
            quick=False,
        )
    )
    return made


def better(before: Array, clean: Array) -> Check:
    """Nearer to the clean picture by at least 3 dB."""
    was = psnr(before, clean)

    def check(outcome: Outcome) -> Finding:
        if not outcome.image:
            return answered(outcome)
        now = psnr(outcome.view.srgb, clean)
        return Finding(f"{was:.1f} to {now:.1f} dB", now >= was + 3)

    return check


def _detail(name: str) -> Array:
    return np.ascontiguousarray(photo(name).pixels[100:356, 200:520])
