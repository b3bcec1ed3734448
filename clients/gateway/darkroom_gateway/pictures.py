"""Which format a file is, by its first bytes."""

from typing import Literal

Format = Literal["jpeg", "png", "webp", "tiff", "bmp"]

_SIGNATURES: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"BM", "bmp"),
)


def format_of(data: bytes) -> Format | None:
    """None for what the server does not take. Nothing but the signature is looked at: the rest is for the server."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def media_type(data: bytes) -> str:
    name = format_of(data)
    return f"image/{name}" if name else "application/octet-stream"
