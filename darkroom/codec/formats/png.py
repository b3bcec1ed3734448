"""PNG (W3C PNG, third edition). Gamma and chromaticity chunks are not applied, as in most viewers."""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import PngImagePlugin

from darkroom.codec import icc, orientation
from darkroom.codec.facts import Facts, Raster
from darkroom.codec.image import Pixels
from darkroom.codec.modes import to_raster
from darkroom.errors import BadImageError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 100_000
_GREY, _PALETTE = (0, 4), 3
_WITH_ALPHA = (4, 6)
_DECODED = (b"IHDR", b"PLTE", b"IDAT", b"IEND")


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
    if data[12:16] != b"IHDR":
        raise BadImageError("The PNG image is damaged: it does not begin with an IHDR chunk.")
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
    chunks = list(_chunks(data))
    clean = SIGNATURE + b"".join(data[chunk.start : chunk.end] for chunk in chunks if chunk.name in _DECODED)
    found = {chunk.name: chunk.body(data) for chunk in chunks if chunk.name in (b"iCCP", b"tRNS")}
    with PngImagePlugin.PngImageFile(io.BytesIO(clean)) as picture:
        picture.load()
        raster = to_raster(picture, _profile(found.get(b"iCCP", b"")), facts.bits)
        transparency = found.get(b"tRNS")
        if transparency is None or raster.alpha is not None:
            return raster
        alpha = _alpha(transparency, np.asarray(picture), facts)
    return Raster(raster.pixels, alpha, raster.grey, raster.icc)


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
    return opaque.astype(np.uint8) * 255


def _profile(chunk: bytes) -> bytes | None:
    name, _, rest = chunk.partition(b"\0")
    if not name or not rest:
        return None
    try:
        return zlib.decompressobj().decompress(rest[1:], icc.MAX_BYTES + 1)
    except zlib.error:
        return None
