"""JPEG: codings, subsamplings, segments and whatever cameras append."""

import struct
from functools import partial
from typing import Any

import numpy as np

from perf.field.case import Case
from perf.field.checks import carries, file_is, refused_or, shows
from perf.field.files import fixture, opened, saved, with_segment
from perf.field.pictures import cat, coffee, grey
from perf.hostile.parts import jpeg_segment

TRAILERS = "nothings/stb#952, immich-app/immich#8510"
ARITHMETIC = "notmasteryet/jpgjs#19, libjxl/libjxl#1088"
HDR = "python-pillow/Pillow#8036, deckerst/aves#838"
NAMES = "upscayl/upscayl#983, divamgupta/diffusionbee-stable-diffusion-ui#187"


def cases() -> list[Case]:
    return [*_codings(), *_segments(), *_trailers(), *_restarts()]


def _case(name: str, data: bytes, *checks: Any, source: str = "", **more: Any) -> Case:
    return Case("jpeg", name, partial(bytes, data), checks, source, **more)


def _codings() -> list[Case]:
    made = []
    for progressive in (False, True):
        for name, subsampling in (("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)):
            data = saved(cat(), "JPEG", quality=90, subsampling=subsampling, progressive=progressive)
            label = f"{name} progressive" if progressive else name
            # decoders may upsample colour differently
            made.append(_case(label, data, shows(partial(opened, data), 60 if subsampling == 0 else 36)))
        data = saved(grey(), "JPEG", quality=90, progressive=progressive)
        made.append(
            _case(
                "grey progressive" if progressive else "grey",
                data,
                shows(partial(opened, data), 50),
                file_is(grey=True),
            )
        )
    for quality in (1, 10, 100):
        data = saved(cat(), "JPEG", quality=quality, subsampling=0)
        made.append(_case(f"quality {quality}", data, shows(partial(opened, data), 50)))
    for name in ("arithmetic", "arithmetic_progressive"):
        made.append(
            _case(
                f"{name.replace('_', ', ')} coding",
                fixture(f"{name}.jpg"),
                refused_or(["arithmetic"], shows(cat, 30)),
                source=ARITHMETIC,
            )
        )
    optimised = saved(cat(), "JPEG", quality=90, subsampling=0, optimize=True)
    made.append(_case("optimised tables", optimised, shows(partial(opened, optimised), 60)))
    return made


def _segments() -> list[Case]:
    good = saved(cat(), "JPEG", quality=95, subsampling=0)
    at = good.index(b"\xff\xe0")
    length = struct.unpack_from(">H", good, at + 2)[0]
    bare = good[:at] + good[at + 2 + length :]
    files = {
        "no APP segment at all (named .jfif)": bare,
        "two JFIF segments": with_segment(good, 0xE0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0"),
        "a JFXX thumbnail": with_segment(good, 0xE0, b"JFXX\0\x13\x02\x02" + bytes(12)),
        "APP2 of another kind": with_segment(good, 0xE2, b"FPXR\0" + bytes(100)),
        "APP4 to APP11 of a phone": _many(good),
        "a comment of 60 kB": with_segment(good, 0xFE, b"x" * 60_000),
        "a comment that is not UTF-8": with_segment(good, 0xFE, b"\xff\xfe\x80"),
        "an empty comment": with_segment(good, 0xFE, b""),
        "fill bytes before a marker": good[:2] + b"\xff\xff\xff" + good[2:],
        "junk before a marker": good[: at + 2 + length] + b"\0\0\0" + good[at + 2 + length :],
        "Adobe marker, transform 1": with_segment(bare, 0xEE, b"Adobe\0\x64\0\0\0\0\x01"),
        "EXIF before JFIF": with_segment(good, 0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"),
        "a Photoshop resource block": with_segment(
            good, 0xED, b"Photoshop 3.0\0" + b"8BIM\x03\xed\0\0\0\0\0\x10" + bytes(16)
        ),
    }
    return [_case(name, data, shows(partial(opened, good), 55), source=NAMES) for name, data in files.items()]


def _many(good: bytes) -> bytes:
    extra = b"".join(jpeg_segment(bytes((0xFF, 0xE4 + index)), bytes(2000)) for index in range(8))
    return good[:2] + extra + good[2:]


def _trailers() -> list[Case]:
    good = saved(cat(), "JPEG", quality=95, subsampling=0)
    noise = np.random.default_rng(5).bytes(20_000)
    other = saved(coffee()[:64, :64].copy(), "JPEG")
    files = {
        "a motion photo's video": good + b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + noise,
        "zeros behind the end": good + bytes(4096),
        "a phone maker's trailer": good + b"\0\0\x01\n\x0e\0\0\0Image_UTC_Data1600000000000SEFHk\0\0\0\x18\0\0\0SEFT",
        "a second picture behind the end": good + other,
        "text behind the end": good + b"<html>not part of the picture</html>",
        "one byte behind the end": good + b"\n",
    }
    made = [_case(name, data, shows(partial(opened, good), 55), source=TRAILERS) for name, data in files.items()]
    made += [
        _case(
            "HDR with a gain map: the base picture", _gain_mapped(good), shows(partial(opened, good), 55), source=HDR
        ),
        _case(
            "HDR with a gain map: nothing announces one in the answer",
            _gain_mapped(good),
            carries("no gain map", lambda view: b"hdrgm" not in view.xmp and b"hdr-gain-map" not in view.xmp),
            source=HDR,
            options={},
        ),
    ]
    return made


def _gain_mapped(good: bytes) -> bytes:
    """A phone's HDR photo: the base picture, XMP that announces the map, and the map behind the end."""
    gain_map = saved(np.ascontiguousarray(grey()[::2, ::2]), "JPEG", quality=80)
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/>'
        b"</rdf:RDF></x:xmpmeta>"
    )
    return with_segment(good, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet) + gain_map


def _restarts() -> list[Case]:
    data = saved(coffee(), "JPEG", quality=90, subsampling=0, restart_marker_rows=1)
    at = data.index(b"\xff\xd0")
    return [
        _case("restart markers", data, shows(partial(opened, data), 55)),
        _case(
            "bytes before a restart marker",
            data[:at] + b"\0\0\0" + data[at:],
            shows(partial(opened, data), 34),
            source="nothings/stb#1182",
        ),
    ]
