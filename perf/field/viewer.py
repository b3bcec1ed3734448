"""How a good viewer shows an answer: upright sRGB, and what the file says besides. Independent of Darkroom's codec."""

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageCms, ImageOps

from perf.field.profiles import grey_profile, matrix_profile, primaries_of
from perf.hostile.parts import png_parts

Array = NDArray[Any]
PIL.Image.MAX_IMAGE_PIXELS = None  # answers of 200 megapixels are right
_SRGB = ImageCms.createProfile("sRGB")


@dataclass(frozen=True)
class View:
    """One encoded picture, read."""

    format: str
    """PNG, JPEG, WEBP, TIFF, AVIF."""
    samples: Array = field(repr=False)
    """uint8 or uint16 [h, w, 3], as stored, upright; grey is repeated."""
    alpha: Array | None = field(repr=False)
    """[h, w], of the samples' type."""
    grey: bool
    icc: bytes | None = field(repr=False)
    density: tuple[float, float] | None
    """Pixels per inch."""
    orientation: int
    exif: dict[int, Any] = field(repr=False)
    """Tags of the first IFD, of the Exif IFD and of the GPS IFD together."""
    location: bool
    """Whether a GPS IFD with entries is there."""
    thumbnail: bool
    xmp: bytes = field(repr=False)
    iptc: bool

    @property
    def bits(self) -> int:
        """Of a sample."""
        return 8 * self.samples.dtype.itemsize

    @property
    def eight(self) -> Array:
        """uint8 [h, w, 3]: the samples in 8 bits, as stored."""
        return as_eight(self.samples)

    @cached_property
    def srgb(self) -> Array:
        """uint8 [h, w, 3]: converted from the profile, where there is one."""
        return to_srgb(self.eight, self.icc, self.grey)


def as_eight(samples: Array) -> Array:
    """uint16 -> uint8, rounded; uint8 as it is."""
    if samples.dtype == np.uint8:
        return samples
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def to_srgb(pixels: Array, profile: bytes | None, grey: bool = False) -> Array:
    """uint8 [h, w, 3] described by `profile` -> as sRGB, relative colorimetric."""
    if not profile:
        return pixels
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    picture = PIL.Image.fromarray(pixels[..., 0] if grey else pixels)
    if source.profile.xcolor_space.strip() != ("GRAY" if grey else "RGB"):
        return pixels  # the profile of other channels describes nothing here
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    return np.asarray(ImageCms.profileToProfile(picture, source, _SRGB, renderingIntent=intent, outputMode="RGB"))


def view(data: bytes) -> View:
    """Read the encoded file."""
    with PIL.Image.open(io.BytesIO(data)) as picture:
        picture.load()
        kind, mode, info = str(picture.format), picture.mode, picture.info
        exif = picture.getexif()
        upright = ImageOps.exif_transpose(picture)
        density = _density(kind, picture)
        thumbnail = bool(exif.get_ifd(0x0201)) or 0x0201 in _second_ifd(exif)
    tags: dict[int, Any] = {**exif, **exif.get_ifd(0x8769), **exif.get_ifd(0x8825)}
    deep = _deep(kind, data)
    samples, alpha = deep if deep is not None else _eight_bits(upright)
    icc = info.get("icc_profile")
    if kind == "PNG":
        icc = _png_profile(data, grey=mode in ("1", "L", "LA", "I", "I;16")) or icc
    return View(
        format=kind,
        samples=samples,
        alpha=alpha,
        grey=mode in ("1", "L", "LA", "I", "I;16", "I;16B"),
        icc=icc,
        density=density,
        orientation=int(exif.get(0x0112, 1)),
        exif=tags,
        location=bool(exif.get_ifd(0x8825)),
        thumbnail=thumbnail,
        xmp=_xmp(info, exif),
        iptc=b"8BIM\x04\x04" in data or (kind == "TIFF" and 33723 in exif) or b"Raw profile type iptc" in data,
    )


def _eight_bits(picture: PIL.Image.Image) -> tuple[Array, Array | None]:
    if picture.has_transparency_data:
        rgba = np.asarray(picture.convert("RGBA"))
        return np.ascontiguousarray(rgba[..., :3]), np.ascontiguousarray(rgba[..., 3])
    return np.asarray(picture.convert("RGB")), None


def _deep(kind: str, data: bytes) -> tuple[Array, Array | None] | None:
    """The samples of a file with 16 bits; Pillow would give the high bytes."""
    if kind not in ("PNG", "TIFF"):
        return None
    read: Array | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if read is None or read.dtype != np.uint16:
        return None
    if read.ndim == 2:
        return np.dstack([read] * 3), None
    if read.shape[2] == 2:
        return np.dstack([read[..., 0]] * 3), read[..., 1]
    return np.ascontiguousarray(read[..., 2::-1]), read[..., 3] if read.shape[2] == 4 else None


def _density(kind: str, picture: PIL.Image.Image) -> tuple[float, float] | None:
    found = picture.info.get("dpi")
    if kind == "JPEG" and picture.info.get("jfif_unit") not in (1, 2) and 282 not in picture.getexif():
        return None
    return None if found is None else (float(found[0]), float(found[1]))


def _second_ifd(exif: PIL.Image.Exif) -> dict[int, Any]:
    try:
        return dict(exif.get_ifd(1))
    except (KeyError, ValueError, struct.error):
        return {}


def _xmp(info: Mapping[Any, Any], exif: PIL.Image.Exif) -> bytes:
    found = info.get("xmp") or info.get("XML:com.adobe.xmp") or exif.get(700) or b""
    return found.encode() if isinstance(found, str) else bytes(found)


def _png_profile(data: bytes, *, grey: bool) -> bytes | None:
    """What cICP, or gAMA with cHRM, say where there is no iCCP; None where the picture is sRGB."""
    chunks = dict(png_parts(data))
    if b"cICP" in chunks:
        code, transfer = chunks[b"cICP"][0], chunks[b"cICP"][1]
        return None if (code, transfer) == (1, 13) else matrix_profile(primaries_of(code))
    if b"iCCP" in chunks or b"sRGB" in chunks or not chunks.keys() & {b"gAMA", b"cHRM"}:
        return None
    gamma = struct.unpack(">I", chunks[b"gAMA"])[0] / 100_000 if b"gAMA" in chunks else 0.45455
    exponent = None if abs(gamma - 0.45455) < 0.01 else 1 / gamma
    if grey:
        return None if exponent is None else grey_profile(exponent)
    if b"cHRM" not in chunks:
        return None if exponent is None else matrix_profile(primaries_of(1), exponent)
    xy = [value / 100_000 for value in struct.unpack(">8I", chunks[b"cHRM"])]
    return matrix_profile(((xy[2], xy[3]), (xy[4], xy[5]), (xy[6], xy[7])), exponent)
