"""Photoshop's image resources, in which JPEG, PNG and TIFF files carry IPTC records (Photoshop File Formats, "Image
Resource Blocks")."""

import struct

_IPTC = 0x0404
_MAX_RESOURCES = 1000


def iptc_of(resources: bytes) -> bytes | None:
    """The IPTC-IIM records among the resources; None if there are none or the resources end early."""
    at = 0
    for _ in range(_MAX_RESOURCES):
        if resources[at : at + 4] != b"8BIM" or at + 12 > len(resources):
            return None
        (number,) = struct.unpack_from(">H", resources, at + 4)
        name = 1 + resources[at + 6]  # a length and as many characters, padded to an even number
        at += 6 + name + name % 2
        if at + 4 > len(resources):
            return None
        (size,) = struct.unpack_from(">I", resources, at)
        at += 4
        if number == _IPTC:
            return resources[at : at + size] or None
        at += size + size % 2
    return None


def image_resources(iptc: bytes) -> bytes:
    """A block of one resource: the IPTC-IIM records."""
    return struct.pack(">4sHHI", b"8BIM", _IPTC, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
