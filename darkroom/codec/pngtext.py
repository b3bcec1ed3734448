"""Metadata in PNG's text chunks: XMP, and EXIF and IPTC as ImageMagick's "Raw profile type"."""

import zlib
from collections.abc import Iterable

from darkroom.codec import photoshop
from darkroom.codec.image import Metadata

NAMES = (b"tEXt", b"zTXt", b"iTXt")
_XMP = b"XML:com.adobe.xmp"
_MOST = 3 * 2**20
"""Bytes of one text, unpacked: 1 MiB takes twice as many hexadecimal digits, and line ends."""


def profiles(texts: Iterable[tuple[bytes, bytes]]) -> Metadata:
    """EXIF, XMP and IPTC in the text chunks (name and body). Others, and malformed ones, are ignored."""
    found: dict[str, bytes] = {}
    for name, body in texts:
        keyword, _, rest = body.partition(b"\0")
        if keyword == _XMP and name == b"iTXt":
            found.setdefault("xmp", _international(rest))
        elif keyword.startswith(b"Raw profile type ") and name in (b"tEXt", b"zTXt"):
            kind = keyword[17:].decode("latin-1").lower()
            block = _unhexed(rest if name == b"tEXt" else _inflated(rest[1:]))
            if kind in ("exif", "app1") and block.startswith(b"Exif\0\0"):
                found.setdefault("exif", block)
            elif kind == "xmp":
                found.setdefault("xmp", block)
            elif kind in ("iptc", "8bim"):
                found.setdefault("iptc", photoshop.iptc_of(block) or (b"" if block.startswith(b"8BIM") else block))
    return Metadata(found.get("exif") or None, found.get("xmp") or None, found.get("iptc") or None)


def _international(rest: bytes) -> bytes:
    """The text of an iTXt chunk behind its keyword: flags, language and translated keyword come first."""
    compressed = rest[:1] == b"\1"
    text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    return _inflated(text) if compressed else text


def _inflated(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, _MOST)
    except zlib.error:
        return b""


def _unhexed(text: bytes) -> bytes:
    """A newline, the name, a newline, the length, a newline, then hexadecimal digits in lines."""
    lines = text[:_MOST].strip().split(b"\n", 2)
    try:
        return bytes.fromhex(lines[2].decode("ascii")) if len(lines) == 3 else b""
    except (ValueError, UnicodeDecodeError):
        return b""
