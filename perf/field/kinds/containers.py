"""Several pictures in one file, files of other formats, and names that lie."""

import io
import struct
from functools import partial
from typing import Any

import numpy as np
import PIL.Image
import tifffile

from perf.field.case import BANDED, WHOLE, Case, Check
from perf.field.checks import file_is, refused, refused_or, reports, shows
from perf.field.files import Array, opened, saved, tiff, with_chunks
from perf.field.pictures import cat, coloured, ring

ANIMATED = "irokaru/pixel-scaler#8, Moebytes/waifu2x#17"
PAGES = "lovell/sharp#1101, galfar/deskew#10"
THUMBNAIL = "lovell/sharp#2674"
OTHERS = "sambecker/exif-photo-blog#229"
MPO = "wagtail/wagtail#729, python-pillow/Pillow#1138"


def cases() -> list[Case]:
    return [*_several(), *_pages(), *_still(), *_others(), *_mpo()]


def _case(name: str, data: bytes, *checks: Any, source: str = "", **more: Any) -> Case:
    return Case("containers", name, partial(bytes, data), checks, source, **more)


def frames() -> list[Array]:
    """Four frames, each 8 pixels further."""
    return [np.ascontiguousarray(np.roll(cat(), 8 * number, 1)) for number in range(4)]


def animations() -> dict[str, tuple[bytes, float]]:
    """Files of `frames()`, and how well each keeps a picture (PSNR in dB)."""
    pictures = [PIL.Image.fromarray(frame) for frame in frames()]
    few = [picture.quantize(128) for picture in pictures]
    first, rest = pictures[0], pictures[1:]
    return {
        "gif": (saved(few[0], "GIF", save_all=True, append_images=few[1:], duration=80, loop=0), 24.0),
        "webp": (saved(first, "WEBP", save_all=True, append_images=rest, duration=80, quality=95), 32.0),
        "webp lossless": (saved(first, "WEBP", save_all=True, append_images=rest, duration=80, lossless=True), 60.0),
        "png": (saved(first, "PNG", save_all=True, append_images=rest), 60.0),
        "tiff": (saved(first, "TIFF", save_all=True, append_images=rest), 60.0),
    }


def _several() -> list[Case]:
    made = []
    for name, (data, least) in animations().items():
        made.append(_case(f"{name} of four frames", data, refused("frame"), source=ANIMATED))
        for number in (0, 2, 3):
            made.append(
                _case(
                    f"{name}, frame={number}",
                    data,
                    shows(partial(np.asarray, frames()[number]), least),
                    reports("frame", number),
                    reports("frames", 4),
                    source=ANIMATED,
                    ways=(BANDED, WHOLE),
                    options={"output_format": "png", "frame": number},
                )
            )
        made.append(
            _case(
                f"{name}, frame=4 is beyond the last",
                data,
                refused("frame", "4", "3"),
                source=ANIMATED,
                ways=(BANDED,),
                options={"output_format": "png", "frame": 4},
            )
        )
    moving = [PIL.Image.fromarray(coloured(np.roll(ring(), 12 * n, 1), (255, 140, 0), (0, 0, 0))) for n in range(3)]
    part = saved(moving[0], "GIF", save_all=True, append_images=moving[1:], disposal=2)
    with PIL.Image.open(io.BytesIO(part)) as gif:
        gif.seek(2)
        last = np.asarray(gif.convert("RGBA"))
    made.append(
        _case(
            "gif with transparent frames, frame=2",
            part,
            shows(partial(np.asarray, last), 40),
            source=ANIMATED,
            options={"output_format": "png", "frame": 2},
        )
    )
    clear = saved(moving[0], "WEBP", save_all=True, append_images=moving[1:], lossless=True)
    with PIL.Image.open(io.BytesIO(clear)) as webp:
        webp.seek(1)
        second = np.asarray(webp.convert("RGBA"))
    made.append(
        _case(
            "webp with transparent frames, frame=1",
            clear,
            shows(partial(np.asarray, second), 50),
            source=ANIMATED,
            options={"output_format": "png", "frame": 1},
        )
    )
    for number in (0, 1):
        made.append(
            _case(
                f"a still picture, frame={number}",
                saved(cat(), "PNG"),
                shows(cat) if number == 0 else refused("frame"),
                ways=(BANDED,),
                options={"output_format": "png", "frame": number},
            )
        )
    return made


def _pages() -> list[Case]:
    small = np.ascontiguousarray(cat()[::4, ::4])

    def written(*pages: tuple[Array, int]) -> bytes:
        out = io.BytesIO()
        with tifffile.TiffWriter(out) as writer:
            for picture, kind in pages:
                writer.write(picture, photometric="rgb", subfiletype=kind, metadata=None)
        return out.getvalue()

    pyramid = io.BytesIO()
    with tifffile.TiffWriter(pyramid) as writer:
        writer.write(cat(), photometric="rgb", subifds=1, tile=(64, 64), metadata=None)
        writer.write(small, photometric="rgb", subfiletype=1, tile=(64, 64), metadata=None)
    return [
        _case("tiff, thumbnail second", written((cat(), 0), (small, 1)), shows(cat), source=THUMBNAIL),
        _case("tiff, thumbnail first", written((small, 1), (cat(), 0)), shows(cat), source=THUMBNAIL),
        _case("tiff, two thumbnails first", written((small, 1), (small, 1), (cat(), 0)), shows(cat), source=THUMBNAIL),
        _case("tiff, a pyramid", pyramid.getvalue(), shows(cat), source=THUMBNAIL),
        _case("tiff, two pages of different sizes", written((cat(), 2), (small, 2)), refused("frame"), source=PAGES),
        _case(
            "tiff, two pages of different sizes, frame=1",
            written((cat(), 2), (small, 2)),
            shows(partial(np.asarray, small)),
            source=PAGES,
            options={"output_format": "png", "frame": 1},
        ),
        _case("tiff, one page marked as one of several", written((cat(), 2)), shows(cat), source=PAGES),
    ]


