"""Print size, dates, authors, keywords and places."""

import struct
from functools import partial
from typing import Any

import numpy as np
import PIL.Image
from PIL import PngImagePlugin, TiffImagePlugin

from perf.field.case import BANDED, Case, Way
from perf.field.checks import carries, density, file_is, shows
from perf.field.files import exif, fixture, jxl_of_jpeg, png, saved, tiff, with_chunks, with_segment
from perf.field.pictures import cat, cut_out, deep
from perf.field.viewer import View

LOST = "upscayl/upscayl#214, Sanster/IOPaint#202"
DPI = "upscayl/upscayl#1374, nagadomi/waifu2x#266"
AUTHOR, DATE = "A. Author", "2021:05:06 07:08:09"
XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/">'
    b"<dc:subject><rdf:Bag><rdf:li>holiday</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
    b'<?xpacket end="w"?>'
)
X2 = Way("super_resolution", {"scale": 2})
WAYS = (BANDED, X2, Way("face_enhance", {"fidelity": 1.0, "max_faces": 0, "min_face": 16000}))

HAS_AUTHOR = carries("the author", lambda view: view.exif.get(315) == AUTHOR)
HAS_DATE = carries("the date", lambda view: view.exif.get(306) == DATE and view.exif.get(0x9003) == DATE)
HAS_PLACE = carries("the place", lambda view: view.location)
NO_PLACE = carries("no place", lambda view: not view.location and b"GPSLatitude" not in view.xmp)
NO_EXIF = carries("no EXIF but the density", lambda view: not {315, 306, 271, 0x9003} & view.exif.keys())
UPRIGHT = carries("no orientation but 1", lambda view: view.orientation == 1)
HAS_XMP = carries("the XMP", lambda view: b"holiday" in view.xmp)
HAS_IPTC = carries("the IPTC", lambda view: view.iptc)
NO_THUMBNAIL = carries("no thumbnail", lambda view: not view.thumbnail)


def cases() -> list[Case]:
    return [*_densities(), *_exif(), *_choices(), *_xmp_iptc(), *_stale()]


def _case(name: str, data: bytes, *checks: Any, source: str = LOST, **more: Any) -> Case:
    more.setdefault("options", {})
    more.setdefault("ways", WAYS)
    return Case("metadata", name, partial(bytes, data), checks, source, **more)


def full(orientation: int = 1) -> PIL.Image.Exif:
    """A camera's EXIF: maker, author, dates, place, sizes."""
    made = exif(orientation, t271="Maker", t272="Camera", t315=AUTHOR, t306=DATE, t33432="(c) 2021")
    made.get_ifd(0x8769).update({0x9003: DATE, 0xA002: 236, 0xA003: 188, 0x829A: 0.01, 0x8827: 200})
    made.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0)})
    return made


def _camera(**more: Any) -> bytes:
    return saved(cat(), "JPEG", quality=95, exif=full(), **more)


