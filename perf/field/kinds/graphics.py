"""Text, screens, icons and line art through the networks: an enlargement averaged back must show the source."""

from collections.abc import Callable
from functools import cache, partial

import cv2
import numpy as np
import PIL.Image
from PIL import ImageDraw, ImageFont

from demo.photos import photo
from perf.field.case import Case, Way
from perf.field.checks import whole_blocks
from perf.field.files import opened, saved
from perf.field.pictures import Array, coloured, page, ring

NOISE = "project issue: noise of the network on text"
WAYS = (Way("super_resolution", {"scale": 2}), Way("super_resolution", {"scale": 4}))
FACES = (Way("face_enhance", {"scale": 2}),)
LINES = (
    "Total amount: 1,249.00 EUR",
    "Settings  File  Edit  View  Help",
    "https://example.org/path?id=42",
    "def f(x): return x ** 2  # ok",
)
Colour = tuple[int, int, int]


def cases() -> list[Case]:
    made = [
        Case("graphics", name, partial(_file, make), (whole_blocks(make),), NOISE, ways=WAYS, device="cpu", quick=False)
        for name, make in pictures().items()
    ]
    made += [
        Case(
            "graphics",
            f"{name}, with faces",
            partial(_file, pictures()[name]),
            (whole_blocks(pictures()[name]),),
            NOISE,
            ways=FACES,
            device="cpu",
            quick=False,
        )
        for name in ("text 16 px, black on white", "icons")
    ]
    return made


def _file(make: Callable[[], Array]) -> bytes:
    return saved(make(), "PNG")


def pictures() -> dict[str, Callable[[], Array]]:
    """Name -> what makes uint8 [h, w, 3]."""
    black, white, dark = (0, 0, 0), (255, 255, 255), (30, 30, 30)
    made: dict[str, Callable[[], Array]] = {
        f"text {size} px, black on white": partial(screen, black, white, size) for size in (10, 12, 16, 24, 40)
    }
    colours: dict[str, tuple[Colour, Colour]] = {
        "light on dark": ((230, 230, 230), dark),
        "white on black": (white, black),
        "grey on white": ((90, 90, 90), white),
        "red on blue": ((255, 0, 0), (0, 0, 255)),
        "black on lime": (black, (0, 255, 0)),
        "yellow on white": ((255, 255, 0), white),
        "green on black": ((0, 255, 0), black),
    }
    made |= {f"text 16 px, {name}": partial(screen, *pair, 16) for name, pair in colours.items()}
    made |= {f"binary text {size} px": partial(screen, black, white, size, smooth=False) for size in (12, 16, 24)}
    made |= {
        "icons": icons,
        "line art": line_art,
        "thin lines": thin_lines,
        "checkerboard": checkerboard,
        "pixel art": pixel_art,
        "chart": chart,
        "barcode": barcode,
        "hard logo on black": lambda: np.ascontiguousarray(coloured(ring(), (255, 140, 0), (0, 0, 0))[..., :3]),
        "comic": comic,
        "scanned page": page,
        "text over a photo": meme,
        "text, jpeg 80": lambda: _through_jpeg(screen(black, white, 16), 80),
    }
    return made


@cache
def screen(ink: Colour, paper: Colour, size: int, smooth: bool = True) -> Array:
    """Lines of text, a frame and a rule: uint8 [200, 400, 3]."""
    picture = PIL.Image.new("RGB", (400, 200), paper)
    draw = ImageDraw.Draw(picture)
    draw.fontmode = "L" if smooth else "1"
    for number, line in enumerate(LINES):
        draw.text((8, 8 + number * (size + 12)), line, fill=ink, font=ImageFont.load_default(size))
    draw.rectangle((300, 120, 390, 180), outline=ink)
    draw.line((0, 195, 400, 195), fill=ink)
    return np.asarray(picture)


