"""Pictures that are no photographs: text, icons, line art, a screen, and photographs with hard edges.

Drawn the same way every time with Pillow and its built-in TrueType font, so nothing has to be shipped or thanked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from demo import degrade
from demo.photos import photo
from demo.pictures import Pixels

Kind = Literal["text", "icons", "lines", "screen", "hard photo"]
Colour = tuple[int, int, int]
DRAWN: tuple[Kind, ...] = ("text", "icons", "lines", "screen")
"""Kinds that are drawn; PSNR is measured on these."""

BLACK, WHITE, DARK, GREY = (0, 0, 0), (255, 255, 255), (30, 30, 30), (90, 90, 90)
LIME, YELLOW, BLUE, RED, ORANGE = (0, 255, 0), (255, 255, 0), (0, 0, 255), (255, 0, 0), (255, 140, 0)
_WIDTH, _HEIGHT = 400, 208
_OVER = 8
"""Shapes are drawn this many times as large and averaged down, for smooth edges."""
_LINES = (
    "Total amount: 1,249.00 EUR",
    "Settings  File  Edit  View  Help",
    "https://example.org/path?id=42",
    "def f(x): return x ** 2  # ok",
    "The quick brown fox jumps over 13 dogs",
    "@ & % { } [ ] < > ; : ! ? ~ ^ | \\ /",
)


@dataclass(frozen=True)
class Graphic:
    """One picture of the set."""

    name: str
    """Unique; part of file names: lower case, digits and hyphens."""
    title: str
    kind: Kind
    draw: Callable[[], Pixels]

    @property
    def pixels(self) -> Pixels:
        """uint8 [h, w, 3] RGB; both sides are multiples of 16."""
        return _drawn(self)

    @property
    def is_drawn(self) -> bool:
        """Whether PSNR is measured on it: text, icons, line art and screens."""
        return self.kind in DRAWN


@cache
def _drawn(graphic: Graphic) -> Pixels:
    pixels = np.ascontiguousarray(degrade.whole(graphic.draw(), 16))
    pixels.setflags(write=False)  # cached, so shared by all callers
    return pixels


def _font(size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow is built without FreeType, so it has no TrueType font.")
    return font


def text(colour: Colour, ground: Colour, size: int, *, smooth: bool = True) -> Pixels:
    """Lines of text with a frame and a rule, uint8 [208, 400, 3]. `size`: of the font in pixels. `smooth`: antialiased;
    otherwise every pixel has one of the two colours."""
    image = Image.new("RGB", (_WIDTH, _HEIGHT), ground)
    draw = ImageDraw.Draw(image)
    draw.fontmode = "L" if smooth else "1"
    for row, line in enumerate(_LINES):
        draw.text((8, 8 + row * (size + 10)), line, fill=colour, font=_font(size))
    draw.rectangle((316, 120, 390, 180), outline=colour)
    draw.line((0, 202, _WIDTH, 202), fill=colour)
    return np.asarray(image)


def icons(colours: tuple[Colour, ...], ground: Colour, *, smooth: bool = True) -> Pixels:
    """A sheet of 6 x 3 flat icons of 48 pixels, uint8 [192, 384, 3]."""
    image = Image.new("RGB", (384 * _OVER, 192 * _OVER), ground)
    draw = ImageDraw.Draw(image)
    for place in range(18):
        left, top = (place % 6 * 64 + 8) * _OVER, (place // 6 * 64 + 8) * _OVER
        _icon(draw, place % 9, left, top, 48 * _OVER, colours[place % len(colours)], ground)
    return _reduced(image, smooth)


def _icon(draw: ImageDraw.ImageDraw, which: int, x: int, y: int, n: int, colour: Colour, ground: Colour) -> None:
    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        return x + left * n, y + top * n, x + right * n, y + bottom * n

    def points(*pairs: tuple[float, float]) -> list[tuple[float, float]]:
        return [(x + a * n, y + b * n) for a, b in pairs]

    pen = n // 12
    if which == 0:  # a ring with a bar
        draw.ellipse(box(0.1, 0.1, 0.9, 0.9), fill=colour)
        draw.ellipse(box(0.28, 0.28, 0.72, 0.72), fill=ground)
        draw.rectangle(box(0.46, 0, 0.54, 1), fill=colour)
    elif which == 1:  # a magnifying glass
        draw.ellipse(box(0.05, 0.05, 0.65, 0.65), outline=colour, width=pen)
        draw.line(points((0.57, 0.57), (0.95, 0.95)), fill=colour, width=pen)
    elif which == 2:  # a play button
        draw.rounded_rectangle(box(0, 0, 1, 1), n // 5, fill=colour)
        draw.polygon(points((0.35, 0.25), (0.35, 0.75), (0.78, 0.5)), fill=ground)
    elif which == 3:  # a star
        angles = np.arange(10) * np.pi / 5 - np.pi / 2
        radii = np.where(np.arange(10) % 2, 0.2, 0.5)
        star = [(0.5 + r * np.cos(a), 0.5 + r * np.sin(a)) for r, a in zip(radii, angles, strict=True)]
        draw.polygon(points(*star), fill=colour)
    elif which == 4:  # an envelope
        draw.rectangle(box(0, 0.2, 1, 0.8), outline=colour, width=pen // 2)
        draw.line(points((0, 0.2), (0.5, 0.55), (1, 0.2)), fill=colour, width=pen // 2)
    elif which == 5:  # three bars
        for top in (0.15, 0.43, 0.71):
            draw.rounded_rectangle(box(0, top, 1, top + 0.13), pen // 2, fill=colour)
    elif which == 6:  # a tick in a disc
        draw.ellipse(box(0, 0, 1, 1), fill=colour)
        draw.line(points((0.25, 0.52), (0.43, 0.7), (0.77, 0.33)), fill=ground, width=pen)
    elif which == 7:  # a cross
        draw.line(points((0.1, 0.1), (0.9, 0.9)), fill=colour, width=pen)
        draw.line(points((0.9, 0.1), (0.1, 0.9)), fill=colour, width=pen)
    else:  # a house
        draw.polygon(points((0.5, 0), (1, 0.5), (0, 0.5)), fill=colour)
        draw.rectangle(box(0.15, 0.5, 0.85, 1), fill=colour)
        draw.rectangle(box(0.42, 0.65, 0.58, 1), fill=ground)


def lines(colour: Colour, ground: Colour, *, smooth: bool = True) -> Pixels:
    """Circles, a fan, hatching and waves of one-pixel and two-pixel lines, uint8 [208, 400, 3]."""
    image = Image.new("RGB", (_WIDTH * _OVER, _HEIGHT * _OVER), ground)
    draw = ImageDraw.Draw(image)
    for radius in range(12, 100, 12):
        r = radius * _OVER
        centre_x, centre_y = 104 * _OVER, 104 * _OVER
        width = _OVER if radius % 24 else 2 * _OVER
        draw.ellipse((centre_x - r, centre_y - r, centre_x + r, centre_y + r), outline=colour, width=width)
    for angle in np.linspace(0, np.pi / 2, 13):
        end = (212 + 90 * np.cos(angle)) * _OVER, (8 + 90 * np.sin(angle)) * _OVER
        draw.line((212 * _OVER, 8 * _OVER, *end), fill=colour, width=_OVER)
    for step in range(8):
        left = (312 + 10 * step) * _OVER
        draw.line((left, 10 * _OVER, left + 8 * _OVER, 90 * _OVER), fill=colour, width=_OVER)
    across = np.arange(210, 392)
    for row in range(4):
        wave = 120 + 22 * row + 8 * np.sin((across - 210) / (4 + 3 * row))
        draw.line(list(np.stack([across, wave], 1).ravel() * _OVER), fill=colour, width=(1 + row % 2) * _OVER)
    return _reduced(image, smooth)


def screen() -> Pixels:
    """A program's window: title bar, menu, side bar, table, code, buttons, uint8 [320, 480, 3]."""
    image = Image.new("RGB", (480, 320), (243, 243, 246))
    draw = ImageDraw.Draw(image)
    for row in range(28):
        draw.line((0, row, 480, row), fill=(40 + row, 90 + 2 * row, 190 + row))
    draw.text((10, 6), "Accounts - December 2026", fill=WHITE, font=_font(14))
    for place, colour in enumerate(((255, 95, 86), (255, 189, 46), (39, 201, 63))):
        draw.ellipse((424 + 18 * place, 8, 436 + 18 * place, 20), fill=colour)
    draw.text((10, 33), "File    Edit    View    Tools    Window    Help", fill=(20, 20, 20), font=_font(12))
    draw.rectangle((0, 52, 110, 320), fill=(36, 41, 56))
    for row, word in enumerate(("Inbox (12)", "Drafts", "Sent", "Invoices", "Reports", "Archive", "Settings")):
        if row == 3:
            draw.rectangle((0, 58 + 24 * row, 110, 80 + 24 * row), fill=(62, 99, 221))
        draw.text((14, 61 + 24 * row), word, fill=(225, 228, 238), font=_font(13))
    for row in range(7):
        top = 60 + 18 * row
        draw.rectangle((120, top, 470, top + 18), fill=(226, 232, 245) if row % 2 else WHITE, outline=(200, 205, 215))
        cells = (f"2026-{row + 1:02d}-17", f"INV-{1042 + 37 * row}", f"{119.9 * (row + 1):,.2f}")
        for column, cell in enumerate(cells):
            draw.text((126 + 120 * column, top + 3), cell, fill=(33, 37, 41), font=_font(11))
    draw.rectangle((120, 196, 470, 276), fill=(30, 30, 30))
    code = (
        ((86, 156, 214), "def total(rows):"),
        ((212, 212, 212), "    return sum(row.amount for row in rows)"),
        ((106, 153, 85), "# 2,517.90 EUR, checked"),
        ((206, 145, 120), 'print("paid", total(paid))'),
    )
    for row, (colour, line) in enumerate(code):
        draw.text((128, 200 + 18 * row), line, fill=colour, font=_font(12))
    for place, (word, colour) in enumerate((("Cancel", (108, 117, 125)), ("Save", (25, 135, 84)), ("Pay", RED))):
        draw.rounded_rectangle((250 + 74 * place, 286, 316 + 74 * place, 310), 5, fill=colour)
        draw.text((262 + 74 * place, 290), word, fill=WHITE, font=_font(13))
    draw.rectangle((124, 290, 136, 302), outline=(20, 20, 20))
    draw.line((126, 296, 129, 300, 135, 291), fill=(20, 20, 20), width=1)
    draw.text((142, 290), "Send a copy", fill=(20, 20, 20), font=_font(12))
    return np.asarray(image)


