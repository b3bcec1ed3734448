"""Portrait photographs must come back upright, whatever stores their orientation."""

from functools import partial
from typing import Any

import numpy as np

from perf.field.case import Case
from perf.field.checks import carries, density, file_is, samples, shows
from perf.field.files import exif, jxl_of_jpeg, opened, png, saved, tiff, turned, with_chunks, with_segment
from perf.field.pictures import cat, cut_out, deep, grey
from perf.field.viewer import View
from perf.hostile.parts import png_chunk

LYING = "upscayl/upscayl#68, Sanster/IOPaint#419"
OTHER_FORMATS = "SixLabors/ImageSharp.Web#381, w3c/png#310"
BROKEN = "python-pillow/Pillow#8348"


def upright(view: View) -> bool:
    return view.orientation == 1


def cases() -> list[Case]:
    return [*_jpegs(), *_others(), *_malformed()]


def _case(name: str, data: bytes, *checks: Any, source: str = OTHER_FORMATS, **more: Any) -> Case:
    return Case("orientation", name, partial(bytes, data), (*checks, carries("upright", upright)), source, **more)


def _jpegs() -> list[Case]:
    made = []
    for number in range(1, 9):
        stored = turned(number, cat())
        plain = saved(stored, "JPEG", quality=97, subsampling=0, exif=exif(number))
        small = saved(stored, "JPEG", quality=92, exif=exif(number), progressive=number % 2 == 0)
        made += [
            _case(f"jpeg {number}", plain, shows(cat, 40), source=LYING),
            _case(f"jpeg {number}, answered as jpeg", plain, shows(cat, 34), source=LYING, options={}),
            _case(f"jpeg {number}, 4:2:0", small, shows(cat, 31), source=LYING),
            _case(
                f"jpeg {number}, grey",
                saved(turned(number, grey()), "JPEG", quality=97, exif=exif(number)),
                shows(lambda: np.dstack([grey()] * 3), 40),
            ),
        ]
    bare = saved(turned(6, cat()), "JPEG", quality=97, subsampling=0, progressive=True)
    tag = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    made.append(_case("jpeg progressive, big-endian", with_segment(bare, 0xE1, tag), shows(cat, 40), source=LYING))
    scan = saved(turned(6, cat()), "JPEG", quality=97, subsampling=0, exif=exif(6), dpi=(300, 150))
    made.append(_case("density turns along", scan, shows(cat, 34), density(150, 300), options={}))
    return made


def _others() -> list[Case]:
    made = []
    for number in range(2, 9):
        stored, tag = turned(number, cat()), exif(number)
        made += [
            _case(f"png {number}", saved(stored, "PNG", exif=tag), shows(cat)),
            _case(f"webp {number}", saved(stored, "WEBP", lossless=True, exif=tag.tobytes()), shows(cat)),
            _case(f"tiff {number}", saved(stored, "TIFF", tiffinfo={274: number}), shows(cat)),
            _case(
                f"tiff 16 bits {number}",
                tiff(turned(number, deep()), extratags=[(274, 3, 1, number, True)]),
                samples(deep),
            ),
            _case(
                f"png 16 bits {number}",
                with_chunks(png(turned(number, deep()), 16, 2), (b"eXIf", tag.tobytes()[6:])),
                samples(deep),
            ),
        ]
    plain = saved(turned(6, cat()), "PNG")
    late = plain[:-12] + png_chunk(b"eXIf", exif(6).tobytes()[6:]) + plain[-12:]
    webp = saved(turned(6, cat()), "WEBP", lossless=True, exif=exif(6).tobytes()[6:])
    xmp_first = saved(turned(6, cat()), "JPEG", quality=97, subsampling=0, exif=exif(6))
    packet = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    made += [
        _case("png, EXIF behind the pixels", late, shows(cat)),
        _case("webp, EXIF without its prefix", webp, shows(cat)),
        _case("jpeg, XMP before EXIF", with_segment(xmp_first, 0xE1, packet), shows(cat, 40), source=LYING),
    ]
    for number in (3, 6, 7):
        rgba = turned(number, cut_out())
        made.append(
            _case(
                f"png with alpha {number}", saved(rgba, "PNG", exif=exif(number)), shows(cut_out), file_is(alpha=True)
            )
        )
    for number in (1, 3, 6, 8):
        avif = saved(turned(number, cat()), "AVIF", quality=95, exif=exif(number))
        made.append(_case(f"avif {number}", avif, shows(cat, 36)))
        plain = saved(turned(number, cat()), "JXL", lossless=True, exif=exif(number).tobytes())
        # JPEG XL has an orientation of its own and says that readers ignore the one of EXIF
        made.append(_case(f"jpeg xl, EXIF alone {number}", plain, shows(partial(opened, plain)), source=""))
    for number in range(1, 9):
        source = saved(turned(number, cat()), "JPEG", quality=97, subsampling=0, exif=exif(number))
        made.append(_case(f"jpeg xl {number}", jxl_of_jpeg(source), shows(cat, 36)))
    return made


def _malformed() -> list[Case]:
    good = saved(cat(), "JPEG", quality=97, subsampling=0)
    many = exif(1)
    many.get_ifd(0x8769).update({0xA002: 9999, 0xA003: 1})
    files = {
        "jpeg, orientation 0": saved(cat(), "JPEG", quality=97, subsampling=0, exif=exif(0)),
        "jpeg, orientation 9": saved(cat(), "JPEG", quality=97, subsampling=0, exif=exif(9)),
        "jpeg, orientation 65535": saved(cat(), "JPEG", quality=97, subsampling=0, exif=exif(65535)),
        "jpeg, EXIF twice": with_segment(with_segment(good, 0xE1, exif(1).tobytes()), 0xE1, exif(1).tobytes()),
        "jpeg, Exif prefix twice": with_segment(good, 0xE1, b"Exif\0\0" + exif(1).tobytes()),
        "jpeg, EXIF of garbage": with_segment(good, 0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"),
        "jpeg, EXIF cut": with_segment(good, 0xE1, exif(1).tobytes()[:17]),
        "jpeg, empty EXIF": with_segment(good, 0xE1, b"Exif\0\0"),
        "jpeg, EXIF of other sizes": saved(cat(), "JPEG", quality=97, subsampling=0, exif=many),
        "png, EXIF cut": with_chunks(saved(cat(), "PNG"), (b"eXIf", b"\0\x08\0\x02\x01\x12\0\x03")),
        "png, empty EXIF": with_chunks(saved(cat(), "PNG"), (b"eXIf", b"")),
        "webp, EXIF of garbage": saved(cat(), "WEBP", lossless=True, exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
    }
    return [_case(f"malformed: {name}", data, shows(cat, 40), source=BROKEN) for name, data in files.items()]
