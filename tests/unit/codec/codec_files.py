"""Files for the codec's tests, built byte by byte or with Pillow: no fixture is stored."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageCms, TiffImagePlugin

from darkroom.config import Limits

LIMITS = Limits()
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def colour(height: int = 24, width: int = 40) -> np.ndarray:
    """uint8 [h, w, 3]: smooth, so that lossy formats keep it, and unlike itself under every turn and mirror."""
    y, x = np.mgrid[0:height, 0:width]
    planes = (40 + 180 * x / width, 220 - 160 * y / height, 60 + 60 * (x / width + 2 * y / height))
    return np.stack(planes, axis=2).astype(np.uint8)


def light(height: int = 24, width: int = 40) -> np.ndarray:
    """uint8 [h, w], asymmetric too, with every high byte and no two neighbours' low bits alike."""
    y, x = np.mgrid[0:height, 0:width]
    return (255 * (x + 2 * y) / (width + 2 * height)).astype(np.uint8)


def saved(picture: np.ndarray | Pillow.Image, name: str, **options: Any) -> bytes:
    """The file Pillow writes."""
    out = io.BytesIO()
    (Pillow.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(out, name, **options)
    return out.getvalue()


def opened(data: bytes) -> Pillow.Image:
    """What Pillow, as an independent reader, sees in an answer."""
    picture = Pillow.open(io.BytesIO(data))
    picture.load()
    return picture


def exif(orientation: int, order: str = "<") -> bytes:
    """An EXIF block that holds nothing but the orientation."""
    mark = b"II" if order == "<" else b"MM"
    return b"Exif\0\0" + mark + struct.pack(order + "HIHHHIHHI", 42, 8, 1, 274, 3, 1, orientation, 0, 0)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, bits: int, kind: int, rows: bytes, *chunks: bytes) -> bytes:
    """A PNG of `rows` (filter bytes included), with `chunks` between IHDR and IDAT."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + body + chunk(b"IEND", b"")


def png_of(samples: np.ndarray, bits: int, kind: int, *chunks: bytes) -> bytes:
    """A PNG of samples [h, w] or [h, w, c] of 8 or 16 bits."""
    height, width = samples.shape[:2]
    raw = samples.astype(">u2" if bits == 16 else np.uint8).reshape(height, -1).view(np.uint8)
    return png(width, height, bits, kind, np.pad(raw, ((0, 0), (1, 0))).tobytes(), *chunks)


def after_header(data: bytes, *chunks: bytes) -> bytes:
    """A PNG with `chunks` put behind its IHDR."""
    return data[:33] + b"".join(chunks) + data[33:]


def tiff(tags: dict[int, tuple[int, tuple[int, ...]]], pixels: bytes, order: str = "<") -> bytes:
    """A TIFF of one strip: `tags` are {tag: (type 3 or 4, values)}; strip offset and length are added."""
    mark = b"II" if order == "<" else b"MM"
    tags = {**tags, 273: (4, (8,)), 279: (4, (len(pixels),))}
    directory_at = 8 + len(pixels) + len(pixels) % 2
    overflow_at = directory_at + 2 + 12 * len(tags) + 4
    entries, overflow = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(packed) > 4:
            field = struct.pack(order + "I", overflow_at + len(overflow))
            overflow += packed
        else:
            field = packed.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", tag, kind, len(values)) + field
    head = mark + struct.pack(order + "HI", 42, directory_at)
    body = pixels + b"\0" * (len(pixels) % 2)
    return head + body + struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", 0) + overflow


def tiff_tags(
    width: int, height: int, bits: tuple[int, ...], photometric: int
) -> dict[int, tuple[int, tuple[int, ...]]]:
    """The tags every uncompressed strip has."""
    sides = {256: (4, (width,)), 257: (4, (height,)), 278: (4, (height,))}
    return {**sides, 258: (3, bits), 259: (3, (1,)), 262: (3, (photometric,)), 277: (3, (len(bits),))}


def pages(*pictures: np.ndarray) -> bytes:
    """A TIFF of several pages."""
    first, *rest = (Pillow.fromarray(picture) for picture in pictures)
    return saved(first, "TIFF", save_all=True, append_images=rest)


def tiff_orientation(orientation: int) -> TiffImagePlugin.ImageFileDirectory_v2:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[274] = orientation
    return info


def profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A version 2 ICC profile with a D50 header and the given tags (ICC.1:2001-04, 6.1)."""
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        value += b"\0" * (-len(value) % 4)
        table += name + struct.pack(">II", at + len(body), len(value))
        body += value
    link = b"Lab " if space == b"CMYK" else b"XYZ "
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    head = struct.pack(">I4sI4s4s4s", 128 + 4 + len(table) + len(body), b"\0" * 4, 0x02400000, kind, space, link)
    head = (head + b"\0" * 12 + b"acsp").ljust(68, b"\0") + struct.pack(">iii", 0xF6D6, 0x10000, 0xD32D)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def grey_profile() -> bytes:
    """Gamma 2.2 over D50."""
    curve = b"curv" + struct.pack(">IIH", 0, 1, int(2.2 * 256))
    white = b"XYZ " + struct.pack(">Iiii", 0, 0xF6D6, 0x10000, 0xD32D)
    return profile(b"GRAY", {b"wtpt": white, b"kTRC": curve})


def cmyk_profile() -> bytes:
    """An ink set whose cyan prints red: a conversion that ignores the profile cannot pass for one that uses it.

    A 2 x 2 x 2 x 2 table to 8-bit Lab (lut8Type, ICC.1:2001-04, 6.5.8): K darkens, C reddens, M and Y do nothing.
    """
    corners = [
        (0, 128, 128) if key else ((136, 208, 195) if cyan else (255, 128, 128))
        for cyan in (0, 1)
        for _ in range(4)
        for key in (0, 1)
    ]
    identity = b"".join(struct.pack(">i", value) for value in (65536, 0, 0, 0, 65536, 0, 0, 0, 65536))
    ramp = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + identity + ramp * 4
    table += b"".join(bytes(corner) for corner in corners) + ramp * 3
    white = b"XYZ " + struct.pack(">Iiii", 0, 0xF6D6, 0x10000, 0xD32D)
    return profile(b"CMYK", {b"wtpt": white, b"A2B0": table, b"A2B1": table})
