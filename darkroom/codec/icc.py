"""ICC profiles: which of them may be kept, CMYK and Lab to sRGB, and a profile from chromaticities."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from PIL import Image as Pillow
from PIL import ImageCms

from darkroom.codec.image import Samples

XY: TypeAlias = tuple[float, ...]
Primaries: TypeAlias = tuple[XY, XY, XY, XY]
"""CIE 1931 x and y of red, green, blue and white."""

MAX_BYTES = 4 * 2**20
"""A profile is dropped beyond this: real ones take 0.5 KB to 3 MB."""
_HEADER_BYTES = 132
_D50 = np.array((0.9642, 1.0, 0.8249))
_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))
_SRGB_CURVE = b"para\0\0\0\0\0\3\0\0" + struct.pack(
    ">5i", *(round(value * 65536) for value in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)


def kept(profile: bytes | None, *, grey: bool) -> bytes | None:
    """`profile` if it is well formed and describes grey (or else RGB) pixels, otherwise None.

    ICC.1:2022, 7.2: size in bytes 0-3, colour space of the data in 16-19, signature in 36-39.
    """
    if not profile or not _HEADER_BYTES <= len(profile) <= MAX_BYTES:
        return None
    if int.from_bytes(profile[:4], "big") != len(profile) or profile[36:40] != b"acsp":
        return None
    if profile[16:20] != (b"GRAY" if grey else b"RGB ") or _parsed(profile) is None:
        return None
    return profile


def inflated(chunk: bytes) -> bytes | None:
    """The profile in a PNG's iCCP chunk; None where there is none."""
    name, _, rest = chunk.partition(b"\0")
    if not name or not rest:
        return None
    try:
        return zlib.decompressobj().decompress(rest[1:], MAX_BYTES + 1)
    except zlib.error:
        return None


def cmyk_converter(profile: bytes | None) -> Callable[[Samples], Samples]:
    """A function from CMYK uint8 [h, w, 4] to sRGB [h, w, 3]: through the profile (relative colorimetric, black point
    compensation), which is what viewers with colour management do; without a usable one by r = 255 - c - k, which is
    what the others do."""
    parsed = _parsed(profile) if profile and profile[16:20] == b"CMYK" and len(profile) <= MAX_BYTES else None
    transform = None if parsed is None else _to_srgb(parsed, "CMYK", ImageCms.Flags.BLACKPOINTCOMPENSATION)

    def convert(band: Samples) -> Samples:
        picture = Pillow.fromarray(np.ascontiguousarray(band), "CMYK")
        return np.asarray(picture.convert("RGB") if transform is None else ImageCms.applyTransform(picture, transform))

    return convert


def lab_to_srgb(picture: Pillow.Image) -> Samples:
    """Lab of Pillow's mode LAB to sRGB [h, w, 3], relative colorimetric."""
    transform = _to_srgb(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), "LAB", ImageCms.Flags.NONE)
    if transform is None:
        raise ValueError("no conversion from Lab")
    return np.asarray(ImageCms.applyTransform(picture, transform))


def matrix_profile(primaries: Primaries, gamma: float | None = None) -> bytes | None:
    """A version 4 display profile (ICC.1:2022) of these chromaticities, with sRGB's curve or a power of `gamma`; None
    for chromaticities that span no colours."""
    try:
        xyz = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
        matrix = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
        adapt = np.linalg.inv(_BRADFORD) @ np.diag((_BRADFORD @ _D50) / (_BRADFORD @ xyz[:, 3])) @ _BRADFORD
        columns = (adapt @ matrix).T
        curve = _SRGB_CURVE if gamma is None else b"para\0\0\0\0\0\0\0\0" + _fixed(gamma)
        tags = {
            b"desc": _text("RGB"),
            b"cprt": _text("CC0"),
            b"wtpt": b"XYZ \0\0\0\0" + _fixed(*_D50),
            b"chad": b"sf32\0\0\0\0" + _fixed(*adapt.ravel()),
            **{name: b"XYZ \0\0\0\0" + _fixed(*column) for name, column in zip(_COLUMNS, columns, strict=True)},
            **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
        }
    except (np.linalg.LinAlgError, ZeroDivisionError, struct.error, ValueError, OverflowError):
        return None
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        value += b"\0" * (-len(value) % 4)
        table += name + struct.pack(">II", at + len(body), len(value))
        body += value
    head = struct.pack(">I4xI4s4s4s", at + len(body), 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(*_D50)
    return kept(head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body, grey=False)


_COLUMNS = (b"rXYZ", b"gXYZ", b"bXYZ")


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(encoded), 28) + encoded


def _to_srgb(profile: ImageCms.ImageCmsProfile, mode: str, flags: ImageCms.Flags) -> ImageCms.ImageCmsTransform | None:
    try:
        return ImageCms.buildTransform(
            profile,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=flags,
        )
    except ImageCms.PyCMSError:
        return None


def _parsed(profile: bytes) -> ImageCms.ImageCmsProfile | None:
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (OSError, ValueError):
        return None