def _densities() -> list[Case]:
    def chunk(x: float, y: float) -> tuple[bytes, bytes]:
        return b"pHYs", struct.pack(">IIB", round(x / 0.0254), round(y / 0.0254), 1)

    in_exif = exif()
    in_exif[282], in_exif[283], in_exif[296] = TiffImagePlugin.IFDRational(300), TiffImagePlugin.IFDRational(300), 2
    only_exif = with_segment(saved(cat(), "JPEG", quality=95), 0xE1, in_exif.tobytes())
    files = {
        "jpeg 300 dpi": (saved(cat(), "JPEG", quality=95, dpi=(300, 300)), (300.0, 300.0)),
        "jpeg 240 x 120 dpi": (saved(cat(), "JPEG", quality=95, dpi=(240, 120)), (240.0, 120.0)),
        "jpeg 300 dpi in EXIF only": (only_exif, (300.0, 300.0)),
        "png 300 dpi": (saved(cat(), "PNG", dpi=(300, 300)), (300.0, 300.0)),
        "png 16 bits, 600 dpi": (png(deep(), 16, 2, chunks=[chunk(600, 600)]), (600.0, 600.0)),
        "png 300 x 600 dpi": (with_chunks(saved(cat(), "PNG"), chunk(300, 600)), (300.0, 600.0)),
        "png with alpha, 300 dpi": (saved(cut_out(), "PNG", dpi=(300, 300)), (300.0, 300.0)),
        "tiff 300 dpi": (saved(cat(), "TIFF", dpi=(300, 300)), (300.0, 300.0)),
        "tiff 16 bits, 1200 dpi": (tiff(deep(), resolution=(1200, 1200), resolutionunit=2), (1200.0, 1200.0)),
        "tiff 118.11 dots a cm": (tiff(cat(), resolution=(118.11, 118.11), resolutionunit=3), (300.0, 300.0)),
        "bmp 300 dpi": (saved(cat(), "BMP", dpi=(300, 300)), (300.0, 300.0)),
    }
    made = [_case(f"density: {name}", data, density(*wanted), source=DPI) for name, (data, wanted) in files.items()]
    aspect = with_chunks(saved(cat(), "PNG"), (b"pHYs", struct.pack(">IIB", 2, 1, 0)))
    jfif = bytearray(saved(cat(), "JPEG", quality=95, dpi=(300, 300)))
    jfif[jfif.index(b"JFIF") + 7] = 0
    no_density = carries("no density", lambda view: view.density is None or max(view.density) < 20)
    made += [
        _case("density: png that states an aspect ratio only", aspect, no_density, source=DPI),
        _case("density: jpeg that states an aspect ratio only", bytes(jfif), no_density, source=DPI),
    ]
    source = saved(cat(), "PNG", dpi=(300, 300))
    made += [
        _case(
            f"density: png to {kind}", source, density(300), source=DPI, ways=(BANDED,), options={"output_format": kind}
        )
        for kind in ("jpeg", "tiff", "png")
    ]
    made.append(
        _case("density: stays with metadata=strip", source, density(300), source=DPI, options={"metadata": "strip"})
    )
    return made


def _exif() -> list[Case]:
    block = full()
    files = {
        "jpeg": _camera(dpi=(300, 300)),
        "png": saved(cat(), "PNG", exif=block),
        "webp": saved(cat(), "WEBP", quality=90, exif=block.tobytes()),
        "avif": saved(cat(), "AVIF", quality=90, exif=block),
        "jpeg xl": jxl_of_jpeg(saved(cat(), "JPEG", quality=95, exif=block)),
    }
    # of a box, EXIF begins behind four bytes; the plugin writes what it is given
    files["jpeg xl, plain box"] = saved(cat(), "JXL", lossless=True, exif=bytes(4) + block.tobytes()[6:])
    checks = (HAS_AUTHOR, HAS_DATE, HAS_PLACE, UPRIGHT, NO_THUMBNAIL)
    made = [_case(f"EXIF kept: {name}", data, *checks) for name, data in files.items()]
    made.append(
        _case(
            "EXIF kept: heic",
            _phone(),
            carries("maker", lambda view: view.exif.get(271) == "Maker"),
            HAS_PLACE,
            UPRIGHT,
        )
    )
    made += [
        _case(f"EXIF kept: jpeg to {kind}", files["jpeg"], *checks, ways=(BANDED,), options={"output_format": kind})
        for kind in ("png", "webp", "avif", "tiff", "jpeg")
    ]
    turned = saved(np.rot90(cat()).copy(), "JPEG", quality=95, exif=full(6))
    made.append(_case("EXIF kept, orientation not", turned, shows(cat, 30), HAS_AUTHOR, HAS_PLACE, UPRIGHT))
    made += [
        _case(
            f"EXIF kept, orientation not, to {kind}",
            turned,
            shows(cat, 29),
            HAS_AUTHOR,
            UPRIGHT,
            ways=(BANDED,),
            options={"output_format": kind},
        )
        for kind in ("png", "webp", "avif", "tiff")
    ]
    named = TiffImagePlugin.ImageFileDirectory_v2()
    named[315], named[306], named[270] = AUTHOR, DATE, "A scan"
    made.append(_case("tiff tags kept", saved(cat(), "TIFF", tiffinfo=named), HAS_AUTHOR))
    return made


