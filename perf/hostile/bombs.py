"""Small files that ask for much: huge pictures, endless lists, streams that unpack to gigabytes, loops."""

import random
import struct
import zlib
from collections.abc import Callable
from functools import cache

from perf.hostile.parts import PNG_SIGNATURE, join_jpeg, jpeg_parts, jpeg_segment, png_chunk, riff_chunk
from perf.hostile.seeds import seeds

_BOMB_BYTES = 64 * 2**20


@cache
def _zeros() -> bytes:
    """64 MiB of zeros, deflated: 64 KB."""
    return zlib.compress(bytes(_BOMB_BYTES), 9)


def _png(width: int, height: int, bits: int, colour: int, *chunks: bytes, data: bytes = b"") -> bytes:
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return PNG_SIGNATURE + head + b"".join(chunks) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def png_huge(draw: random.Random) -> bytes:
    """Up to 2^32 pixels a side, in a hundred bytes."""
    return _png(draw.choice((60_000, 2**31 - 1, 2**32 - 1)), draw.choice((1, 60_000, 2**32 - 1)), 8, 2)


def png_depth(draw: random.Random) -> bytes:
    """Bit depths that no PNG has, over data that would fill them."""
    return _png(1500, 1500, draw.choice((0, 3, 24, 32, 64, 255)), draw.choice((0, 2, 3, 4, 6)), data=_zeros())


def png_more_rows(draw: random.Random) -> bytes:
    """A sound little picture whose stream goes on for 64 MiB."""
    return _png(8, 8, 8, draw.choice((0, 2, 6)), data=_zeros())


def png_texts(draw: random.Random) -> bytes:
    """A profile and texts that unpack to 64 MiB each."""
    name = draw.choice((b"zTXt", b"iTXt", b"iCCP"))
    middle = b"Comment\0\1\0\0\0" if name == b"iTXt" else b"Comment\0\0"
    return _with_chunks(png_chunk(name, middle + _zeros()) * draw.randint(1, 3))


def png_chunks(draw: random.Random) -> bytes:
    """More chunks than any reader should walk."""
    return _with_chunks(png_chunk(draw.choice((b"prVt", b"tRNS", b"iCCP", b"IDAT", b"PLTE")), b"") * 20_000)


def _with_chunks(chunks: bytes) -> bytes:
    whole = seeds()["png"]
    return whole[:33] + chunks + whole[33:]


def jpeg_huge(draw: random.Random) -> bytes:
    """65,535 pixels a side, or just within the limits of the server, over the data of 40 x 24."""
    size = draw.choice(((65535, 65535), (65535, 1), (2000, 2000)))
    return join_jpeg(
        [
            (name, body[:1] + struct.pack(">HH", *size) + body[5:] if name in (b"\xff\xc0", b"\xff\xc2") else body)
            for name, body in jpeg_parts(seeds()[draw.choice(("jpeg", "jpeg progressive"))])
        ]
    )


def jpeg_segments(draw: random.Random) -> bytes:
    """Ten thousand segments before the picture."""
    segment = jpeg_segment(bytes((0xFF, draw.choice((0xE1, 0xE2, 0xFE, 0xDB, 0xC4, 0xDD)))), draw.randbytes(2))
    whole = seeds()["jpeg"]
    return whole[:2] + segment * draw.choice((9_000, 10_001)) + whole[2:]


def jpeg_scans(draw: random.Random) -> bytes:
    """The last scan of a progressive picture over and over again."""
    whole = seeds()["jpeg progressive"]
    start = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[start:-2] * draw.choice((100, 190, 1000)) + whole[-2:]


def jpeg_exif(draw: random.Random) -> bytes:
    """An EXIF block whose directories loop, or that announces more than there is."""
    block = struct.pack("<2sHIH", b"II", 42, 8, draw.choice((0, 1, 4096, 65535)))
    block += struct.pack(
        "<HHII", 274, draw.choice((3, 4, 16)), draw.choice((1, 2**32 - 1)), draw.choice((8, 2**32 - 1))
    )
    whole = seeds()["jpeg grey"]
    return whole[:2] + jpeg_segment(b"\xff\xe1", b"Exif\0\0" + block + struct.pack("<I", 8) * 50) + whole[2:]


def tiff_tags(draw: random.Random) -> bytes:
    """A directory of thousands of tags, some of millions of values that all lie in the same place."""
    count = draw.choice((4096, 4097, 65535))
    entries = b"".join(struct.pack("<HHII", 32768 + n % 20_000, 4, 2**22, 8) for n in range(min(count, 8000)))
    return b"II*\0" + struct.pack("<IH", 8, count) + entries + struct.pack("<I", 8)


def tiff_strips(draw: random.Random) -> bytes:
    """A picture of one row a strip, every strip the same bytes of a stream that unpacks to 64 MiB."""
    rows = draw.choice((1000, 16_000))
    stream = _zeros()[:2000]
    strips = struct.pack("<I", 8) * rows + struct.pack("<I", len(stream)) * rows
    at, tags = 8 + len(stream), 8 + len(stream) + len(strips)
    entries = {256: 900, 257: rows, 258: 8, 259: 8, 262: 1, 277: 1, 278: 1}
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items() if tag < 273)
    body += struct.pack("<HHII", 273, 4, rows, at)
    body += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items() if tag > 273)
    body += struct.pack("<HHII", 279, 4, rows, at + 4 * rows)
    return b"II*\0" + struct.pack("<I", tags) + stream + strips + struct.pack("<H", 9) + body + bytes(4)