def chart() -> Pixels:
    """A diagram with axes, a grid, bars and two curves, uint8 [208, 400, 3]."""
    image = Image.new("RGB", (_WIDTH, _HEIGHT), WHITE)
    draw = ImageDraw.Draw(image)
    for row in range(6):
        draw.line((40, 20 + 30 * row, 390, 20 + 30 * row), fill=(221, 221, 221))
        draw.text((8, 14 + 30 * row), f"{100 - 20 * row}%", fill=GREY, font=_font(11))
    for column in range(10):
        height = 20 + 13 * (column * 7 % 10)
        draw.rectangle((52 + 34 * column, 170 - height, 70 + 34 * column, 170), fill=(76, 114, 176))
        draw.text((52 + 34 * column, 176), f"Q{column + 1}", fill=BLACK, font=_font(11))
    draw.line((40, 20, 40, 170, 390, 170), fill=BLACK)
    across = np.arange(44, 388)
    picture = np.asarray(image).copy()
    for colour, wave in (((196, 78, 82), np.sin(across / 31)), ((85, 168, 104), np.cos(across / 19))):
        curve = np.stack([across, 90 - 55 * wave], 1).astype(np.int32)
        cv2.polylines(picture, [curve], False, colour, 2, cv2.LINE_AA)
    return picture


