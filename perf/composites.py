"""Pictures with faces in known places, built from photos that scikit-image and scikit-learn carry.

The tests compare detection on `varied(seed)` with what the reference implementation found on the same pictures
(`tests/data/faces_reference.json`), so a change here makes that recording worthless.
"""

import functools
import io
import random

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter
from skimage import data
from sklearn.datasets import load_sample_image

Pixels = npt.NDArray[np.uint8]

PORTRAIT = (130, 10, 320, 250)
"""Head and hair in the astronaut photo: left, top, right, bottom."""
BACKGROUNDS = ("coffee", "chelsea", "china", "flower", "grey")


def photo(name: str) -> Image.Image:
    """One of the carried photos, RGB."""
    if name in ("china", "flower"):
        return Image.fromarray(load_sample_image(f"{name}.jpg"))
    return Image.fromarray(getattr(data, name)())


def portrait() -> Image.Image:
    """The astronaut's head with its own background fading out: RGBA, 190 x 240."""
    head = photo("astronaut").crop(PORTRAIT)
    fade = Image.new("L", head.size)
    width, height = head.size
    ImageDraw.Draw(fade).ellipse((8, 8, width - 9, height - 9), fill=255)
    head.putalpha(fade.filter(ImageFilter.GaussianBlur(4)))
    return head


def stranger(index: int) -> Image.Image:
    """One of the hundred small grey faces of the Labeled Faces in the Wild subset: RGBA, 150 x 150, soft."""
    grey = Image.fromarray(np.rint(_strangers()[index] * 255).astype(np.uint8))
    face = grey.resize((150, 150), Image.Resampling.LANCZOS).convert("RGB")
    fade = Image.new("L", face.size)
    ImageDraw.Draw(fade).rectangle((5, 5, 144, 144), fill=255)
    face.putalpha(fade.filter(ImageFilter.GaussianBlur(3)))
    return face


def group(faces: int, columns: int, cell: int = 200, background: str = "coffee") -> Pixels:
    """`faces` astronauts in rows of `columns`, `cell` pixels apart, at three sizes: uint8 `[h, w, 3]`."""
    rows = -(-faces // columns)
    canvas = photo(background).resize((columns * cell, rows * cell), Image.Resampling.BICUBIC)
    for index in range(faces):
        head = portrait()
        share = (0.95, 0.8, 0.65)[index % 3] * cell / head.height
        head = head.resize((round(head.width * share), round(head.height * share)), Image.Resampling.LANCZOS)
        row, column = divmod(index, columns)
        place = (column * cell + (cell - head.width) // 2, row * cell + (cell - head.height) // 2)
        canvas.paste(head, place, head)
    return np.asarray(canvas)


def varied(seed: int) -> Pixels:
    """One to three heads, turned, mirrored, lit and sized at random, on a photo or a grey wall; every other picture
    went through JPEG. uint8 `[h, w, 3]`."""
    dice = random.Random(seed)
    size = (dice.randrange(480, 900), dice.randrange(400, 700))
    name = BACKGROUNDS[seed % len(BACKGROUNDS)]
    canvas = Image.new("RGB", size, (128, 128, 128)) if name == "grey" else photo(name).resize(size)
    for slot in range(dice.randint(1, 3)):
        head = stranger(dice.randrange(100)) if slot == 2 else portrait()
        if dice.random() < 0.5:
            head = head.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        height = dice.uniform(0.25, 0.55) * size[1]
        share = height / head.height
        head = head.resize((round(head.width * share), round(height)), Image.Resampling.LANCZOS)
        alpha = head.getchannel("A")
        head = ImageEnhance.Brightness(head.convert("RGB")).enhance(dice.uniform(0.6, 1.3))
        head.putalpha(alpha)
        head = head.rotate(dice.uniform(-30, 30), Image.Resampling.BICUBIC, expand=True)
        left = round((slot + 0.5) * size[0] / 3 - head.width / 2 + dice.uniform(-20, 20))
        canvas.paste(head, (left, dice.randrange(0, max(1, size[1] - head.height))), head)
    if seed % 2:
        canvas = Image.open(io.BytesIO(jpeg(canvas, dice.randrange(50, 95)))).convert("RGB")
    return np.asarray(canvas)


def jpeg(picture: Image.Image, quality: int) -> bytes:
    """The picture as a JPEG file."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


@functools.cache
def _strangers() -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = data.lfw_subset()
    return found