def tiff_loop(draw: random.Random) -> bytes:
    """Directories that lead back to the first, each said to be a thumbnail."""
    entry = struct.pack("<HHII", 254, 4, 1, 1)
    return b"II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", draw.choice((8, 9, 2**32 - 1)))


def tiff_big_offsets(draw: random.Random) -> bytes:
    """BigTIFF: offsets and counts that no machine word holds with a sign."""
    entries = b"".join(
        struct.pack("<HHQQ", tag, draw.choice((3, 4, 16)), draw.choice((1, 5, 2**61, 2**64 - 1)), 2**64 - 1 - tag)
        for tag in (256, 257, 258, 259, 262, 273, 274, 277, 279)
    )
    return b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 9) + entries + struct.pack("<Q", 2**64 - 1)


def webp_canvas(draw: random.Random) -> bytes:
    """A canvas of 2^24 pixels a side around a small picture, or announced animations without frames."""
    side = struct.pack("<I", draw.choice((0, 99, 2**24 - 1)))[:3]
    head = riff_chunk(b"VP8X", bytes((draw.choice((0, 2, 16, 255)), 0, 0, 0)) + side * 2)
    frame = riff_chunk(b"ANMF", bytes(16)) * draw.choice((0, 1, 1000))
    body = b"WEBP" + head + frame + seeds()["webp lossless"][12:]
    return b"RIFF" + struct.pack("<I", draw.choice((len(body), 12, 2**32 - 1, len(body) + 1))) + body


def bmp_huge(draw: random.Random) -> bytes:
    """Sides up to 2^31, some below zero."""
    sides = (2**31 - 1, -(2**31), -1, 0, 4000, 65536)
    whole = seeds()[draw.choice(("bmp", "bmp palette", "bmp alpha"))]
    return whole[:18] + struct.pack("<ii", draw.choice(sides), draw.choice(sides)) + whole[26:]


def gif_screen(draw: random.Random) -> bytes:
    """A screen, and sometimes a frame, of 65,535 pixels a side."""
    side = draw.choice((1, 65_535))
    return b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0x80, 0, 0) + bytes(6) + _gif_frame(side) + b";"


def gif_frames(draw: random.Random) -> bytes:
    """A hundred thousand frames of one pixel on a large screen."""
    screen = draw.choice((1, 9_000))
    head = b"GIF89a" + struct.pack("<HHBBB", screen, screen, 0x80, 0, 0) + bytes(6)
    return head + _gif_frame(screen) + _gif_frame(1) * 100_000 + b";"


def _gif_frame(side: int) -> bytes:
    """A frame whose data ends after one pixel."""
    return b"\x21\xf9\x04\x04\1\0\0\0," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x02\x4c\x01\x00"


def iso_sizes(draw: random.Random) -> bytes:
    """AVIF and HEIC files that announce more or fewer pixels than are coded."""
    data = seeds()[draw.choice(("avif", "avif alpha", "heic", "heic 10"))]
    at = data.index(b"ispe") + 8
    size = draw.choice(((1, 1), (9_000, 9_000), (2**16, 2**16), (2**32 - 1, 2**32 - 1), (0, 5)))
    return data[:at] + struct.pack(">II", *size) + data[at + 8 :]


def iso_boxes(draw: random.Random) -> bytes:
    """Boxes within boxes, or one after the other, tens of thousands."""
    brand = struct.pack(">I4s4sI4s", 20, b"ftyp", draw.choice((b"avif", b"heic")), 0, b"mif1")
    name = draw.choice((b"meta", b"moov", b"iprp", b"free"))
    if draw.random() < 0.5:
        return brand + struct.pack(">I4sI", 12, name, 0) * 50_000
    return brand + b"".join(struct.pack(">I4sI", 12 * (20_000 - n), name, 0) for n in range(20_000))


def jxl_size(draw: random.Random) -> bytes:
    """Up to 2^30 pixels a side, with nothing behind."""
    bits = 0b11 << 1 | (draw.choice((5, 2**30 - 1)) << 3) | 1 << 33  # height by 30 bits, as wide as high
    return b"\xff\x0a" + bits.to_bytes(6, "little") + draw.randbytes(20)


BOMBS: dict[str, Callable[[random.Random], bytes]] = {
    bomb.__name__: bomb
    for bomb in (
        png_huge,
        png_depth,
        png_more_rows,
        png_texts,
        png_chunks,
        jpeg_huge,
        jpeg_segments,
        jpeg_scans,
        jpeg_exif,
        tiff_tags,
        tiff_strips,
        tiff_loop,
        tiff_big_offsets,
        webp_canvas,
        bmp_huge,
        gif_screen,
        gif_frames,
        iso_sizes,
        iso_boxes,
        jxl_size,
    )
}
