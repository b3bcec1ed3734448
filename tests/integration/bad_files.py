"""Files that must be refused, and how: other formats, truncated, huge, empty, of the wrong type."""

import io
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

_KINDS = ("JPEG", "PNG", "WebP", "TIFF", "BMP")
_STRANGERS = (
    b"%PDF-1.7\n",
    b"<svg xmlns='x'/>",
    b"PK\x03\x04",
    b"\x7fELF",
    b"8BPS\0\1",
    b"\0\0\0\x18ftypmp42",
    b"{}",
    b"\0",
)


@dataclass(frozen=True)
class BadFile:
    what: str
    data: bytes
    status: int
    content_type: str = "application/octet-stream"


def bad_files(count: int, max_bytes: int, seed: int = 0) -> Iterator[BadFile]:
    """`max_bytes`: what the gateway takes."""
    draw = random.Random(seed)
    makers = (_stranger, _noise, _truncated, _truncated, _truncated, _bomb, _empty, _mistyped, _other_format)
    for number in range(count):
        # One large file in twenty: each costs a transfer.
        yield _huge(draw, max_bytes) if number % 20 == 19 else draw.choice(makers)(draw)


def _photo(draw: random.Random, kind: str) -> bytes:
    pixels = np.random.default_rng(draw.getrandbits(32)).integers(0, 256, (draw.randint(8, 64), 40, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def _stranger(draw: random.Random) -> BadFile:
    start = draw.choice(_STRANGERS)
    return BadFile(f"begins with {start!r}", start + draw.randbytes(draw.randint(0, 500)), 415)


def _noise(draw: random.Random) -> BadFile:
    return BadFile("noise", b"~" + draw.randbytes(draw.randint(0, 5000)), 415)


def _truncated(draw: random.Random) -> BadFile:
    kind = draw.choice(_KINDS)
    whole = _photo(draw, kind)
    kept = draw.randint(16, len(whole) * 3 // 4)
    return BadFile(f"{kind}, {kept} of {len(whole)} bytes", whole[:kept], 400)


def _bomb(draw: random.Random) -> BadFile:
    side = draw.randint(20_000, 1_000_000)

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")
    return BadFile(f"PNG that says it is {side} x {side}", b"\x89PNG\r\n\x1a\n" + body, 400)


def _empty(draw: random.Random) -> BadFile:
    return BadFile("empty", b"", 400)


def _mistyped(draw: random.Random) -> BadFile:
    kind = draw.choice(("application/json", "text/html", "video/mp4", "application/pdf"))
    return BadFile(f"a picture sent as {kind}", _photo(draw, "PNG"), 415, kind)


def _other_format(draw: random.Random) -> BadFile:
    kind = draw.choice(("ICO", "PPM", "JPEG2000", "TGA", "SGI"))
    return BadFile(kind, _photo(draw, kind), 415)


def _huge(draw: random.Random, max_bytes: int) -> BadFile:
    return BadFile("huge", _photo(draw, "JPEG") + bytes(max_bytes), 413)