def _phone() -> bytes:
    return fixture("phone.heic")


def _choices() -> list[Case]:
    camera = with_segment(_camera(), 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + _located_xmp())
    return [
        _case("metadata=no_location", camera, HAS_AUTHOR, HAS_DATE, NO_PLACE, options={"metadata": "no_location"}),
        _case("metadata=no_location, heic", _phone(), NO_PLACE, options={"metadata": "no_location"}),
        _case(
            "metadata=no_location to png",
            camera,
            HAS_AUTHOR,
            NO_PLACE,
            ways=(BANDED,),
            options={"metadata": "no_location", "output_format": "png"},
        ),
        _case(
            "metadata=strip",
            camera,
            NO_EXIF,
            NO_PLACE,
            carries("no XMP", lambda view: not view.xmp),
            options={"metadata": "strip"},
        ),
        _case("metadata=keep", camera, HAS_AUTHOR, HAS_PLACE, HAS_XMP, options={"metadata": "keep"}),
    ]


def _located_xmp() -> bytes:
    place = b'<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="48,51.5N"/></rdf:RDF>'
    return XMP.replace(b"</rdf:RDF>", place)


def _xmp_iptc() -> list[Case]:
    records = b"\x1c\x02\x50" + struct.pack(">H", len(AUTHOR)) + AUTHOR.encode()
    resource = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records
    resource += b"\0" * (len(records) % 2)
    jpeg = saved(cat(), "JPEG", quality=95)
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    files = {
        "jpeg": with_segment(jpeg, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        "png": saved(cat(), "PNG", pnginfo=text),
        "webp": saved(cat(), "WEBP", quality=90, xmp=XMP),
        "tiff": tiff(cat(), extratags=[(700, 1, len(XMP), XMP, True)]),
        "avif": saved(cat(), "AVIF", quality=90, xmp=XMP),
    }
    made = [_case(f"XMP kept: {name}", data, HAS_XMP) for name, data in files.items()]
    made += [
        _case(f"XMP kept: jpeg to {kind}", files["jpeg"], HAS_XMP, ways=(BANDED,), options={"output_format": kind})
        for kind in ("png", "webp", "tiff", "avif")
    ]
    made += [
        _case("IPTC kept: jpeg", with_segment(jpeg, 0xED, resource), HAS_IPTC),
        _case(
            "IPTC kept: tiff to tiff",
            tiff(cat(), extratags=[(33723, 7, len(records), records, True)]),
            HAS_IPTC,
            ways=(BANDED, X2),
        ),
    ]
    return made


def _stale() -> list[Case]:
    """What described the old pixels must not describe the new ones."""
    thumbnail = saved(cat()[::4, ::4].copy(), "JPEG", quality=60)
    ifd0 = struct.pack("<H", 1) + struct.pack("<HHII", 0x0112, 3, 1, 1) + struct.pack("<I", 8 + 2 + 12 + 4)
    at = 8 + 18 + 2 + 36 + 4
    entries = [(0x0103, 3, 1, 6), (0x0201, 4, 1, at), (0x0202, 4, 1, len(thumbnail))]
    ifd1 = struct.pack("<H", 3) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    block = b"Exif\0\0II*\0" + struct.pack("<I", 8) + ifd0 + ifd1 + thumbnail
    data = with_segment(saved(cat(), "JPEG", quality=95), 0xE1, block)

    def sizes(view: View) -> bool:
        height, width = view.samples.shape[:2]
        return bool(view.exif.get(0xA002, width) == width) and bool(view.exif.get(0xA003, height) == height)

    return [
        _case("thumbnail dropped", data, file_is("JPEG"), NO_THUMBNAIL),
        _case("sizes in EXIF are not stale", _camera(), carries("the answer's sizes", sizes)),
        _case(
            "sizes in EXIF are not stale, to png",
            _camera(),
            carries("the answer's sizes", sizes),
            ways=(X2,),
            options={"output_format": "png"},
        ),
    ]
