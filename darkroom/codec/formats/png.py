"""PNG (W3C PNG, third edition). libvips decodes the pixels of a file that is stripped of everything else."""

import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from isal import isal_zlib
from PIL import PngImagePlugin

from darkroom.codec import colour, orientation, pngtext
from darkroom.codec.image import Metadata, Samples
from darkroom.codec.raw import (
    NO_ROWS,
    ArrayRows,
    Choice,
    MappedRows,
    RawHeader,
    RawImage,
    Rows,
    check_composing,
    choose_frame,
    most_of,
)
from darkroom.codec.vips import VipsRows
from darkroom.errors import BadImageError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 100_000
_GREY = (0, 4)
_WITH_ALPHA = (4, 6)
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Of a pixel, by colour type."""
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bits that a sample may have, by colour type. Others would multiply what the rows may inflate to."""
_ANIMATED = (b"IHDR", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"IDAT", b"fdAT")
_IDAT_BYTES = 2**28
_METRE_PER_INCH = 0.0254


@dataclass(frozen=True)
class _Chunk:
    name: bytes
    start: int
    """Offset of the chunk (its length field)."""
    end: int
    """Offset behind its checksum."""

    def body(self, data: bytes) -> bytes:
        return data[self.start + 8 : self.end - 4]


def parse(data: bytes, choice: Choice) -> RawHeader:
    """Raises BadImageError for animations without a chosen frame and for files whose pixels end early; struct.error
    if IHDR does."""
    width, height, bits, kind = struct.unpack_from(">IIBB", data, 16)
    if data[12:16] != b"IHDR" or bits not in _DEPTHS.get(kind, ()):
        raise BadImageError("The PNG image is damaged: it does not begin with a valid IHDR chunk.")
    turn, transparent, frames = 1, kind in _WITH_ALPHA, 1
    for chunk in _chunks(data, choice):
        if chunk.name == b"acTL" and chunk.end - chunk.start == 20:
            frames = max(1, *struct.unpack_from(">I", data, chunk.start + 8))
        elif chunk.name == b"tRNS":
            transparent = True
        elif chunk.name == b"eXIf":
            turn = orientation.from_exif(chunk.body(data))
    frame = choose_frame("PNG", frames, choice)
    check_composing("PNG", frame, width, height)
    if frames > 1:  # composed by the decoder of animations, in colour and 8 bits
        return RawHeader("png", width, height, False, transparent, 8, turn, frame, frames)
    banded = data[28] == 0 and choice.truncated == "refuse"
    return RawHeader("png", width, height, kind in _GREY, transparent, 16 if bits == 16 else 8, turn, banded=banded)


def chunk_of(name: bytes, body: bytes | bytearray | memoryview) -> bytes:
    """One chunk: length, name, body and checksum."""
    checksum = isal_zlib.crc32(body, isal_zlib.crc32(name))
    return b"".join((struct.pack(">I", len(body)), name, body, struct.pack(">I", checksum)))


def load(data: bytes, header: RawHeader, choice: Choice) -> RawImage:
    """Only the chunks that make up the pixels reach the decoder, so texts and profiles cannot harm it."""
    chunks = list(_chunks(data, choice))
    bodies: dict[bytes, bytes] = {}
    for chunk in chunks:
        if chunk.name != b"IDAT":
            bodies.setdefault(chunk.name, chunk.body(data))
    coding = colour.of_png(bodies)
    texts = [(chunk.name, chunk.body(data)) for chunk in chunks if chunk.name in pngtext.NAMES]
    stored = pngtext.profiles(texts)
    metadata = Metadata(bodies.get(b"eXIf") or stored.exif, stored.xmp, stored.iptc, _density(bodies.get(b"pHYs", b"")))
    image = RawImage(NO_ROWS, coding.icc, metadata)
    if header.frames > 1:
        image.rows = ArrayRows(_frame(data, chunks, header))
    elif choice.truncated == "accept" and not data[28]:
        image.rows = _as_far_as_it_goes(data, chunks, bodies, header, image.report)
    else:
        view = memoryview(data)
        pixels = (view[chunk.start : chunk.end] for chunk in chunks if chunk.name == b"IDAT")
        image.rows = VipsRows("png", b"".join((*_head(bodies), *pixels, _END)), fail_on="error")
    if coding.transfer is not None:
        image.rows = MappedRows(image.rows, coding.to_srgb)
    return image


