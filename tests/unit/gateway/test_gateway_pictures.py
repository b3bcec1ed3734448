"""Formats by their first bytes."""

import pytest
from darkroom_gateway.pictures import ACCEPTED, comes_back_as, format_of, media_type


def brands(major, *others):
    content = major + bytes(4) + b"".join(others)
    return (len(content) + 8).to_bytes(4, "big") + b"ftyp" + content + b"mdat" + bytes(100) + b"avif"


@pytest.mark.parametrize(
    ("data", "name", "answer"),
    [
        (b"\xff\xd8\xff\xe1 Exif", "jpeg", "jpeg"),
        (b"\x89PNG\r\n\x1a\n....", "png", "png"),
        (b"RIFF\x04\0\0\0WEBPVP8 ", "webp", "webp"),
        (b"II*\0\x08\0\0\0", "tiff", "tiff"),
        (b"MM\0*\0\0\0\x08", "tiff", "tiff"),
        (b"BM......", "bmp", "png"),
        (b"GIF89a..", "gif", "png"),
        (b"\xff\x0a....", "jxl", "png"),
        (b"\0\0\0\x0cJXL \r\n\x87\n....", "jxl", "png"),
        (brands(b"avif", b"mif1", b"miaf"), "avif", "avif"),
        (brands(b"mif1", b"avif", b"miaf"), "avif", "avif"),
        (brands(b"heic", b"mif1", b"heic"), "heic", "jpeg"),
        (brands(b"mif1", b"heic"), "heic", "jpeg"),
        (brands(b"heix", b"mif1"), "heic", "jpeg"),
        (brands(b"mif1", b"miaf"), "heic", "jpeg"),
    ],
)
def test_signatures(data, name, answer):
    assert format_of(data) == name
    assert comes_back_as(format_of(data)) == answer
    assert media_type(data) == f"image/{name}"
    assert media_type(data) in ACCEPTED


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"RIFF....WAVE", brands(b"isom", b"mp42", b"avif"), brands(b"qt  "), b"\0" * 64]
)
def test_other_files(data):
    assert format_of(data) is None
    assert comes_back_as(None) == "png"
    assert media_type(data) == "application/octet-stream"
