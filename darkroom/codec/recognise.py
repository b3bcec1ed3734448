"""Which format are these bytes? By their signature alone; file names and content types do not count."""

from darkroom.codec.image import InputFormat
from darkroom.errors import BadImageError

ACCEPTED = "JPEG, PNG, WebP, AVIF, HEIC, JPEG XL, TIFF, GIF and BMP are accepted"
NAMES: dict[InputFormat, str] = {
    "jpeg": "JPEG",
    "png": "PNG",
    "webp": "WebP",
    "tiff": "TIFF",
    "bmp": "BMP",
    "gif": "GIF",
    "avif": "AVIF",
    "heic": "HEIC",
    "jxl": "JPEG XL",
}

_ACCEPTED: tuple[tuple[bytes, InputFormat], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"BM", "bmp"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"\0\0\0\x0cJXL ", "jxl"),
    (b"\xff\x0a", "jxl"),
)
_REFUSED = (
    (b"\0\0\0\x0cjP  ", "a JPEG 2000"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (b"8BPS", "a Photoshop"),
    (b"\0\0\1\0", "an ICO"),
    (b"%PDF", "a PDF"),
    (b"<svg", "an SVG"),
    (b"<?xml", "an SVG or XML"),
    (b"qoif", "a QOI"),
    (b"\x76\x2f\x31\x01", "an OpenEXR"),
    (b"#?RADIANCE", "a Radiance HDR"),
)
_AVIF = frozenset((b"avif", b"avis"))
_HEIC = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))
_COMMON = frozenset((b"mif1", b"msf1", b"mif2", b"miaf"))
"""Brands of still and moving HEIF whose codec is named by another brand."""
_MOST_BRANDS = 100


def recognise(data: bytes) -> InputFormat:
    """The format of the file; BadImageError, naming what it is instead where that is known."""
    if not data:
        raise BadImageError(f"The image is empty (0 bytes); {ACCEPTED}.")
    for signature, accepted in _ACCEPTED:
        if data.startswith(signature):
            return accepted
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    for signature, name in _REFUSED:
        if data.startswith(signature):
            raise BadImageError(f"The image is {name} file; {ACCEPTED}.")
    if data[4:8] == b"ftyp":
        return _iso_media(data)
    raise BadImageError(
        f"The {len(data)} bytes are not an image: they begin with {data[:8].decode('latin-1')!a}; {ACCEPTED}."
    )


def _iso_media(data: bytes) -> InputFormat:
    """The ISO base media family: pictures, films and camera raws; told apart by the brands in the first box."""
    major, size = data[8:12], int.from_bytes(data[:4], "big")
    compatible = [data[at : at + 4] for at in range(16, min(size, len(data), 16 + 4 * _MOST_BRANDS), 4)]
    brands = {major, *compatible} if major in _COMMON else {major}
    if brands & _AVIF:
        return "avif"
    if brands & (_HEIC | _COMMON):
        return "heic"
    name = "a Canon raw" if major == b"crx " else "a video"
    raise BadImageError(f"The image is {name} file; {ACCEPTED}.")