_END = chunk_of(b"IEND", b"")


def _head(bodies: dict[bytes, bytes]) -> list[bytes]:
    """All of the file that the pixels depend on, up to the first IDAT."""
    return [SIGNATURE, *(chunk_of(name, bodies[name]) for name in (b"IHDR", b"PLTE", b"tRNS") if name in bodies)]


def _frame(data: bytes, chunks: Iterable[_Chunk], header: RawHeader) -> Samples:
    """One frame of an animation, composed with those before it."""
    parts = (data[chunk.start : chunk.end] for chunk in chunks if chunk.name in _ANIMATED)
    with PngImagePlugin.PngImageFile(io.BytesIO(b"".join((SIGNATURE, *parts, _END)))) as picture:
        picture.seek(header.frame + bool(picture.info.get("default_image")))
        return np.asarray(picture.convert("RGBA" if header.alpha else "RGB"))


class _GreyBelow:
    """Rows of which those from `present` on are grey."""

    def __init__(self, rows: Rows, present: int) -> None:
        self._rows, self._left = rows, present

    def read(self, rows: int) -> Samples:
        band: Samples = self._rows.read(rows).copy()
        most = most_of(band)
        missing = band[max(self._left, 0) :]
        missing[...] = most // 2 + 1
        if band.shape[2] in (2, 4):
            missing[..., -1] = most
        self._left -= len(band)
        return band

    def close(self) -> None:
        self._rows.close()


def _as_far_as_it_goes(
    data: bytes, chunks: Iterable[_Chunk], bodies: dict[bytes, bytes], header: RawHeader, report: dict[str, Any]
) -> Rows:
    """A sound file is made of the rows that are there and of empty ones, since libvips does not tell how many it
    missed."""
    stride = 1 + (header.width * _SAMPLES[data[25]] * data[24] + 7) // 8
    size, view = stride * header.height, memoryview(data)
    stream, rows = isal_zlib.decompressobj(), bytearray()
    for chunk in chunks:
        if chunk.name == b"IDAT" and len(rows) < size:
            try:
                rows += stream.decompress(view[chunk.start + 8 : chunk.end - 4], size - len(rows))
            except zlib.error:
                break
    present = min(len(rows) // stride, header.height)
    rows[present * stride :] = bytes(size - present * stride)
    stored = memoryview(zlib.compress(rows, 0))
    pixels = (chunk_of(b"IDAT", stored[at : at + _IDAT_BYTES]) for at in range(0, len(stored), _IDAT_BYTES))
    whole = VipsRows("png", b"".join((*_head(bodies), *pixels, _END)), fail_on="error")
    if present == header.height:
        return whole
    report.update(truncated=True, missing_rows=header.height - present)
    return _GreyBelow(whole, present)


def _chunks(data: bytes, choice: Choice) -> Iterator[_Chunk]:
    """Up to IEND, or as far as the file goes; what follows is not part of the picture."""
    at, begun = len(SIGNATURE), False
    for _ in range(_MAX_CHUNKS):
        if at + 8 > len(data):
            break
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            if name == b"IDAT" or not begun:
                if choice.truncated == "refuse" or not (begun or name == b"IDAT"):
                    raise BadImageError(
                        f"The PNG image is truncated: its {len(data)} bytes end before the picture does; "
                        "truncated=accept processes what is there."
                    )
                yield _Chunk(name, at, len(data) + 4)
            return
        yield _Chunk(name, at, end)
        if name == b"IEND":
            return
        begun = begun or name == b"IDAT"
        at = end
    else:
        raise BadImageError(f"The PNG image is damaged: it has more than {_MAX_CHUNKS} chunks.")
    if not begun:
        raise BadImageError(f"The PNG image is truncated: its {len(data)} bytes end before its pixels begin.")


def _density(body: bytes) -> tuple[float, float] | None:
    """pHYs: pixels per metre (unit 1), or a ratio."""
    if len(body) != 9 or body[8] != 1:
        return None
    across, down = struct.unpack(">II", body[:8])
    return across * _METRE_PER_INCH, down * _METRE_PER_INCH
