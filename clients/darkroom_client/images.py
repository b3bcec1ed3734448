"""Whatever a caller calls an image -> the encoded file that travels."""

import io
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from darkroom_client.errors import BadImage

ImageInput = str | os.PathLike[str] | bytes | bytearray | memoryview | Image.Image | npt.NDArray[np.uint8]
"""A path; an encoded file as bytes; a PIL image; or uint8 pixels [h, w] (grey), [h, w, 3] (RGB), [h, w, 4] (RGBA)."""

MAX_BYTES = 2**31 - 2**20
"""Largest picture that fits a gRPC message with its options, bytes. Servers take less (256 MiB), and say so."""

# PNG is lossless at every level; level 1 costs a fraction of the default's time for a few per cent of size.
_PNG_LEVEL = 1


def encoded(image: ImageInput) -> bytes:
    """Return the bytes of an encoded picture.

    Files and bytes travel as they are, so that the server sees the original's EXIF orientation and ICC profile. PIL
    images and arrays become PNG without loss; a PIL image's profile and orientation travel along.
    Raises BadImage with a sentence for anything else, and for what does not exist, is empty or is too large.
    """
    if isinstance(image, str | os.PathLike):
        data = _from_file(Path(image))
    elif isinstance(image, bytes | bytearray | memoryview):
        data = bytes(image)
    elif isinstance(image, Image.Image):
        data = _from_pil(image)
    elif isinstance(image, np.ndarray):
        data = _from_array(image)
    else:
        raise BadImage(
            "An image must be a path, bytes, a PIL image or a uint8 numpy array, "
            f"but this is {type(image).__module__}.{type(image).__qualname__}."
        )
    if not data:
        raise BadImage("The image is empty: it has 0 bytes.")
    if len(data) > MAX_BYTES:
        raise BadImage(f"The image has {len(data):,} bytes; at most {MAX_BYTES:,} can travel in one request.")
    return data


def _from_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BadImage(f"There is no file {str(path)!r}.") from None
    except IsADirectoryError:
        raise BadImage(f"{str(path)!r} is a folder, not an image.") from None
    except OSError as error:
        raise BadImage(f"{str(path)!r} cannot be read: {error.strerror or error}.") from None


def _from_pil(image: Image.Image) -> bytes:
    if 0 in image.size:
        raise BadImage(f"The PIL image has no pixels: its size is {image.width} x {image.height}.")
    keep = {"icc_profile": image.info.get("icc_profile"), "exif": image.getexif().tobytes()}
    # PNG has no CMYK, YCbCr, LAB or HSV; TIFF keeps the first three exactly as they are.
    kind = "tiff" if image.mode in ("CMYK", "YCbCr", "LAB") else "png"
    if kind == "tiff":
        keep.pop("exif")
    buffer = io.BytesIO()
    try:
        image.save(buffer, kind, compress_level=_PNG_LEVEL, **{k: v for k, v in keep.items() if v})
    except OSError as error:
        raise BadImage(f"A PIL image of mode {image.mode!r} cannot be sent ({error}); convert it to RGB.") from None
    return buffer.getvalue()


def _from_array(pixels: npt.NDArray[np.uint8]) -> bytes:
    shape_fits = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not shape_fits or pixels.size == 0:
        raise BadImage(
            "An array must be uint8 of shape [h, w], [h, w, 3] or [h, w, 4], "
            f"but this is {pixels.dtype} of shape {list(pixels.shape)}."
        )
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png", compress_level=_PNG_LEVEL)
    return buffer.getvalue()
