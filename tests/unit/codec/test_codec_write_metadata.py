"""Profile, EXIF, XMP, IPTC and density of answers, as Pillow and libvips read them."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import pyvips
from codec_files import SRGB, colour, opened
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, IptcImagePlugin
from PIL import Image as Pillow

from darkroom.codec import Description, Metadata, open_writer

XMP = b"<?xpacket?><x:xmpmeta xmlns:x='adobe:ns:meta/'>a \xc3\xa9</x:xmpmeta>"
IPTC = b"\x1c\x02\x05\0\x05title\x1c\x02\x50\0\x04name"
FORMATS = ("png", "tiff", "jpeg", "webp", "avif")
PHOTO, GPS = ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo
MAKER_NOTE, CAMERA, ARTIST, EXPOSURE, LENS = 37500, 271, 315, 33434, 42036


def exif_block(order: str = "<", *, note: int = 40, resolution: bool = True, camera: str = "a camera") -> bytes:
    """A TIFF structure with camera, settings and place."""
    exif = Pillow.Exif()
    exif.endian = order
    exif[CAMERA] = camera
    if resolution:
        exif[282] = exif[283] = 300.0
        exif[296] = 2
    exif[PHOTO] = {EXPOSURE: (1, 250), LENS: "a lens", MAKER_NOTE: b"note" * note}
    exif[GPS] = {1: "N", 2: (48.0, 12.0, 3.5)}
    return exif.tobytes().removeprefix(b"Exif\0\0")


def written(name: str, metadata: Metadata, icc: bytes | None = None, *, bits: int = 8) -> bytes:
    pixels = colour(24, 40)
    writer = open_writer(Description("png", icc=icc, metadata=metadata), 40, 24, output_format=name, bits=bits)
    writer.write(pixels, None)
    return writer.finish()


def exif_of(data: bytes) -> Pillow.Exif:
    return opened(data).getexif()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_exif(name: str, order: str) -> None:
    exif = exif_of(written(name, Metadata(exif=exif_block(order))))
    assert exif[CAMERA] == "a camera"
    assert 274 not in exif or exif[274] == 1
    photo, place = exif.get_ifd(PHOTO), exif.get_ifd(GPS)
    assert photo[LENS] == "a lens"
    assert photo[MAKER_NOTE] == b"note" * 40
    assert place[1] == "N"
    assert [float(part) for part in place[2]] == [48.0, 12.0, 3.5]


@pytest.mark.parametrize("name", ["png", "jpeg", "webp"])
def test_exif_is_written_as_given(name: str) -> None:
    block = exif_block()
    assert block in written(name, Metadata(exif=block))


@pytest.mark.parametrize("name", FORMATS)
def test_xmp(name: str) -> None:
    assert opened(written(name, Metadata(xmp=XMP))).info["xmp"] == XMP


@pytest.mark.parametrize("name", ["jpeg", "tiff"])
def test_iptc(name: str) -> None:
    data = written(name, Metadata(iptc=IPTC))
    assert IPTC in bytes(pyvips.Image.new_from_buffer(data, "").get("iptc-data"))
    assert IptcImagePlugin.getiptcinfo(opened(data)) == {(2, 5): b"title", (2, 80): b"name"}


def test_iptc_of_png_is_a_raw_profile() -> None:
    text = opened(written("png", Metadata(iptc=IPTC))).info["Raw profile type iptc"]
    _, kind, size, *lines = text.split("\n")
    resources = bytes.fromhex("".join(lines))
    assert (kind, int(size)) == ("iptc", len(resources))
    assert resources == b"8BIM\4\4\0\0" + struct.pack(">I", len(IPTC)) + IPTC + b"\0" * (len(IPTC) % 2)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("bits", [8, 16])
def test_profile(name: str, bits: int) -> None:
    if bits == 16 and name not in ("png", "tiff"):
        bits = 8
    assert opened(written(name, Metadata(), SRGB, bits=bits)).info["icc_profile"] == SRGB


@pytest.mark.parametrize("density", [(300.0, 300.0), (72.5, 96.0), (0.3, 10.0**6)])
def test_density(density: tuple[float, float]) -> None:
    metadata = Metadata(density=density)
    assert opened(written("png", metadata)).info["dpi"] == pytest.approx(density, rel=0.1, abs=0.0254)
    assert opened(written("tiff", metadata)).info["dpi"] == pytest.approx(density)
    assert opened(written("jpeg", metadata)).info["dpi"] == tuple(min(max(1, round(d)), 65_535) for d in density)
    for name in ("webp", "avif"):
        exif = exif_of(written(name, metadata))
        assert (float(exif[282]), float(exif[283]), exif[296]) == pytest.approx((*density, 2))


@pytest.mark.parametrize("name", ["webp", "avif"])
def test_density_in_exif(name: str) -> None:
    """A block that states a density is written as given; one that states none gets it."""
    stated = exif_block()
    data = written(name, Metadata(exif=stated, density=(300.0, 300.0)))
    assert stated in data
    exif = exif_of(written(name, Metadata(exif=exif_block(">", resolution=False), density=(72.0, 96.0))))
    assert (exif[282], exif[283], exif[CAMERA]) == (72.0, 96.0, "a camera")
    assert exif.get_ifd(PHOTO)[LENS] == "a lens"


@pytest.mark.parametrize("name", FORMATS)
def test_without_metadata_nothing_is_written(name: str) -> None:
    picture = opened(written(name, Metadata()))
    assert not {"exif", "xmp", "icc_profile", "photoshop"} & {key for key, value in picture.info.items() if value}
    assert not {CAMERA, 306, 305} & set(picture.getexif())


@pytest.mark.parametrize("name", FORMATS)
def test_everything_at_once(name: str) -> None:
    metadata = Metadata(exif_block(), XMP, IPTC, (300.0, 300.0))
    data = written(name, metadata, SRGB)
    picture = opened(data)
    plain = opened(written(name, Metadata()))
    np.testing.assert_array_equal(np.asarray(picture), np.asarray(plain))
    assert picture.info["icc_profile"] == SRGB
    assert picture.info["xmp"] == XMP
    assert picture.getexif()[CAMERA] == "a camera"
    np.testing.assert_array_equal(
        pyvips.Image.new_from_buffer(data, "").numpy(),
        pyvips.Image.new_from_buffer(written(name, Metadata()), "").numpy(),
    )


def test_jpeg_segments_that_are_too_large() -> None:
    fits = b"x" * (65_533 - 29)
    assert opened(written("jpeg", Metadata(xmp=fits))).info["xmp"] == fits
    assert "xmp" not in opened(written("jpeg", Metadata(xmp=fits + b"x"))).info
    assert b"8BIM" not in written("jpeg", Metadata(iptc=b"x" * 65_530))


def test_exif_beyond_a_segment_loses_the_maker_note() -> None:
    exif = exif_of(written("jpeg", Metadata(exif=exif_block(note=17_000))))
    assert exif[CAMERA] == "a camera"
    photo = exif.get_ifd(PHOTO)
    assert photo[LENS] == "a lens"
    assert MAKER_NOTE not in photo
    assert [float(part) for part in exif.get_ifd(GPS)[2]] == [48.0, 12.0, 3.5]
    assert (
        exif_of(written("png", Metadata(exif=exif_block(note=17_000)))).get_ifd(PHOTO)[MAKER_NOTE] == b"note" * 17_000
    )


def test_exif_beyond_a_segment_without_a_maker_note_is_left_out() -> None:
    assert not exif_of(written("jpeg", Metadata(exif=exif_block(camera="long" * 20_000))))


@pytest.mark.parametrize(
    "block", [b"", b"nonsense", b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff", exif_block()[:60]]
)
@pytest.mark.parametrize("name", ["tiff", "webp", "avif"])
@pytest.mark.filterwarnings("ignore")
def test_malformed_exif_does_no_harm(name: str, block: bytes) -> None:
    picture = opened(written(name, Metadata(exif=block, density=(300.0, 300.0))))
    assert picture.size == (40, 24)
    assert float(picture.getexif()[282]) == 300


@settings(max_examples=80, deadline=None)
@given(st.sampled_from("<>"), st.lists(st.tuples(st.integers(0, 250), st.integers(0, 255)), min_size=1, max_size=5))
def test_damaged_exif_does_no_harm(order: str, damage: list[tuple[int, int]]) -> None:
    block = bytearray(exif_block(order))
    for at, value in damage:
        block[at] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in FORMATS:
            assert opened(written(name, Metadata(exif=bytes(block), density=(300.0, 300.0)))).size == (40, 24)


def test_tiff_keeps_text_that_is_not_ascii() -> None:
    block = exif_block(camera="Ca\u00c3\u00b1on")  # UTF-8, as Pillow writes it byte by byte
    assert (
        exif_of(written("tiff", Metadata(exif=block)))[CAMERA] == exif_of(written("png", Metadata(exif=block)))[CAMERA]
    )


def test_tiff_takes_no_layout_from_exif() -> None:
    exif = Pillow.Exif()
    exif[CAMERA], exif[ARTIST] = "a camera", "an artist"
    exif[256], exif[259], exif[274], exif[530] = 9999, 7, 6, (2, 2)
    data = written("tiff", Metadata(exif=exif.tobytes()[6:]))
    tags = opened(data).tag_v2
    assert (tags[CAMERA], tags[ARTIST], tags[256], tags[259]) == ("a camera", "an artist", 40, 8)
    assert 274 not in tags
    assert 530 not in tags


def test_png_chunks_stand_before_the_pixels() -> None:
    data = written("png", Metadata(exif_block(), XMP, IPTC, (300.0, 300.0)), SRGB)
    names, at = [], 8
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        assert zlib.crc32(data[at + 4 : at + 8 + length]) == struct.unpack_from(">I", data, at + 8 + length)[0]
        names.append(name)
        at += 12 + length
    assert names == [b"IHDR", b"iCCP", b"pHYs", b"eXIf", b"iTXt", b"zTXt", b"IDAT", b"IEND"]
    with Pillow.open(io.BytesIO(data)) as picture:
        assert picture.info["XML:com.adobe.xmp"].encode() == XMP
