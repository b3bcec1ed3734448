"""The references of the shipped tasks: details of public photographs, degraded in a stated way.

Details of 256 pixels keep a check at seconds a version; the demo measures whole photographs.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from demo import degrade, metrics
from demo.graphics import Graphic, graphic
from demo.photos import PHOTOS, Photo, photo
from demo.pictures import Pixels, png
from export.reference import Reference
from export.restorer import portrait

SIDE = 256
"""Pixels of a detail."""
NOISE = 25
"""Standard deviation in grey levels."""
FACE = 165
"""Side of the aligned face crop, pixels."""
DRAWN_HEIGHT = 160
"""Pixels of a graphic's upper left part."""
DRAWN = "Drawn for this check; no rights reserved"
DRAWN_NAMES = ("text-16", "icons-dark", "screen")
HARD_NAMES = ("text-16-binary", "text-16-blue", "lines-binary", "screen", "china-nearest")
"""Names in `demo.graphics`."""
BORDER = 4
"""Outermost pixels that super-resolution's figures customarily leave out."""


def enlarged(of: Photo, scale: int, side: int = SIDE, network: str = "span") -> Reference:
    """A detail shrunk by `scale`, to be enlarged again."""
    original = detail(of, side)
    return Reference(
        name=f"{of.name}-x{scale}-{network.replace('_', '-')}",
        title=f"{of.title}, x{scale}",
        group=f"x{scale}, {network}",
        file=png(degrade.shrink(original, scale)),
        recipe=f"{side} x {side} pixels, shrunk by {scale} (bicubic, antialiased)",
        credit=credit(of),
        options={"scale": scale, "network": network},
        original=original,
        measure=partial(metrics.on_luma, border=BORDER),
    )


def drawn(of: Graphic, scale: int) -> Reference:
    """A graphic shrunk by `scale`, to be enlarged again."""
    original = of.pixels[:DRAWN_HEIGHT, :SIDE]
    return Reference(
        name=f"{of.name}-x{scale}-shrunk",
        title=f"{of.title}, shrunk, x{scale}",
        group=f"x{scale}, graphics",
        file=png(degrade.shrink(original, scale)),
        recipe=f"{SIDE} x {DRAWN_HEIGHT} pixels, drawn, shrunk by {scale} (bicubic, antialiased)",
        credit=DRAWN,
        options={"scale": scale},
        original=original,
        measure=partial(metrics.on_luma, border=BORDER),
    )


def hard(of: Graphic, scale: int) -> Reference:
    """A graphic as it is: no block of its enlargement may show something else."""
    return Reference(
        name=f"{of.name}-x{scale}",
        title=f"{of.title}, x{scale}",
        group=f"x{scale}, graphics as they are",
        file=png(of.pixels[:DRAWN_HEIGHT, :SIDE]),
        recipe=f"{SIDE} x {DRAWN_HEIGHT} pixels, drawn",
        credit=DRAWN,
        options={"scale": scale},
        worst_block=metrics.BAD_BLOCK,
    )


def noisy(of: Photo, auto: bool = False) -> Reference:
    """A detail with Gaussian noise whose strength is told, or has to be estimated."""
    original = detail(of, SIDE)
    strength: float | str = "auto" if auto else float(NOISE)
    return Reference(
        name=f"{of.name}-{NOISE}{'-auto' if auto else ''}",
        title=f"{of.title}, noise {NOISE}",
        group=f"noise {NOISE}, strength={'auto' if auto else NOISE}",
        file=png(degrade.add_noise(original, NOISE, of.seed)),
        recipe=f"{SIDE} x {SIDE} pixels, Gaussian noise of {NOISE} grey levels (seed {of.seed})",
        credit=credit(of),
        options={"strength": strength},
        original=original,
        measure=metrics.on_rgb,
    )


def worn_portrait() -> Reference:
    """A face to restore; measured on the aligned crop."""

    def on_face(answer: Pixels, original: Pixels) -> metrics.Quality:
        return metrics.on_rgb(portrait.face(answer, FACE), portrait.face(original, FACE))

    return Reference(
        name="portrait",
        title="Astronaut, worn",
        group="worn portrait, face crop",
        file=png(portrait.worn(portrait.photograph())),
        recipe="Gaussian blur of 1.2 pixels, noise of 12 grey levels, JPEG of quality 40",
        credit=credit(photo("astronaut")),
        original=portrait.photograph(),
        measure=on_face,
    )


def faceless() -> Reference:
    """A detail without a face, enlarged by the background's network."""
    of = photo("coffee")
    original = detail(of, SIDE)
    return Reference(
        name="coffee-x2",
        title=f"{of.title}, x2",
        group="x2 without faces",
        file=png(degrade.shrink(original, 2)),
        recipe=f"{SIDE} x {SIDE} pixels, shrunk by 2 (bicubic, antialiased)",
        credit=credit(of),
        options={"scale": 2},
        original=original,
        measure=partial(metrics.on_luma, border=BORDER),
    )


def prompted(options: Mapping[str, Any]) -> Reference:
    """A detail to repaint; what a prompt paints has no original."""
    of = photo("chelsea")
    return Reference(
        name="chelsea-prompted",
        title=f"{of.title}, repainted",
        group="repainted",
        file=png(detail(of, SIDE)),
        recipe=f"{SIDE} x {SIDE} pixels; {', '.join(f'{name}={value}' for name, value in options.items())}",
        credit=credit(of),
        options=options,
        measure=metrics.on_rgb,
    )


def super_resolution() -> Sequence[Reference]:
    """Every network on every scale that it is made for; the slow one on one small detail."""
    return [
        *(enlarged(of, 4) for of in PHOTOS),
        *(enlarged(of, 2) for of in PHOTOS[:2]),
        *(drawn(graphic(name), scale) for scale in (2, 4) for name in DRAWN_NAMES),
        *(hard(graphic(name), scale) for scale in (2, 4) for name in HARD_NAMES),
        enlarged(photo("chelsea"), 4, side=128, network="realesrgan_x4plus"),
    ]


def denoise() -> Sequence[Reference]:
    """The strength told, and estimated."""
    return [*(noisy(of) for of in PHOTOS), *(noisy(of, auto=True) for of in PHOTOS[:2])]


def face_enhance() -> Sequence[Reference]:
    """A face, and a picture without one."""
    return [worn_portrait(), faceless()]


def image_to_image() -> Sequence[Reference]:
    """One repainted photograph."""
    return [prompted({"prompt": "a watercolour of a cat", "strength": 0.5, "steps": 4, "seed": 7})]


def credit(of: Photo) -> str:
    """A line of thanks."""
    return f"Photograph: {of.by}, {of.licence}"


def detail(of: Photo, side: int) -> Pixels:
    """uint8 [side, side, 3] around what is worth looking at."""
    pixels = of.pixels
    x, y = (
        min(max(centre - side // 2, 0), length - side)
        for centre, length in zip(of.detail, (pixels.shape[1], pixels.shape[0]), strict=True)
    )
    return pixels[y : y + side, x : x + side]
