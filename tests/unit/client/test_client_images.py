"""What a caller may call an image."""

import io
from pathlib import Path

import numpy as np
import pytest
from darkroom_client.errors import BadImage
from darkroom_client.images import encoded
from PIL import Image, ImageCms

RNG = np.random.default_rng(1)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_file_travels_as_it_is(tmp_path: Path):
    path = tmp_path / "x.anything"
    path.write_bytes(b"not even an image")
    assert encoded(path) == encoded(str(path)) == b"not even an image"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_travel_as_they_are(kind):
    assert encoded(kind(b"abc")) == b"abc"


@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 3), (7, 5, 4)])
def test_arrays_keep_every_pixel(shape):
    pixels = RNG.integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(np.asarray(opened(encoded(pixels))), pixels)


def test_an_array_may_be_a_view():
    pixels = RNG.integers(0, 256, (8, 6, 3), dtype=np.uint8)
    assert np.array_equal(np.asarray(opened(encoded(pixels[::2, ::-1]))), pixels[::2, ::-1])


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4), bool),
        np.zeros((4, 4), np.uint16),
        np.zeros(16, np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused_with_what_they_are(array):
    with pytest.raises(BadImage, match=r"uint8 of shape \[h, w\]") as caught:
        encoded(array)
    assert str(array.dtype) in caught.value.message
    assert str(list(array.shape)) in caught.value.message


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK", "YCbCr", "LAB"])
def test_pil_images_keep_mode_and_pixels(mode):
    image = Image.new(mode, (6, 4), 1 if mode in ("1", "L", "P", "I;16") else None)
    back = opened(encoded(image))
    assert back.mode in (mode, "I")
    assert np.array_equal(np.asarray(back), np.asarray(image))


def test_a_pil_image_keeps_profile_and_orientation():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.new("RGB", (6, 4))
    image.info["icc_profile"] = profile
    image.getexif()[0x0112] = 6
    back = opened(encoded(image))
    assert back.info["icc_profile"] == profile
    assert back.getexif()[0x0112] == 6


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (3, "builtins.int"),
        (None, "NoneType"),
        ([[1, 2]], "builtins.list"),
        (b"", "0 bytes"),
        ("/no/such/file.jpg", "no file '/no/such/file.jpg'"),
        ("/", "is a folder"),
        (Image.new("F", (3, 3)), "mode 'F'"),
        (Image.new("RGB", (0, 3)), "0 x 3"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(wrong, words):
    with pytest.raises(BadImage) as caught:
        encoded(wrong)
    assert words in caught.value.message


def test_what_no_message_can_hold_is_refused(monkeypatch):
    monkeypatch.setattr("darkroom_client.images.MAX_BYTES", 10)
    with pytest.raises(BadImage, match="11 bytes; at most 10"):
        encoded(b"x" * 11)