def _still() -> list[Case]:
    palette = PIL.Image.fromarray(cat()).quantize(128)
    two = PIL.Image.fromarray(cat()).quantize(2)

    def shown(picture: PIL.Image.Image) -> Check:
        return shows(partial(np.asarray, np.asarray(picture.convert("RGB"))))

    plain = saved(cat(), "PNG")
    one_frame = with_chunks(
        plain,
        (b"acTL", struct.pack(">II", 1, 0)),
        (b"fcTL", struct.pack(">IIIIIHHBB", 0, 236, 188, 0, 0, 1, 10, 0, 0)),
    )
    one_webp = saved(cat(), "WEBP", lossless=True, save_all=True)
    comment = saved(palette, "GIF", comment=b"a still picture")
    logo = PIL.Image.fromarray(coloured(ring(), (255, 140, 0), (0, 0, 0)))
    clear = saved(logo, "GIF")
    jxl = saved(cat(), "JXL", lossless=True)
    lossy = saved(cat(), "JXL", quality=92)
    return [
        _case("gif", saved(palette, "GIF", interlace=0), shown(palette), file_is("PNG"), source=ANIMATED),
        _case("gif, interlaced", saved(palette, "GIF", interlace=1), shown(palette), source=ANIMATED),
        _case("gif of two colours", saved(two, "GIF"), shown(two), source=ANIMATED),
        _case("gif with a comment", comment, shown(palette), source=ANIMATED),
        _case("gif, 87a", saved(palette, "GIF").replace(b"GIF89a", b"GIF87a", 1), shown(palette), source=ANIMATED),
        _case("gif, transparent", clear, shows(partial(opened, clear, "RGBA"), 50), file_is("PNG", alpha=True)),
        _case("gif, trailing bytes", saved(palette, "GIF") + b"\0" * 20, shown(palette)),
        _case("png of one frame", one_frame, shows(cat)),
        _case("webp of one frame", one_webp, shows(cat)),
        _case("webp, trailing bytes", saved(cat(), "WEBP", lossless=True) + bytes(10), shows(cat)),
        _case("webp, lossy", saved(cat(), "WEBP", quality=95), shows(cat, 32)),
        _case("jpeg xl, lossless", jxl, shows(cat), source=OTHERS),
        _case("jpeg xl, lossy", lossy, shows(cat, 30), source=OTHERS),
        _case(
            "jpeg xl, bare codestream",
            saved(cat(), "JXL", lossless=True, use_container=False),
            shows(cat),
            source=OTHERS,
        ),
        _case(
            "jpeg xl, in a container", saved(cat(), "JXL", lossless=True, use_container=True), shows(cat), source=OTHERS
        ),
        _case(
            "jpeg xl, grey",
            saved(PIL.Image.fromarray(cat()).convert("L"), "JXL", lossless=True),
            file_is("PNG", grey=True),
            source=OTHERS,
        ),
        _case("avif, lossless", saved(cat(), "AVIF", quality=100, subsampling="4:4:4"), shows(cat, 38), source=OTHERS),
    ]


def _others() -> list[Case]:
    """Refused with the name of what it is, and what would be accepted."""
    rng = np.random.default_rng(3)
    signatures = {
        "JPEG 2000": saved(cat(), "JPEG2000"),
        "ICO": saved(PIL.Image.fromarray(cat()).resize((64, 64)), "ICO"),
        "Photoshop": b"8BPS\0\x01" + bytes(6) + struct.pack(">HIIHH", 3, 188, 236, 8, 3) + bytes(100),
        "PDF": b"%PDF-1.7\n" + bytes(200),
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"></svg>',
    }
    made = [_case(f"a {name} file", data, refused(name, "PNG"), source=OTHERS) for name, data in signatures.items()]
    broken = {
        "text": b"This is no picture at all.\n" * 10,
        "html": b"<!doctype html><html><body>404</body></html>",
        "noise": rng.bytes(3000),
        "zeros": bytes(3000),
        "a video": b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + rng.bytes(2000),
        "a camera's raw file": b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom" + rng.bytes(2000),
        "an OpenEXR file": b"\x76\x2f\x31\x01" + bytes(100),
        "a broken JPEG XL": b"\xff\x0a" + rng.bytes(500),
        "a broken AVIF": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + rng.bytes(500),
        "a signature alone": b"\x89PNG\r\n\x1a\n",
        "two bytes": b"\xff\xd8",
        "nothing": b"",
    }
    made += [_case(f"{name} is refused", data, refused(), ways=(BANDED,)) for name, data in broken.items() if data]
    return made


def _mpo() -> list[Case]:
    out = io.BytesIO()
    second = PIL.Image.fromarray(np.ascontiguousarray(cat()[::2, ::2]))
    PIL.Image.fromarray(cat()).save(out, "MPO", save_all=True, append_images=[second], quality=95)
    mpo = out.getvalue()
    first = lambda: opened(mpo)  # noqa: E731
    return [
        _case("MPO: the first picture", mpo, shows(first, 36), source=MPO),
        _case("MPO, answered as jpeg", mpo, shows(first, 34), file_is("JPEG"), source=MPO, options={}),
        _case("a tiff that is named .jpg", tiff(cat()), shows(cat), file_is("TIFF"), options={}, source="oculante#346"),
        _case(
            "MPO, frame=1",
            mpo,
            refused_or(["frame"], shows(partial(np.asarray, np.asarray(second)), 30)),
            source=MPO,
            options={"output_format": "png", "frame": 1},
        ),
    ]
