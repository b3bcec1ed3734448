"""BMP: depths, compressions and the directions of rows."""

import struct
from functools import partial
from typing import Any

import cv2
import numpy as np
import PIL.Image

from perf.field.case import Case
from perf.field.checks import refused_or, shows
from perf.field.files import Array, saved
from perf.field.pictures import cat, grey


def cases() -> list[Case]:
    palette = PIL.Image.fromarray(cat()).quantize(200)
    sixteen = PIL.Image.fromarray(cat()).quantize(16)
    one = PIL.Image.fromarray(grey()).convert("1")
    encoded = cv2.imencode(".bmp", np.ascontiguousarray(cat()[..., ::-1]))[1].tobytes()
    top_down = _top_down(saved(cat(), "BMP"))
    opaque = np.dstack((cat(), np.full_like(grey(), 255)))
    rle, levels = _run_lengths()
    files: dict[str, tuple[bytes, Any]] = {
        "24 bits": (saved(cat(), "BMP"), shows(cat)),
        "24 bits, by another library": (encoded, shows(cat)),
        "rows from the top": (top_down, shows(cat)),
        "8 bits": (saved(palette, "BMP"), shows(lambda: np.asarray(palette.convert("RGB")))),
        "16 colours": (saved(sixteen, "BMP"), shows(lambda: np.asarray(sixteen.convert("RGB")))),
        "grey": (saved(grey(), "BMP"), shows(lambda: np.dstack([grey()] * 3))),
        "1 bit": (saved(one, "BMP"), shows(lambda: np.asarray(one.convert("RGB")))),
        "32 bits": (saved(opaque, "BMP"), shows(cat)),
        "run lengths": (rle, refused_or(["uncompressed"], shows(partial(np.asarray, np.dstack([levels] * 3))))),
        "16 bits, 5-6-5": (_packed(), refused_or(["BMP"], shows(cat, 30))),
    }
    return [
        Case("bmp", name, partial(bytes, data), (check,), "nihui/realsr-ncnn-vulkan#7")
        for name, (data, check) in files.items()
    ]


def _top_down(data: bytes) -> bytes:
    start = struct.unpack_from("<I", data, 10)[0]
    height = struct.unpack_from("<i", data, 22)[0]
    pixels = data[start:]
    row = len(pixels) // height
    flipped = b"".join(pixels[(height - 1 - y) * row :][:row] for y in range(height))
    return data[:22] + struct.pack("<i", -height) + data[26:start] + flipped


def _run_lengths() -> tuple[bytes, Array]:
    """A file of runs, and the grey levels it shows: uint8 [32, 40]."""
    height, width = 32, 40
    body = b"".join(bytes((width, row * 7 % 256)) + b"\0\0" for row in range(height)) + b"\0\x01"
    table = b"".join(bytes((value, value, value, 0)) for value in range(256))
    start = 54 + len(table)
    head = b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start)
    head += struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 2835, 2835, 256, 0)
    rows = (np.arange(height)[::-1] * 7 % 256).astype(np.uint8)
    return head + table + body, np.repeat(rows[:, None], width, axis=1)


def _packed() -> bytes:
    red, green, blue = (cat()[::-1, :, channel].astype(np.uint16) for channel in range(3))
    values = (red >> 3) << 11 | (green >> 2) << 5 | blue >> 3
    body = values.astype("<u2").tobytes()
    head = b"BM" + struct.pack("<IHHI", 66 + len(body), 0, 0, 66)
    head += struct.pack("<IiiHHIIiiII", 40, 236, 188, 1, 16, 3, len(body), 2835, 2835, 0, 0)
    return head + struct.pack("<III", 0xF800, 0x07E0, 0x001F) + body
