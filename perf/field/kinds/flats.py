"""Flat areas, gradients and dark pictures: no shift of colour, no seam, no black result."""

from functools import partial

import numpy as np

from demo.photos import photo
from perf.field.case import Case, Way
from perf.field.checks import near, shows
from perf.field.files import png, saved
from perf.field.pictures import Array

SHIFT = "DeadSix27/waifu2x-converter-cpp#24"
BLACK = "xinntao/Real-ESRGAN#632"
SEAMS = "xinntao/Real-ESRGAN#211, leejet/stable-diffusion.cpp#353"
ENLARGE = (Way("super_resolution", {"scale": 2}), Way("super_resolution", {"scale": 4}))
DENOISE = (Way("denoise"), Way("denoise", {"strength": 0}), Way("denoise", {"strength": 25}))
EVERY = (*ENLARGE, *DENOISE, Way("face_enhance", {"scale": 2}))
COLOURS = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "cyan": (0, 255, 255),
    "magenta": (255, 0, 255),
    "grey": (128, 128, 128),
    "skin": (224, 172, 105),
    "near black": (3, 2, 4),
    "near white": (252, 253, 251),
    "dark blue": (5, 5, 60),
}


def cases() -> list[Case]:
    made = [_case(f"flat {name}", flat(colour), 2.0, 1.0, SHIFT) for name, colour in COLOURS.items()]
    made += [
        _case("two saturated halves", halves(), 40.0, 1.0, SHIFT, (*ENLARGE, EVERY[-1])),
        # the denoiser softens the columns where the halves meet; the colour on the whole must stay
        _case("two saturated halves to denoise", halves(), 75.0, 1.0, SHIFT, DENOISE),
        _case("sky", sky(), 6.0, 0.5, SEAMS),
        _case("dark gradient", dark_gradient(), 4.0, 0.5, SEAMS),
        _case("grey gradient", grey_gradient(), 3.0, 0.5, SEAMS),
    ]
    for name, picture in {"dark noise": dark_noise(), "a dark photo": photo("china").pixels[:240, :320] // 12}.items():
        made.append(
            Case(
                "flats",
                name,
                partial(saved, picture, "PNG"),
                (shows(partial(np.asarray, picture), 33), near(partial(np.asarray, picture), 60, mean=1.0)),
                BLACK,
                ways=EVERY,
                device="cpu",
                quick=False,
            )
        )
    made += [
        Case(
            "flats",
            f"flat {name}, 16 bits",
            partial(png, flat(colour).astype(np.uint16) * 257, 16, 2),
            (near(partial(flat, colour), 2.0, mean=1.0),),
            SHIFT,
            ways=(ENLARGE[0], DENOISE[2]),
            device="cpu",
            quick=False,
        )
        for name, colour in list(COLOURS.items())[:5]
    ]
    return made


def _case(name: str, picture: Array, most: float, mean: float, source: str, ways: tuple[Way, ...] = EVERY) -> Case:
    checks = (near(partial(np.asarray, picture), most, mean=mean),)
    return Case("flats", name, partial(saved, picture, "PNG"), checks, source, ways=ways, device="cpu", quick=False)


def flat(colour: tuple[int, int, int]) -> Array:
    return np.full((150, 150, 3), colour, np.uint8)


def halves() -> Array:
    return np.concatenate((flat((255, 0, 0)), flat((0, 0, 255))), axis=1)


def sky() -> Array:
    """Larger than a tile, so that seams would show."""
    y, _ = np.mgrid[0:320, 0:480]
    noise = np.random.default_rng(3).normal(0, 0.6, (320, 480, 3))
    pixels: Array = np.clip(np.dstack((90 + y / 5, 140 + y / 6, 220 - y / 40)) + noise, 0, 255).astype(np.uint8)
    return pixels


def dark_gradient() -> Array:
    y, x = np.mgrid[0:320, 0:480]
    return np.clip(np.dstack((x / 9 + y / 20, y / 8 + 10, 40 - x / 40)) / 4, 0, 255).astype(np.uint8)


def grey_gradient() -> Array:
    row = np.rint(np.linspace(0, 255, 480)).astype(np.uint8)
    return np.broadcast_to(row[None, :, None], (320, 480, 3)).copy()


def dark_noise() -> Array:
    noise = np.random.default_rng(9).normal(0, 3, (240, 320, 3))
    pixels: Array = np.clip(photo("china").pixels[:240, :320] / 10 + noise, 0, 255).astype(np.uint8)
    return pixels
