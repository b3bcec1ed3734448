"""Damage that knows the format: chunks, segments and tags are changed, and what guards them (lengths, checksums) is
made right again, so that the change reaches the code behind the guards."""

import random
import struct
import zlib

from perf.hostile.damage import EXTREMES, damaged, place
from perf.hostile.parts import join_jpeg, join_png, join_webp, jpeg_parts, png_parts, webp_parts

_NUMBERS = (0, 1, 2, 7, 8, 16, 255, 256, 4096, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
Parts = list[tuple[bytes, bytes]]
"""Name and body of every chunk or segment."""


def restructured(data: bytes, draw: random.Random) -> bytes:
    """A whole file `data` of any format after one to three changes of its structure."""
    for _ in range(draw.randint(1, 3)):
        try:
            data = _once(data, draw)
        except (struct.error, ValueError, IndexError):  # an earlier change left nothing to take apart
            return damaged(data, draw)
    return data


def _once(data: bytes, draw: random.Random) -> bytes:
    if data.startswith(b"\x89PNG"):
        return join_png(_changed(png_parts(data), draw))
    if data.startswith(b"\xff\xd8"):
        return join_jpeg(_changed(jpeg_parts(data), draw))
    if data.startswith(b"RIFF"):
        joined = join_webp(_changed(webp_parts(data), draw))
        return _lying(joined, draw, [4, 16]) if draw.random() < 0.2 else joined
    if data[:2] in (b"II", b"MM"):
        return _tiff(data, draw)
    if data.startswith(b"BM"):
        return _lying(data, draw, [2, 10, 14, 18, 22, 26, 28, 30, 34, 46, 50])
    raise ValueError("not a format with a structure")


def _changed(parts: Parts, draw: random.Random) -> Parts:
    at = draw.randrange(len(parts))
    name, body = parts[at]
    kind = draw.randrange(8)
    if kind == 0:
        return parts[:at] + parts[at + 1 :]
    if kind == 1:
        return parts[:at] + [parts[at]] * draw.choice((2, 3, 50)) + parts[at + 1 :]
    if kind == 2:
        other = draw.randrange(len(parts))
        parts[at], parts[other] = parts[other], parts[at]
        return parts
    if kind == 3:
        stranger = draw.choice(parts)[0] if draw.random() < 0.5 else draw.randbytes(len(name))
        return [*parts[:at], (stranger, draw.randbytes(draw.randint(0, 60))), *parts[at:]]
    if name == b"IDAT" and draw.random() < 0.7:
        body = _rows(body, draw)
    elif kind == 4:
        body = _number(body, draw)
    elif kind == 5:
        body = body[: draw.randint(0, len(body))]
    else:
        body = damaged(body, draw)
    return [*parts[:at], (name, body), *parts[at + 1 :]]


def _rows(body: bytes, draw: random.Random) -> bytes:
    """Damaged rows in a sound stream."""
    try:
        return zlib.compress(damaged(zlib.decompress(body), draw))
    except zlib.error:
        return damaged(body, draw)


def _number(body: bytes, draw: random.Random) -> bytes:
    at, width = place(body, draw), draw.choice((1, 2, 4))
    value = draw.choice(_NUMBERS) & (1 << 8 * width) - 1
    return body[:at] + value.to_bytes(width, draw.choice(("big", "little"))) + body[at + width :]


def _lying(data: bytes, draw: random.Random, fields: list[int]) -> bytes:
    at = draw.choice(fields)
    new = draw.choice((draw.choice(EXTREMES), struct.pack("<I", draw.choice(_NUMBERS))))
    return data[:at] + new + data[at + len(new) :]


def _tiff(data: bytes, draw: random.Random) -> bytes:
    """One entry of the first directory, the number of entries, or where the next directory stands."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    offset = "Q" if big else "I"
    first = struct.unpack_from(order + offset, data, 8 if big else 4)[0]
    count = struct.unpack_from(order + ("Q" if big else "H"), data, first)[0]
    size, head = (20, 8) if big else (12, 2)
    last = first + head + count * size
    kind = draw.randrange(10)
    if kind == 0:
        return _put(data, last, order + offset, draw.choice((first, last, 8, 2**31, len(data))))
    if kind == 1:
        return _put(data, first, order + ("Q" if big else "H"), draw.choice((0, 1, count + 1, 4096, 4097, 65535)))
    at = first + head + draw.randrange(max(1, count)) * size
    if kind == 2:
        return _put(data, at, order + "H", draw.choice((254, 256, 258, 259, 262, 273, 277, 279, 322, 324, 34675)))
    if kind == 3:
        return _put(data, at + 2, order + "H", draw.choice((0, 1, 2, 3, 4, 5, 7, 12, 13, 16, 99)))
    most = 2**64 - 1 if big else 2**32 - 1
    value = draw.choice((*_NUMBERS, first, len(data), len(data) - 1, most))
    return _put(data, at + (4 if kind < 7 else 12 if big else 8), order + offset, value)


def _put(data: bytes, at: int, code: str, value: int) -> bytes:
    packed = struct.pack(code, value)
    return data[:at] + packed + data[at + len(packed) :]
