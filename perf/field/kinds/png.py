"""Every colour type and depth of PNG, plain and interlaced, with and without a transparent colour."""

import struct
import zlib
from functools import partial
from typing import Any

import numpy as np
import PIL.Image

from perf.field.case import BANDED, WHOLE, Case
from perf.field.checks import file_is, refused_or, samples, shows
from perf.field.files import Array, Chunk, png, saved, with_chunks
from perf.field.pictures import cat, deep, grey
from perf.hostile.parts import PNG_SIGNATURE, join_png, png_chunk, png_parts

BLACK = "nihui/realsr-ncnn-vulkan#7, ddnet/ddnet#7513"


def cases() -> list[Case]:
    return [*_matrix(), *_odd()]


def _case(name: str, data: bytes, *checks: Any, source: str = "", **more: Any) -> Case:
    return Case("png", name, partial(bytes, data), checks, source, **more)


def _matrix() -> list[Case]:
    made = []
    palette = np.array([(index * 5 % 256, index * 11 % 256, 255 - index) for index in range(256)], np.uint8)
    for interlaced in (False, True):
        shape = " interlaced" if interlaced else ""
        for bits in (1, 2, 4, 8, 16):
            most = 2**bits - 1
            light = (grey().astype(np.uint32) * most // 255).astype(np.uint16)
            shown = _as_eight(light, most)
            key = int(light[90, 110])
            visible = np.where(light == key, 0, 255).astype(np.uint8)
            made.append(_type(f"grey {bits}{shape}", light, bits, 0, interlaced, np.dstack([shown] * 3)))
            made.append(
                _type(
                    f"grey {bits}{shape}, one level transparent",
                    light,
                    bits,
                    0,
                    interlaced,
                    np.dstack([shown] * 3 + [visible]),
                    (b"tRNS", struct.pack(">H", key)),
                )
            )
            if bits <= 8:
                indices = light
                colours = palette[: most + 1]
                faint = np.linspace(255, 10, most + 1).astype(np.uint8)
                plte = (b"PLTE", colours.tobytes())
                made.append(_type(f"palette {bits}{shape}", indices, bits, 3, interlaced, colours[indices], plte))
                made.append(
                    _type(
                        f"palette {bits}{shape}, with alpha",
                        indices,
                        bits,
                        3,
                        interlaced,
                        np.dstack((colours[indices], faint[indices])),
                        plte,
                        (b"tRNS", faint.tobytes()),
                    )
                )
                made.append(
                    _type(
                        f"palette {bits}{shape}, first entry transparent",
                        indices,
                        bits,
                        3,
                        interlaced,
                        np.dstack((colours[indices], np.where(indices == 0, 0, 255).astype(np.uint8))),
                        plte,
                        (b"tRNS", b"\0"),
                    )
                )
            if bits >= 8:
                colour = deep() if bits == 16 else cat()
                alpha = (grey().astype(np.uint32) * most // 255).astype(colour.dtype)
                eight = _as_eight(colour, most)
                key3 = [int(value) for value in colour[50, 60]]
                seen = np.where((colour == colour[50, 60]).all(axis=-1), 0, 255).astype(np.uint8)
                made += [
                    _type(f"RGB {bits}{shape}", colour, bits, 2, interlaced, eight),
                    _type(
                        f"RGB {bits}{shape}, one colour transparent",
                        colour,
                        bits,
                        2,
                        interlaced,
                        np.dstack((eight, seen)),
                        (b"tRNS", struct.pack(">3H", *key3)),
                    ),
                    _type(
                        f"RGBA {bits}{shape}",
                        np.dstack((colour, alpha)),
                        bits,
                        6,
                        interlaced,
                        np.dstack((eight, _as_eight(alpha, most))),
                    ),
                    _type(
                        f"grey and alpha {bits}{shape}",
                        np.dstack((light.astype(colour.dtype), alpha)),
                        bits,
                        4,
                        interlaced,
                        np.dstack([shown] * 3 + [_as_eight(alpha, most)]),
                    ),
                ]
    return made


def _as_eight(values: Array, most: int) -> Array:
    eight: Array = np.rint(values.astype(np.float64) * 255 / most).astype(np.uint8)
    return eight


def _type(
    name: str, stored: Array, bits: int, colour_type: int, interlaced: bool, shown: Array, *chunks: Chunk
) -> Case:
    data = png(stored, bits, colour_type, interlaced=interlaced, chunks=chunks)
    # a sample of 16 bits may be rounded or cut
    least = 47.0 if bits == 16 else 60.0
    kept = file_is("PNG", alpha=shown.shape[2] == 4)
    return _case(name, data, shows(partial(np.asarray, shown), least), kept, source=BLACK, ways=(BANDED, WHOLE))


def _odd() -> list[Case]:
    plain = saved(cat(), "PNG")
    parts = png_parts(plain)
    pixels = b"".join(body for name, body in parts if name == b"IDAT")
    split = [
        (b"IHDR", parts[0][1]),
        *((b"IDAT", pixels[at : at + 501]) for at in range(0, len(pixels), 501)),
        (b"IEND", b""),
    ]
    empty = [(b"IHDR", parts[0][1]), (b"IDAT", b""), (b"IDAT", pixels), (b"IDAT", b""), (b"IEND", b"")]
    raw = b"".join(b"\0" + row.tobytes() for row in cat())
    stored = PNG_SIGNATURE + png_chunk(b"IHDR", parts[0][1]) + png_chunk(b"IDAT", zlib.compress(raw, 0))
    stored += png_chunk(b"IEND", b"")
    text = b"Comment\0\0" + zlib.compress(b"of no use " * 100)
    filters = b""
    before = np.zeros(236 * 3, np.int16)
    for number, row in enumerate(cat().reshape(188, -1).astype(np.int16)):
        left = np.concatenate((np.zeros(3, np.int16), row[:-3]))
        kind = number % 3
        predicted = (np.zeros_like(row), left, before)[kind]
        filters += bytes([kind]) + ((row - predicted) % 256).astype(np.uint8).tobytes()
        before = row
    filtered = join_png([(b"IHDR", parts[0][1]), (b"IDAT", zlib.compress(filters)), (b"IEND", b"")])
    few = PIL.Image.fromarray(cat()).quantize(5)
    files: dict[str, tuple[bytes, Any]] = {
        "pixels in many chunks": (join_png(split), shows(cat)),
        "empty chunks of pixels": (join_png(empty), shows(cat)),
        "stored without compression": (stored, shows(cat)),
        "three filters": (filtered, shows(cat)),
        "compressed text": (with_chunks(plain, (b"zTXt", text)), shows(cat)),
        "a private chunk": (with_chunks(plain, (b"prVt", b"x" * 5000)), shows(cat)),
        "sBIT and bKGD": (with_chunks(plain, (b"sBIT", b"\x08\x08\x08"), (b"bKGD", bytes(6))), shows(cat)),
        "hIST and tIME": (with_chunks(plain, (b"tIME", bytes((7, 230, 1, 1, 0, 0, 0)))), shows(cat)),
        "palette of five colours": (saved(few, "PNG", bits=4), shows(lambda: np.asarray(few.convert("RGB")))),
        "a wrong length of text": (with_chunks(plain, (b"tEXt", b"no separator")), shows(cat)),
        "16 bits, sBIT 12": (png(deep(), 16, 2, chunks=[(b"sBIT", b"\x0c\x0c\x0c")]), samples(deep)),
        "a palette in an RGB file": (with_chunks(plain, (b"PLTE", bytes(range(48)))), shows(cat)),
        "critical chunk of an unknown name": (with_chunks(plain, (b"ABCD", b"x")), refused_or([], shows(cat))),
    }
    return [_case(name, data, check) for name, (data, check) in files.items()]
