"""Which format are these bytes? By their signature alone; file names and content types do not count."""

from darkroom.codec.image import InputFormat
from darkroom.errors import BadImageError

ACCEPTED = "JPEG, PNG, WebP, TIFF and BMP are accepted"
NAMES: dict[InputFormat, str] = {"jpeg": "JPEG", "png": "PNG", "webp": "WebP", "tiff": "TIFF", "bmp": "BMP"}

_ACCEPTED: tuple[tuple[bytes, InputFormat], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"BM", "bmp"),
)
_REFUSED = (
    (b"GIF87a", "a GIF"),
    (b"GIF89a", "a GIF"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL"),
    (b"\xff\x0a", "a JPEG XL"),
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
_ISO_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "an AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "a HEIC"),
    b"crx ": "a Canon raw",
}


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
        name = _ISO_BRANDS.get(data[8:12], "a video or HEIF")
        raise BadImageError(f"The image is {name} file; {ACCEPTED}.")
    raise BadImageError(
        f"The {len(data)} bytes are not an image: they begin with {data[:8].decode('latin-1')!a}; {ACCEPTED}."
    )
