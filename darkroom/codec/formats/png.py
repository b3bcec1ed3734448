"""PNG (W3C PNG, third edition). Gamma and chromaticity chunks are not applied, as in most viewers."""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray
from PIL import PngImagePlugin

from darkroom.codec import icc, orientation
from darkroom.codec.facts import Facts, Raster
from darkroom.codec.image import Pixels
from darkroom.codec.modes import grey_raster, to_raster
from darkroom.errors import BadImageError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 100_000
_GREY = (0, 4)
_WITH_ALPHA = (4, 6)
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Of a pixel, by colour type."""
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bits that a sample may have, by colour type. Others would multiply what the rows may inflate to."""
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column, first row, column step and row step of the seven passes of an interlaced picture."""
_IDAT_BYTES = 2**28


@dataclass(frozen=True)
class _Chunk:
    name: bytes
    start: int
    """Offset of the chunk (its length field)."""
    end: int
    """Offset behind its checksum."""

    def body(self, data: bytes) -> bytes:
        return data[self.start + 8 : self.end - 4]


def parse(data: bytes) -> Facts:
    """Raises BadImageError for animations and for files whose chunks end early; struct.error if IHDR does."""
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    if data[12:16] != b"IHDR" or bits not in _DEPTHS.get(colour, ()):
        raise BadImageError("The PNG image is damaged: it does not begin with a valid IHDR chunk.")
    turn, transparent = 1, colour in _WITH_ALPHA
    for chunk in _chunks(data):
        if chunk.name == b"acTL":
            raise BadImageError("The PNG image is animated (APNG); only still images are accepted.")
        if chunk.name == b"tRNS":
            transparent = True
        elif chunk.name == b"eXIf":
            turn = orientation.from_exif(chunk.body(data))
    return Facts("png", width, height, colour in _GREY, transparent, bits, turn)


def load(data: bytes, facts: Facts) -> Raster:
    """Only the chunks that make up the pixels reach the decoder, so texts and profiles cannot harm it."""
    bodies: dict[bytes, list[bytes]] = {}
    for chunk in _chunks(data):
        if chunk.name in (b"IHDR", b"PLTE", b"IDAT", b"iCCP", b"tRNS"):
            bodies.setdefault(chunk.name, []).append(chunk.body(data))
    with PngImagePlugin.PngImageFile(io.BytesIO(_clean(bodies, facts))) as picture:
        picture.load()
        raster = to_raster(picture, _profile(bodies.get(b"iCCP", [b""])[0]), facts.bits)
        if facts.grey and not raster.grey:  # the decoder's answer to 16-bit grey with alpha
            raster = grey_raster(raster.pixels[..., 0], raster.alpha, raster.icc)
        if b"tRNS" not in bodies or raster.alpha is not None:
            return raster
        alpha = _alpha(bodies[b"tRNS"][0], np.asarray(picture), facts)
    return Raster(raster.pixels, alpha, raster.grey, raster.icc)


def _clean(bodies: dict[bytes, list[bytes]], facts: Facts) -> bytes:
    """The same picture with its rows inflated and only stored: the decoder would fill missing rows with black
    without a word, so they are counted here; and ISA-L inflates several times faster than the decoder."""
    head = bodies[b"IHDR"][0]
    size = _rows_bytes(facts, samples=_SAMPLES[head[9]], interlaced=head[12] == 1)
    rows = isal_zlib.decompressobj().decompress(b"".join(bodies.get(b"IDAT", ())), size + 1)
    if len(rows) < size:
        raise BadImageError("The PNG image is truncated: its pixels are not complete.")
    stored = memoryview(zlib.compress(memoryview(rows)[:size], 0))
    parts = [SIGNATURE, chunk_of(b"IHDR", head), *(chunk_of(b"PLTE", body) for body in bodies.get(b"PLTE", ())[:1])]
    parts += (chunk_of(b"IDAT", stored[at : at + _IDAT_BYTES]) for at in range(0, len(stored), _IDAT_BYTES))
    return b"".join((*parts, chunk_of(b"IEND", b"")))


def chunk_of(name: bytes, body: bytes | bytearray | memoryview) -> bytes:
    """One chunk: length, name, body and checksum."""
    checksum = isal_zlib.crc32(body, isal_zlib.crc32(name))
    return b"".join((struct.pack(">I", len(body)), name, body, struct.pack(">I", checksum)))


def _rows_bytes(facts: Facts, *, samples: int, interlaced: bool) -> int:
    """Bytes of all rows with their filter bytes, before compression."""
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    total = 0
    for left, top, across, down in passes:
        width, height = -(-(facts.width - left) // across), -(-(facts.height - top) // down)
        if width > 0 and height > 0:
            total += height * (1 + (width * samples * facts.bits + 7) // 8)
    return total


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """Up to IEND; what follows it is not part of the picture."""
    at = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if at + 12 > len(data):
            break
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            break
        yield _Chunk(name, at, end)
        if name == b"IEND":
            return
        at = end
    else:
        raise BadImageError(f"The PNG image is damaged: it has more than {_MAX_CHUNKS} chunks.")
    raise BadImageError(f"The PNG image is truncated: its {len(data)} bytes end before the picture does.")


def _alpha(transparency: bytes, stored: NDArray[np.generic], facts: Facts) -> Pixels:
    """tRNS is an alpha per palette entry, or the one colour that is transparent, in samples of the stored depth."""
    if not facts.grey and stored.ndim == 2:
        table = np.full(256, 255, np.uint8)
        entries = np.frombuffer(transparency[:256], np.uint8)
        table[: len(entries)] = entries
        looked_up: Pixels = table[stored.astype(np.uint8)]
        return looked_up
    samples = 1 if facts.grey else 3
    key = np.array(struct.unpack_from(f">{samples}H", transparency), np.int64)
    if facts.bits < 8:
        key = key * 255 // (2**facts.bits - 1)
    elif facts.bits == 16 and samples == 3:
        # The decoder keeps the high bytes of 16-bit colour: colours that share them with the key go with it.
        key >>= 8
    if stored.dtype == np.bool_:
        stored = stored.astype(np.uint8) * 255
    opaque = stored != key[0] if samples == 1 else (stored != key).any(axis=2)
    return np.where(opaque, np.uint8(255), np.uint8(0))


def _profile(chunk: bytes) -> bytes | None:
    name, _, rest = chunk.partition(b"\0")
    if not name or not rest:
        return None
    try:
        return zlib.decompressobj().decompress(rest[1:], icc.MAX_BYTES + 1)
    except zlib.error:
        return None
