"""JPEG files: what Pillow would write, pixel by pixel, with the profile in as many segments as it takes."""

import io

import numpy as np
import pytest
import skimage.data
from PIL import Image as Pillow

from darkroom.codec.image import Image
from darkroom.codec.write_jpeg import write_jpeg

PHOTO = np.ascontiguousarray(skimage.data.astronaut()[:200, :151])


def picture(*, grey: bool) -> Image:
    pixels = np.repeat(PHOTO[..., :1], 3, axis=2) if grey else PHOTO
    return Image(pixels=pixels, alpha=None, grey=grey, icc=None, format="jpeg")


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("quality", [1, 89, 90, 100])
@pytest.mark.parametrize("profile", [None, b"p" * 65_519, b"p" * 65_520])
def test_a_file_is_as_pillow_writes_it(grey: bool, quality: int, profile: bytes | None) -> None:
    image, out = picture(grey=grey), io.BytesIO()
    Pillow.fromarray(image.pixels[..., 0] if grey else image.pixels).save(
        out, "JPEG", quality=quality, subsampling=0 if quality >= 90 else 2
    )
    with Pillow.open(io.BytesIO(write_jpeg(image, quality, profile))) as ours, Pillow.open(out) as theirs:
        assert ours.mode == theirs.mode
        assert ours.info.get("icc_profile") == profile
        assert np.array_equal(np.asarray(ours), np.asarray(theirs))
