"""AVIF and HEIC. libheif (pi_heif) reads the containers of both and decodes HEIC, libvips decodes AVIF with more than
8 bits, which Pillow does not; Pillow composes AVIF sequences."""

import io
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pi_heif
from PIL import AvifImagePlugin

from darkroom.codec import colour
from darkroom.codec.image import Depth, InputFormat, Metadata, Samples
from darkroom.codec.raw import (
    ArrayRows,
    Choice,
    MappedRows,
    RawHeader,
    RawImage,
    Rows,
    check_composing,
    choose_frame,
    most_of,
)
from darkroom.codec.vips import VipsRows
from darkroom.errors import BadImageError

pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
pi_heif.options.DECODE_THREADS = 1

_MAX_BOXES = 1000
_MAX_IMAGES = 1000
_MONOCHROME = 400
_NAMES: dict[InputFormat, str] = {"avif": "AVIF", "heic": "HEIC"}


def parse_avif(data: bytes, choice: Choice) -> RawHeader:
    """Raises BadImageError for sequences without a chosen frame, and for HDR."""
    return _parse("avif", data, choice)


def parse_heic(data: bytes, choice: Choice) -> RawHeader:
    """Raises BadImageError for sequences, of which no library at hand gives single frames, and for HDR."""
    return _parse("heic", data, choice)


def load_avif(data: bytes, header: RawHeader, choice: Choice) -> RawImage:
    if b"moov" in _boxes(data):
        return _frame(data, header)
    image = _image(data, header)
    return _described(image, VipsRows("heif", data, page=header.frame, fail_on="error"), header)


def load_heic(data: bytes, header: RawHeader, choice: Choice) -> RawImage:
    image = _image(data, header)
    channels = len(image.mode.split(";")[0])
    flat = np.frombuffer(image.data, np.uint16 if image.mode.endswith(";16") else np.uint8)
    # the library frees the samples with its image, views or not
    return _described(image, ArrayRows(flat.reshape(*image.size[::-1], channels).copy()), header)


def _parse(name: InputFormat, data: bytes, choice: Choice) -> RawHeader:
    shown = _NAMES[name]
    if b"moov" in _boxes(data):
        if name == "heic":
            raise BadImageError("The HEIC image is a sequence; only single pictures are accepted: export one of them.")
        return _parse_sequence(data, choice)
    images = _opened(shown, data)
    frame = images.primary_index if choice.frame is None else choose_frame(shown, len(images), choice, "pictures")
    image = images[frame]
    nclx = image.info.get("nclx_profile")
    if nclx:
        colour.of_cicp(shown, nclx["color_primaries"], nclx["transfer_characteristics"])
    mode, bits = image.mode.upper().split(";")[0], image.info["bit_depth"]
    grey = mode[0] in ("L", "I") or image.info.get("chroma") == _MONOCHROME
    width, height = image.size
    depth: Depth = 16 if bits > 8 else 8
    return RawHeader(name, width, height, grey, mode[-1] == "A", depth, 1, frame, len(images))


def _image(data: bytes, header: RawHeader) -> Any:
    return _opened(_NAMES[header.format], data)[header.frame]


def _opened(name: str, data: bytes) -> Any:
    try:
        images = pi_heif.open_heif(data, convert_hdr_to_8bit=False)
    except Exception as error:
        raise BadImageError(f"The {name} image is truncated or damaged: its header cannot be read.") from error
    if not 0 < len(images) <= _MAX_IMAGES:
        raise BadImageError(f"The {name} image is damaged: it holds {len(images)} pictures.")
    return images


def _described(image: Any, rows: Rows, header: RawHeader) -> RawImage:
    """The libraries apply rotations and mirrors of the container, which makes EXIF's orientation void."""
    nclx, bits = image.info.get("nclx_profile"), image.info["bit_depth"]
    coding = colour.Coding(image.info.get("icc_profile"))
    if nclx:
        coding = colour.of_cicp("", nclx["color_primaries"], nclx["transfer_characteristics"])
    premultiplied = image.premultiplied_alpha

    def change(band: Samples) -> Samples:
        if header.grey and band.shape[2] > 2:
            band = band[..., [0, 3] if header.alpha else [0]]
        if band.dtype == np.uint16:  # libraries shift the bits up: replicate them
            band = ((band >> (16 - bits)).astype(np.uint32) * 65535 // ((1 << bits) - 1)).astype(np.uint16)
        if premultiplied:
            band = _straight(band)
        return band if coding.transfer is None else coding.to_srgb(band)

    exif = image.info.get("exif")
    return RawImage(MappedRows(rows, change), coding.icc, Metadata(exif, image.info.get("xmp")))


def _straight(band: Samples) -> Samples:
    """Colours divided by alpha."""
    most, alpha = most_of(band), np.maximum(band[..., -1:], 1).astype(np.uint64)
    colours = np.minimum((band[..., :-1] * np.uint64(most) + alpha // 2) // alpha, most).astype(band.dtype)
    straight: Samples = np.concatenate((colours, band[..., -1:]), axis=2)
    return straight


def _parse_sequence(data: bytes, choice: Choice) -> RawHeader:
    with AvifImagePlugin.AvifImageFile(io.BytesIO(data)) as picture:
        frames, (width, height) = picture.n_frames, picture.size
        alpha = picture.mode == "RGBA"
        turn = picture.getexif().get(0x0112, 1)
    frame = choose_frame("AVIF", frames, choice)
    check_composing("AVIF", frame, width, height)
    return RawHeader("avif", width, height, False, alpha, 8, turn, frame, frames)


def _frame(data: bytes, header: RawHeader) -> RawImage:
    with AvifImagePlugin.AvifImageFile(io.BytesIO(data)) as picture:
        picture.seek(header.frame)
        pixels: Samples = np.asarray(picture.convert("RGBA" if header.alpha else "RGB"))
        metadata = Metadata(picture.info.get("exif"), picture.info.get("xmp"))
        return RawImage(ArrayRows(pixels), picture.info.get("icc_profile"), metadata)


def _boxes(data: bytes) -> list[bytes]:
    """Types of the outermost boxes (ISO/IEC 14496-12, 4.2)."""
    return [name for name, _, _ in boxes(data)]


def boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of the body of the outermost boxes, as far as they go."""
    at = 0
    for _ in range(_MAX_BOXES):
        if at + 8 > len(data):
            return
        size, name = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1 and at + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        end = len(data) if size == 0 else at + size
        if end < start:
            return
        yield name, start, min(end, len(data))
        at = end
