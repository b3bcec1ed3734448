"""The segments of a JPEG that say something about the picture: profile, EXIF, XMP, IPTC and density."""

from collections.abc import Iterator

from darkroom.codec.exif_blocks import fitting
from darkroom.codec.image import Metadata
from darkroom.codec.photoshop import image_resources

_MOST = 65_533
"""Bytes of one segment, without its marker and length."""
_ICC = b"ICC_PROFILE\0"
_MOST_OF_A_PROFILE = _MOST - len(_ICC) - 2
"""Bytes of a profile in one segment (ICC.1:2022, B.4)."""
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_APP1, _APP2, _APP13 = 0xE1, 0xE2, 0xED
_PER_INCH = 1
_MOST_DENSITY = 65_535


def metadata_segments(metadata: Metadata, profile: bytes | None) -> list[bytes]:
    """What stands behind the JFIF header. EXIF beyond 64 KB loses its maker note, or is left out if that does not do;
    XMP and IPTC beyond 64 KB are left out."""
    segments = []
    exif = fitting(metadata.exif, _MOST - len(_EXIF))
    if exif is not None:
        segments.append(_segment(_APP1, _EXIF + exif))
    if metadata.xmp is not None and len(metadata.xmp) <= _MOST - len(_XMP):
        segments.append(_segment(_APP1, _XMP + metadata.xmp))
    segments += _profile_segments(profile or b"")
    if metadata.iptc is not None:
        body = _PHOTOSHOP + image_resources(metadata.iptc)
        if len(body) <= _MOST:
            segments.append(_segment(_APP13, body))
    return segments


def with_density(start: bytes, density: tuple[float, float] | None) -> bytes:
    """The start of a file, up to the end of its JFIF header, with `density` (pixels per inch) in it."""
    if density is None:
        return start
    across, down = (min(max(1, round(value)), _MOST_DENSITY).to_bytes(2, "big") for value in density)
    return b"".join((start[:13], bytes((_PER_INCH,)), across, down, start[18:]))


def _profile_segments(profile: bytes) -> Iterator[bytes]:
    """As many numbered parts as the profile takes."""
    parts = [profile[at : at + _MOST_OF_A_PROFILE] for at in range(0, len(profile), _MOST_OF_A_PROFILE)]
    if len(parts) > 255:  # 16 MB: no segment could number them
        return
    for number, part in enumerate(parts, 1):
        yield _segment(_APP2, _ICC + bytes((number, len(parts))) + part)


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body
