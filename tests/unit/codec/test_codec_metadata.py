"""EXIF, XMP, IPTC and density: what is read, what is kept, what tells a place."""

import struct
import zlib

import numpy as np
import pillow_jxl  # noqa: F401 (Pillow saves JPEG XL with it)
import pytest
from codec_files import LIMITS, after_header, chunk, colour, exif, saved
from PIL import Image as Pillow
from PIL import PngImagePlugin

from darkroom.codec import Metadata, decode
from darkroom.codec.metadata import MAX_BYTES, cleaned, filtered

XMP = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:own="http://example.com/own/" tiff:Orientation="6" exif:GPSLatitude="48,51.5N" photoshop:City="Paris"
 own:Rating="5" exif:PixelXDimension="4000">
<dc:creator><rdf:Seq><rdf:li>A. Author</rdf:li></rdf:Seq></dc:creator>
<exif:GPSLongitude>2,21E</exif:GPSLongitude><tiff:ImageWidth>4000</tiff:ImageWidth>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def camera(orientation: int = 1) -> Pillow.Exif:
    """What a camera writes, with a place, sizes and a resolution."""
    block = Pillow.Exif()
    block[0x0112], block[0x013B], block[0x8298], block[0x010F] = orientation, "A. Author", "(c) 2026", "Maker"
    block[0x011A], block[0x011B], block[0x0128], block[0x0100] = 300.0, 200.0, 2, 4000
    block.get_ifd(0x8769)[0x9003] = "2021:05:06 07:08:09"
    block.get_ifd(0x8769)[0xA002] = 4000
    block.get_ifd(0x8769)[0x927C] = b"maker note"
    block.get_ifd(0x8825)[1], block.get_ifd(0x8825)[2] = "N", (48.0, 51.0, 30.0)
    return block


def reread(block: bytes | None) -> Pillow.Exif:
    """As an independent reader sees it."""
    assert block is not None
    found = Pillow.Exif()
    found.load(b"Exif\0\0" + block)
    return found


def iptc(*datasets: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value for number, value in datasets)


def photoshop(records: bytes) -> bytes:
    other = b"8BIM" + struct.pack(">H", 0x03ED) + b"\3abc" + struct.pack(">I", 5) + b"12345\0"
    return other + b"8BIM" + struct.pack(">H", 0x0404) + b"\0\0" + struct.pack(">I", len(records)) + records


def app13(data: bytes, records: bytes) -> bytes:
    body = b"Photoshop 3.0\0" + photoshop(records)
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + data[2:]


RECORDS = iptc((5, b"Title"), (25, b"cat"), (90, b"Paris"), (101, b"France"))


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "JXL"])
def test_exif_is_kept_without_what_no_longer_holds(name: str) -> None:
    stored = camera()
    if name == "TIFF":  # where it would be the picture's own width
        del stored[0x0100]
    options = {"use_container": True} if name == "JXL" else {}
    found = reread(decode(saved(colour(), name, exif=stored.tobytes(), **options), LIMITS).metadata.exif)
    assert found[0x013B] == "A. Author"
    assert found[0x8298] == "(c) 2026"
    assert {0x0112, 0x0100}.isdisjoint(found)
    if name == "TIFF":  # Pillow writes no inner directories there
        return
    inner = found.get_ifd(0x8769)
    assert inner[0x9003] == "2021:05:06 07:08:09"
    assert 0xA002 not in inner
    assert found.get_ifd(0x8825)[2] == (48.0, 51.0, 30.0)


@pytest.mark.parametrize("order", [b"II", b"MM"])
def test_both_byte_orders(order: bytes) -> None:
    block = camera()
    block.endian = "<" if order == b"II" else ">"
    stored = block.tobytes()
    assert stored[6:8] == order
    kept = cleaned(Metadata(exif=stored), turned=False).exif
    assert kept is not None
    assert kept[:2] == order
    assert reread(kept).get_ifd(0x8825)[1] == "N"


def test_thumbnails_are_dropped() -> None:
    first = exif(1)[6:-4]
    thumbnail = b"\xff\xd8" + bytes(5000)
    at = len(first) + 4
    second = struct.pack("<HHHIIHHIII", 2, 0x0201, 4, 1, at + 30, 0x0202, 4, 1, len(thumbnail), 0)
    block = first + struct.pack("<I", at) + second + thumbnail
    kept = cleaned(Metadata(exif=block), turned=False).exif
    assert kept is None  # nothing else was in it
    assert b"\xff\xd8" not in (cleaned(Metadata(exif=camera().tobytes()), turned=False).exif or b"")


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_xmp_is_kept_without_what_no_longer_holds(name: str) -> None:
    if name == "PNG":
        data = after_header(saved(colour(), "PNG"), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP))
    else:
        data = saved(colour(), name, **({"tiffinfo": {700: XMP}} if name == "TIFF" else {"xmp": XMP}))
    packet = decode(data, LIMITS).metadata.xmp
    assert packet is not None
    assert b"A. Author" in packet
    assert b"48,51.5N" in packet
    assert b'xmlns:dc="http://purl.org/dc/elements/1.1/"' in packet
    for gone in (b"Orientation", b"ImageWidth", b"PixelXDimension"):
        assert gone not in packet
    assert packet.startswith(b"<?xpacket begin=")


