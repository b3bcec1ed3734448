"""ICC profiles: which of them may be kept, and CMYK through its profile to sRGB."""

import io

from PIL import Image as Pillow
from PIL import ImageCms

MAX_BYTES = 4 * 2**20
"""A profile is dropped beyond this: real ones take 0.5 KB to 3 MB."""
_HEADER_BYTES = 132


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


def cmyk_to_srgb(picture: Pillow.Image, profile: bytes | None) -> Pillow.Image:
    """CMYK to sRGB: through the profile (relative colorimetric, black point compensation), which is what viewers
    with colour management do; without a usable one by r = 255 - c - k, which is what the others do."""
    parsed = _parsed(profile) if profile and profile[16:20] == b"CMYK" and len(profile) <= MAX_BYTES else None
    if parsed is not None:
        try:
            converted = ImageCms.profileToProfile(
                picture,
                parsed,
                ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
        except ImageCms.PyCMSError:
            converted = None
        if converted is not None:
            return converted
    return picture.convert("RGB")


def _parsed(profile: bytes) -> ImageCms.ImageCmsProfile | None:
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (OSError, ValueError):
        return None