def pixel_art() -> Pixels:
    """Blocks of 8 pixels in saturated colours, and a chequerboard of 4, uint8 [192, 256, 3]."""
    colours = np.random.default_rng(1).integers(0, 4, (24, 16, 3)) * 85
    blocks = np.kron(colours, np.ones((8, 8, 1), np.int64))
    squares = (np.indices((192, 128)) // 4).sum(0) % 2 * 255
    return np.asarray(np.concatenate([blocks, np.repeat(squares[..., None], 3, 2)], 1), np.uint8)


def meme() -> Pixels:
    """A photograph with outlined capitals on it, uint8 [336, 480, 3]."""
    picture = photo("flower").pixels[:336, :480].copy()
    for colour, width in ((BLACK, 6), (WHITE, 2)):
        cv2.putText(picture, "WHEN IT WORKS", (40, 60), cv2.FONT_HERSHEY_DUPLEX, 1.3, colour, width, cv2.LINE_AA)
    return picture


def sharpened(name: str, amount: float) -> Pixels:
    """A photograph whose edges were sharpened by `amount` (unsharp mask of 1.5 pixels), clipped; at most 384 x 512."""
    pixels = photo(name).pixels[:384, :512]
    blurred = cv2.GaussianBlur(pixels, (0, 0), 1.5)
    return np.asarray(cv2.addWeighted(pixels, 1 + amount, blurred, -amount, 0), np.uint8)


def halved(name: str) -> Pixels:
    """Every second pixel of every second row of a photograph."""
    return photo(name).pixels[::2, ::2]


def web(name: str) -> Pixels:
    """A photograph at half its size by Lanczos, and sharpened, as web tools do."""
    image = Image.fromarray(photo(name).pixels)
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    return np.asarray(half.filter(ImageFilter.UnsharpMask(1, 80, 0)))


def _reduced(image: Image.Image, smooth: bool) -> Pixels:
    small = image.reduce(_OVER)
    if smooth:
        return np.asarray(small)
    return np.asarray(image.resize(small.size, Image.Resampling.NEAREST))


def _text(name: str, title: str, colour: Colour, ground: Colour, size: int, *, smooth: bool = True) -> Graphic:
    return Graphic(f"text-{name}", f"Text, {title}", "text", partial(text, colour, ground, size, smooth=smooth))


_BRIGHT = (ORANGE, (0, 120, 215), (232, 17, 35), (16, 124, 16), (136, 23, 152))

GRAPHICS = (
    _text("12", "12 pixels", BLACK, WHITE, 12),
    _text("16", "16 pixels", BLACK, WHITE, 16),
    _text("24", "24 pixels", BLACK, WHITE, 24),
    _text("16-binary", "16 pixels, two levels", BLACK, WHITE, 16, smooth=False),
    _text("16-inverse", "white on black", WHITE, BLACK, 16),
    _text("16-inverse-binary", "white on black, two levels", WHITE, BLACK, 16, smooth=False),
    _text("16-dark", "light grey on dark grey", (230, 230, 230), DARK, 16),
    _text("16-grey", "grey on white", GREY, WHITE, 16),
    _text("16-lime", "black on lime", BLACK, LIME, 16),
    _text("16-blue", "yellow on blue", YELLOW, BLUE, 16),
    _text("16-red", "red on black", RED, BLACK, 16),
    _text("16-magenta", "lime on magenta, two levels", LIME, (255, 0, 255), 16, smooth=False),
    Graphic("icons-bright", "Icons on white", "icons", partial(icons, _BRIGHT, WHITE)),
    Graphic("icons-dark", "White and orange icons on black", "icons", partial(icons, (WHITE, ORANGE), BLACK)),
    Graphic("icons-binary", "Icons, two levels", "icons", partial(icons, (BLACK,), WHITE, smooth=False)),
    Graphic("lines-black", "Line art", "lines", partial(lines, BLACK, WHITE)),
    Graphic("lines-white", "Line art, white on blue", "lines", partial(lines, WHITE, (0, 60, 140))),
    Graphic("lines-binary", "Line art, two levels", "lines", partial(lines, BLACK, WHITE, smooth=False)),
    Graphic("chart", "Diagram", "lines", chart),
    Graphic("pixel-art", "Pixel art", "icons", pixel_art),
    Graphic("screen", "Screen", "screen", screen),
    Graphic("meme", "Capitals on a photograph", "hard photo", meme),
    Graphic("china-sharpened", "China, sharpened", "hard photo", partial(sharpened, "china", 1.5)),
    Graphic("flower-sharpened", "Flower, sharpened", "hard photo", partial(sharpened, "flower", 1.0)),
    Graphic("china-nearest", "China, every second pixel", "hard photo", partial(halved, "china")),
    Graphic("astronaut-nearest", "Astronaut, every second pixel", "hard photo", partial(halved, "astronaut")),
    Graphic("china-web", "China, half size and sharpened", "hard photo", partial(web, "china")),
)
"""The set, in the order of the page."""


def graphic(name: str) -> Graphic:
    """One of `GRAPHICS` by name. Raises KeyError."""
    return {graphic.name: graphic for graphic in GRAPHICS}[name]
