"""Damage that knows nothing of formats: flips, cuts, insertions, splices."""

import random
from collections.abc import Callable

from perf.hostile.seeds import seeds

EXTREMES = (
    b"\0",
    b"\xff",
    b"\x7f\xff",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x80\0\0\0",
    b"\xff" * 8,
    b"\xff\xd9",
    b"\xff\xda",
)
"""Where counts, sizes and offsets overflow, and markers that end things."""


def damaged(data: bytes, draw: random.Random) -> bytes:
    """`data` after one to four changes; the nearer to its head, the likelier."""
    for _ in range(draw.randint(1, 4)):
        data = draw.choice(_CHANGES)(data, draw)
    return data


def place(data: bytes, draw: random.Random) -> int:
    """An offset into `data`, denser at its head, where the sizes stand."""
    return int(draw.random() ** 2 * len(data))


def _flip(data: bytes, draw: random.Random) -> bytes:
    at = place(data, draw)
    return data[:at] + bytes(byte ^ 1 << draw.randrange(8) for byte in data[at : at + 1]) + data[at + 1 :]


def _overwrite(data: bytes, draw: random.Random) -> bytes:
    at, new = place(data, draw), draw.choice(EXTREMES)
    return data[:at] + new + data[at + len(new) :]


def _noise(data: bytes, draw: random.Random) -> bytes:
    at, length = place(data, draw), draw.randint(1, 64)
    return data[:at] + draw.randbytes(length) + data[at + length :]


def _cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randint(0, len(data))]


def _insert(data: bytes, draw: random.Random) -> bytes:
    at = place(data, draw)
    return data[:at] + draw.choice((draw.choice(EXTREMES), draw.randbytes(draw.randint(1, 40)))) + data[at:]


def _remove(data: bytes, draw: random.Random) -> bytes:
    at = place(data, draw)
    return data[:at] + data[at + draw.randint(1, 64) :]


def _repeat(data: bytes, draw: random.Random) -> bytes:
    at, length = place(data, draw), draw.randint(1, 200)
    return data[: at + length] + data[at : at + length] * draw.randint(1, 20) + data[at + length :]


def _splice(data: bytes, draw: random.Random) -> bytes:
    """The head of one file and the tail of another, of any format."""
    other = seeds()[draw.choice(sorted(seeds()))]
    return data[: place(data, draw)] + other[draw.randint(0, len(other)) :]


_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip,
    _flip,
    _overwrite,
    _overwrite,
    _noise,
    _cut,
    _insert,
    _remove,
    _repeat,
    _splice,
)
