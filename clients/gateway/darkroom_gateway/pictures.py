"""Which format a file is, by its first bytes."""

from typing import Literal

Format = Literal["jpeg", "png", "webp", "avif", "tiff", "heic", "jxl", "gif", "bmp"]

ACCEPTED = (
    *("image/jpeg", "image/png", "image/webp", "image/avif", "image/tiff"),
    *("image/heic", "image/heif", "image/jxl", "image/gif", "image/bmp"),
)
"""Media types of the files that the server reads."""

_SIGNATURES: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\xff\x0a", "jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
)
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_HEIC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))
_COMMON_BRANDS = frozenset((b"mif1", b"msf1", b"mif2", b"miaf"))
"""Where one of these comes first, another brand may name the codec."""
_MOST_BRAND_BYTES = 256

_COMES_BACK_AS: dict[Format, str] = {"heic": "jpeg", "jxl": "png", "gif": "png", "bmp": "png"}


def format_of(data: bytes) -> Format | None:
    """None for what the server does not take. Nothing but the signature is looked at: the rest is for the server."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return _format_of_brands(data) if data[4:8] == b"ftyp" else None


def comes_back_as(source: Format | None) -> str:
    """The format of the answer to a file of format `source` where the caller names none."""
    return "png" if source is None else _COMES_BACK_AS.get(source, source)


def media_type(data: bytes) -> str:
    name = format_of(data)
    return f"image/{name}" if name else "application/octet-stream"


def _format_of_brands(data: bytes) -> Format | None:
    """ISO 23008-12: a file-type box names what can read the file: one brand, a version, then more brands."""
    box = data[8 : min(int.from_bytes(data[:4], "big"), _MOST_BRAND_BYTES)]
    brands = {box[:4]}
    if brands & _COMMON_BRANDS:
        brands |= {box[at : at + 4] for at in range(8, len(box), 4)}
    if brands & _AVIF_BRANDS:
        return "avif"
    return "heic" if brands & (_HEIC_BRANDS | _COMMON_BRANDS) else None
