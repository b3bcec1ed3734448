"""EXIF, XMP and IPTC: what may go along with another picture, and what of it tells a place."""

import re
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Literal
from xml.etree import ElementTree

from darkroom.codec import exif
from darkroom.codec.ifd import TiffReader
from darkroom.codec.image import Metadata

MAX_BYTES = exif.MAX_BYTES
"""Blocks are dropped beyond this."""
_DENSITY = (1.0, 100_000.0)
"""Pixels per inch that are believed."""
_LOCATION_WORDS = re.compile(r"^(GPS.*|Location.*|City|State|Country.*|Sublocation|ProvinceState|WorldRegion)$")
_STALE = re.compile(
    r"^(Orientation|ImageWidth|ImageLength|PixelXDimension|PixelYDimension|Thumbnails|NativeDigest|HasExtendedXMP"
    r"|SubjectArea|SubjectLocation)$"
)
"""Names of properties, in whatever namespace, that do not hold for another picture."""
_STALE_SPACES = ("http://ns.google.com/photos/", "http://ns.adobe.com/hdr-gain-map/")
"""Namespaces of what cameras append to a picture: films, depth maps and gain maps, which stay behind."""
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PREFIXES = {
    "x": "adobe:ns:meta/",
    "rdf": _RDF,
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
}
for _prefix, _space in _PREFIXES.items():
    ElementTree.register_namespace(_prefix, _space)
_PACKET = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n%s\n<?xpacket end="w"?>'
_LOCATION_DATASETS = frozenset((26, 27, 90, 92, 95, 100, 101, 103))
"""Of IPTC-IIM 4.2, record 2: content location, city, sublocation, province, country, transmission reference."""


def cleaned(stored: Metadata, *, turned: bool) -> Metadata:
    """The metadata of a file without orientation, stale sizes and thumbnails. `turned`: the sides of the picture were
    swapped to turn it upright. What is malformed or larger than MAX_BYTES is dropped."""
    density = stored.density or _exif_density(stored.exif)
    if density is not None and not all(_DENSITY[0] <= value <= _DENSITY[1] for value in density):
        density = None
    if density is not None and turned:
        density = density[1], density[0]
    block = stored.exif if stored.exif and len(stored.exif) <= MAX_BYTES else None
    return Metadata(
        exif=exif.rewritten(block) if block else None,
        xmp=_without(stored.xmp, lambda name: False),
        iptc=_records(stored.iptc, frozenset()),
        density=density,
    )


def filtered(metadata: Metadata, keep: Literal["keep", "no_location", "strip"]) -> Metadata:
    """`no_location`: without what tells, or may tell, where the picture was taken (GPS, maker notes, places in XMP and
    IPTC). `strip`: nothing but the density."""
    if keep == "keep":
        return metadata
    if keep == "strip":
        return Metadata(density=metadata.density)
    return replace(
        metadata,
        exif=exif.rewritten(metadata.exif, exif.LOCATION) if metadata.exif else None,
        xmp=_without(metadata.xmp, lambda name: _LOCATION_WORDS.match(name) is not None),
        iptc=_records(metadata.iptc, _LOCATION_DATASETS),
    )


def _exif_density(block: bytes | None) -> tuple[float, float] | None:
    try:
        reader = TiffReader((block or b"").removeprefix(b"Exif\0\0"))
        return exif.density_of(reader, reader.directory(reader.first)[0])
    except (ValueError, struct.error):
        return None


def _without(packet: bytes | None, dropped: Callable[[str], bool]) -> bytes | None:
    """The XMP packet without stale properties and those whose local names are `dropped`."""
    if not packet or len(packet) > MAX_BYTES or b"<!" in packet.replace(b"<!--", b""):
        return None
    try:
        root = ElementTree.fromstring(packet.strip(b"\0 \r\n\t"))
        if root.tag != f"{{{_RDF}}}RDF" and root.find(f".//{{{_RDF}}}RDF") is None:
            return None
        for element in root.iter():
            for attribute in [name for name in element.attrib if _goes(name, dropped)]:
                del element.attrib[attribute]
            for child in [child for child in element if _goes(child.tag, dropped)]:
                element.remove(child)
        return _PACKET % bytes(ElementTree.tostring(root, "utf-8"))
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError):
        return None


def _goes(tag: str, dropped: Callable[[str], bool]) -> bool:
    """Whether a property of that name (`{namespace}name`) is stale or `dropped`."""
    space, _, name = tag.removeprefix("{").rpartition("}")
    return space.startswith(_STALE_SPACES) or _STALE.match(name) is not None or dropped(name)


def _records(block: bytes | None, dropped: frozenset[int]) -> bytes | None:
    """The IPTC-IIM data sets without those of record 2 that are `dropped`; what follows a malformed one goes."""
    if not block or len(block) > MAX_BYTES:
        return None
    kept, at = bytearray(), 0
    while at + 5 <= len(block) and block[at] == 0x1C:
        record, dataset, size = struct.unpack_from(">BBH", block, at + 1)
        end = at + 5 + size
        if size & 0x8000:  # the size stands in so many further bytes
            count = size & 0x7FFF
            end = at + 5 + count + int.from_bytes(block[at + 5 : at + 5 + min(count, 8)], "big")
        if end > len(block):
            break
        if record != 2 or dataset not in dropped:
            kept += block[at:end]
        at = end
    return bytes(kept) or None