def test_iptc_of_jpeg_tiff_and_png() -> None:
    assert decode(app13(saved(colour(), "JPEG"), RECORDS), LIMITS).metadata.iptc == RECORDS
    assert decode(saved(colour(), "TIFF", tiffinfo={33723: RECORDS}), LIMITS).metadata.iptc == RECORDS
    text = b"\niptc\n%8d\n%s\n" % (len(RECORDS), RECORDS.hex().encode())
    packed = chunk(b"tEXt", b"Raw profile type iptc\0" + text)
    assert decode(after_header(saved(colour(), "PNG"), packed), LIMITS).metadata.iptc == RECORDS


def test_old_exif_texts_of_png() -> None:
    block = camera().tobytes()
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n", zip=True)
    found = reread(decode(saved(colour(), "PNG", pnginfo=text), LIMITS).metadata.exif)
    assert found[0x013B] == "A. Author"


@pytest.mark.parametrize(
    ("data", "density"),
    [
        (saved(colour(), "JPEG", dpi=(300, 150)), (300, 150)),
        (saved(colour(), "PNG", dpi=(300, 150)), (300, 150)),
        (saved(colour(), "TIFF", dpi=(300, 150)), (300, 150)),
        (saved(colour(), "BMP", dpi=(300, 150)), (300, 150)),
        (saved(colour(), "TIFF", resolution=100, resolution_unit="cm"), (254, 254)),
        (saved(colour(), "WEBP", exif=camera()), (300, 200)),
        (saved(colour(), "JPEG", exif=camera(6)), (200, 300)),
        (saved(colour(), "JPEG"), None),
        (after_header(saved(colour(), "PNG"), chunk(b"pHYs", struct.pack(">IIB", 3, 4, 0))), None),
        (after_header(saved(colour(), "PNG"), chunk(b"pHYs", struct.pack(">IIB", 0, 0, 1))), None),
    ],
)
def test_density(data: bytes, density: tuple[int, int] | None) -> None:
    found = decode(data, LIMITS).metadata.density
    assert found == (None if density is None else pytest.approx(density, rel=1e-3))


def test_no_location() -> None:
    stored = cleaned(Metadata(camera().tobytes(), XMP, RECORDS, (300.0, 300.0)), turned=False)
    found = filtered(stored, "no_location")
    block = reread(found.exif)
    assert block[0x013B] == "A. Author"
    assert not block.get_ifd(0x8825)
    assert 0x927C not in block.get_ifd(0x8769)
    assert block.get_ifd(0x8769)[0x9003] == "2021:05:06 07:08:09"
    assert found.xmp is not None
    for place in (b"GPS", b"48,51", b"Paris", b"2,21E"):
        assert place not in found.xmp
        assert place not in (found.iptc or b"")
    assert b"A. Author" in found.xmp
    assert found.iptc == iptc((5, b"Title"), (25, b"cat"))
    assert found.density == (300.0, 300.0)


def test_keep_and_strip() -> None:
    stored = cleaned(Metadata(camera().tobytes(), XMP, RECORDS, (300.0, 300.0)), turned=False)
    assert filtered(stored, "keep") is stored
    assert filtered(stored, "strip") == Metadata(density=(300.0, 300.0))
    assert filtered(Metadata(), "no_location") == Metadata()


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"\xff" * 100,
        camera().tobytes()[:60],
        b"II*\0" + struct.pack("<IH", 8, 4097) + bytes(50_000),
        b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x8769, 4, 1, 8),
        b"II*\0" + bytes(MAX_BYTES),
    ],
)
def test_malformed_exif_is_dropped(block: bytes) -> None:
    found = cleaned(Metadata(exif=block), turned=False).exif
    assert found is None or len(found) < 1000
    webp = decode(saved(colour(), "WEBP", exif=b"Exif\0\0" + block), LIMITS)
    assert webp.pixels.shape == (24, 40, 3)


def test_tags_that_share_their_bytes_are_not_multiplied() -> None:
    tags = [*range(0x010D, 0x0111), 0x0131, 0x013B, 0x8298]
    entries = b"".join(struct.pack("<HHII", tag, 2, 400_000, 8) for tag in tags)
    block = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(400_000)
    assert cleaned(Metadata(exif=block), turned=False).exif is None


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"<x",
        XMP[:-60],
        b"<a/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + XMP,
        XMP.replace(b"A. Author", b"\xff\xfe"),
        XMP.replace(b"A. Author", b"x" * MAX_BYTES),
        b"<a>" * 300_000,
    ],
    ids=["empty", "cut", "cut late", "no RDF", "entities", "no UTF-8", "large", "deep"],
)
def test_malformed_xmp_is_dropped(packet: bytes) -> None:
    assert cleaned(Metadata(xmp=packet), turned=False).xmp is None


def test_deeply_nested_xmp_does_no_harm() -> None:
    deep = b"<a>" * 50_000 + b"</a>" * 50_000
    found = cleaned(Metadata(xmp=XMP.replace(b"A. Author", deep)), turned=False).xmp
    assert found is None or b"<a>" in found


@pytest.mark.parametrize("cut", range(1, 12))
def test_iptc_ends_with_its_last_whole_record(cut: int) -> None:
    found = cleaned(Metadata(iptc=RECORDS[:-cut]), turned=False).iptc
    assert found == iptc((5, b"Title"), (25, b"cat"), (90, b"Paris"))


def test_metadata_bombs_cost_little() -> None:
    bomb = zlib.compress(bytes(100_000_000), 9)
    texts = chunk(b"zTXt", b"Raw profile type exif\0\0" + bomb) + chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb)
    image = decode(after_header(saved(colour(), "PNG"), texts * 5), LIMITS)
    assert image.metadata == Metadata()
    np.testing.assert_array_equal(image.pixels, colour())
