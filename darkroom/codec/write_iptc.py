"""IPTC records as JPEG and PNG carry them: in a block of Photoshop's image resources."""

import struct

_IPTC = 0x0404


def image_resources(iptc: bytes) -> bytes:
    """A block of one resource: the IPTC-IIM records (Photoshop File Formats, "Image Resource Blocks")."""
    return struct.pack(">4sHHI", b"8BIM", _IPTC, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