@cache
def icons() -> Array:
    """Flat signs in full colours."""
    large = PIL.Image.new("RGB", (256 * 4, 128 * 4), (245, 245, 248))
    draw = ImageDraw.Draw(large)
    for number, colour in enumerate(((220, 30, 40), (0, 120, 215), (20, 160, 80), (250, 180, 0))):
        x = (number * 60 + 10) * 4
        draw.rounded_rectangle((x, 40, x + 192, 232), 40, fill=colour)
        draw.ellipse((x + 48, 88, x + 144, 184), fill=(255, 255, 255))
        draw.polygon([(x, 460), (x + 96, 290), (x + 192, 460)], fill=colour)
        draw.line((x + 20, 440, x + 170, 330), fill=(0, 0, 0), width=12)
    return np.asarray(large.resize((256, 128), PIL.Image.Resampling.BOX))


@cache
def line_art() -> Array:
    drawn = np.full((256, 256, 3), 255, np.uint8)
    for radius in range(20, 120, 20):
        cv2.circle(drawn, (128, 128), radius, (0, 0, 0), 2, cv2.LINE_AA)
    for x in range(0, 256, 32):
        cv2.line(drawn, (x, 0), (255 - x, 255), (0, 0, 0), 1, cv2.LINE_AA)
    return drawn


@cache
def thin_lines() -> Array:
    drawn = np.full((160, 160, 3), 255, np.uint8)
    drawn[::4, :80] = 0
    drawn[:, 80::3] = 0
    drawn[80:, :80] = np.kron(np.eye(10, dtype=np.uint8)[..., None] * 255, np.ones((8, 8, 1), np.uint8))
    return drawn


@cache
def checkerboard() -> Array:
    squares = (np.indices((128, 128)).sum(axis=0) // 8 % 2 * 255).astype(np.uint8)
    return np.dstack([squares] * 3)


@cache
def pixel_art() -> Array:
    blocks = np.random.default_rng(1).integers(0, 4, (10, 10, 3)) * 85
    return np.kron(blocks, np.ones((8, 8, 1))).astype(np.uint8)


@cache
def chart() -> Array:
    drawn = np.full((200, 300, 3), 255, np.uint8)
    for number, height in enumerate((60, 120, 90, 150, 40)):
        x = 30 + number * 50
        cv2.rectangle(drawn, (x, 180 - height), (x + 30, 180), ((200 - 30 * number), 60 * number, 90), -1)
    cv2.line(drawn, (20, 180), (290, 180), (0, 0, 0), 1)
    points = np.array([(45 + 50 * number, 100 - 20 * (number % 3)) for number in range(5)])
    cv2.polylines(drawn, [points], False, (230, 0, 0), 2, cv2.LINE_AA)
    return drawn


@cache
def barcode() -> Array:
    bars = np.random.default_rng(4).integers(0, 2, 120).astype(np.uint8) * 255
    drawn = np.broadcast_to(np.repeat(bars, 2)[None, :, None], (96, 240, 3)).copy()
    squares = np.random.default_rng(5).integers(0, 2, (24, 24)).astype(np.uint8) * 255
    drawn[:, :96] = np.kron(squares, np.ones((4, 4), np.uint8))[..., None]
    return drawn


@cache
def comic() -> Array:
    drawn = np.full((240, 320, 3), (250, 245, 230), np.uint8)
    cv2.circle(drawn, (160, 120), 80, (240, 200, 160), -1, cv2.LINE_AA)
    cv2.circle(drawn, (160, 120), 80, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.ellipse(drawn, (160, 140), (40, 25), 0, 0, 180, (180, 20, 30), -1, cv2.LINE_AA)
    for x in (130, 190):
        cv2.circle(drawn, (x, 100), 10, (0, 0, 0), -1, cv2.LINE_AA)
    cv2.putText(drawn, "POW!", (10, 45), cv2.FONT_HERSHEY_TRIPLEX, 1.4, (0, 0, 0), 3, cv2.LINE_AA)
    return drawn


@cache
def meme() -> Array:
    drawn = photo("flower").pixels[:240, :400].copy()
    cv2.putText(drawn, "WHEN IT WORKS", (20, 50), cv2.FONT_HERSHEY_DUPLEX, 1.2, (0, 0, 0), 6, cv2.LINE_AA)
    cv2.putText(drawn, "WHEN IT WORKS", (20, 50), cv2.FONT_HERSHEY_DUPLEX, 1.2, (255, 255, 255), 2, cv2.LINE_AA)
    return drawn


def _through_jpeg(pixels: Array, quality: int) -> Array:
    return opened(saved(pixels, "JPEG", quality=quality))
