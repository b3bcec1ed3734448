"""Files taken apart into named pieces and put together again, with right lengths and checksums."""

import struct
import zlib

Parts = list[tuple[bytes, bytes]]
"""Name and body of every piece."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_parts(data: bytes) -> Parts:
    """Chunks of a PNG, as far as they go."""
    parts, at = [], len(PNG_SIGNATURE)
    while at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        parts.append((name, data[at + 8 : at + 8 + length]))
        at += 12 + length
    return parts


def join_png(parts: Parts) -> bytes:
    return PNG_SIGNATURE + b"".join(png_chunk(name, body) for name, body in parts)


def png_chunk(name: bytes, body: bytes) -> bytes:
    """One chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def jpeg_parts(data: bytes) -> Parts:
    """Segments of a JPEG; the scan's data is the body of the last one, named b""."""
    parts, at = [], 2
    while data[at : at + 1] == b"\xff" and data[at + 1] != 0xDA:
        length = struct.unpack_from(">H", data, at + 2)[0]
        parts.append((data[at : at + 2], data[at + 4 : at + 2 + length]))
        at += 2 + max(2, length)
    return [*parts, (b"", data[at:])]


def join_jpeg(parts: Parts) -> bytes:
    return b"\xff\xd8" + b"".join(jpeg_segment(name, body) for name, body in parts)


def jpeg_segment(name: bytes, body: bytes) -> bytes:
    """One segment with its length; a nameless one is data as it is."""
    return name + struct.pack(">H", min(len(body) + 2, 65535)) + body if name else body


def webp_parts(data: bytes) -> Parts:
    """Chunks of a RIFF file, as far as they go."""
    parts, at = [], 12
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        parts.append((name, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return parts


def join_webp(parts: Parts) -> bytes:
    body = b"WEBP" + b"".join(riff_chunk(name, content) for name, content in parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff_chunk(name: bytes, body: bytes) -> bytes:
    """One chunk with its length, padded to an even one."""
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
