"""Pictures to encoded files, with the parts that libraries do not write."""

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pillow_jxl
import tifffile
from numpy.typing import NDArray

from perf.hostile.parts import PNG_SIGNATURE, jpeg_segment, png_chunk

Array = NDArray[Any]
Chunk = tuple[bytes, bytes]
FIXTURES = Path(__file__).parent / "fixtures"
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""First row, first column, rows apart, columns apart of each pass."""


def fixture(name: str) -> bytes:
    """A stored file: what no encoder of the environment writes (see fixtures/README.md)."""
    return (FIXTURES / name).read_bytes()


def image(picture: Array | PIL.Image.Image) -> PIL.Image.Image:
    return picture if isinstance(picture, PIL.Image.Image) else PIL.Image.fromarray(picture)


def saved(picture: Array | PIL.Image.Image, kind: str, **options: Any) -> bytes:
    """The file that Pillow writes."""
    out = io.BytesIO()
    quick = {"AVIF": {"speed": 9}, "JXL": {"effort": 3}}.get(kind, {})
    image(picture).save(out, kind, **{**quick, **options})
    return out.getvalue()


def jxl_of_jpeg(data: bytes) -> bytes:
    """A JPEG XL that holds a JPEG's coefficients, profile, EXIF and orientation."""
    with PIL.Image.open(io.BytesIO(data)) as picture:
        width, height = picture.size
    make: Any = pillow_jxl.Encoder  # its stub knows fewer arguments
    encoder = make(
        mode="RGB",
        lossless=True,
        quality=100,
        decoding_speed=0,
        effort=3,
        use_container=True,
        use_original_profile=True,
        num_threads=1,
    )
    made: bytes = encoder(data, width, height, jpeg_encode=True)
    return made


def opened(data: bytes, mode: str = "RGB") -> Array:
    """What Pillow decodes."""
    with PIL.Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert(mode))


def tiff(picture: Array, **options: Any) -> bytes:
    """The file that tifffile writes."""
    out = io.BytesIO()
    options.setdefault("photometric", "rgb" if picture.ndim == 3 else "minisblack")
    tifffile.imwrite(out, picture, metadata=None, **options)
    return out.getvalue()


def png(
    samples: Array, bits: int, colour_type: int, *, interlaced: bool = False, chunks: Sequence[Chunk] = ()
) -> bytes:
    """A PNG of samples [h, w] or [h, w, c], each below 2 ** bits, with `chunks` before the pixels."""
    height, width = samples.shape[:2]
    samples = samples.reshape(height, width, -1)
    passes = [samples[y::dy, x::dx] for y, x, dy, dx in _ADAM7] if interlaced else [samples]
    rows = b"".join(_png_rows(part, bits) for part in passes if part.size)
    head = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, int(interlaced))
    body = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return PNG_SIGNATURE + b"".join(png_chunk(*chunk) for chunk in body)


def _png_rows(samples: Array, bits: int) -> bytes:
    height = len(samples)
    flat = samples.reshape(height, -1)
    if bits == 16:
        packed = flat.astype(">u2").view(np.uint8)
    elif bits == 8:
        packed = flat.astype(np.uint8)
    else:
        planes = np.unpackbits(flat.astype(np.uint8)[..., None], axis=2)[..., 8 - bits :]
        packed = np.packbits(planes.reshape(height, -1), axis=1)
    return np.pad(packed, ((0, 0), (1, 0))).tobytes()


def with_chunks(data: bytes, *chunks: Chunk) -> bytes:
    """A PNG with `chunks` put behind its header."""
    return data[:33] + b"".join(png_chunk(*chunk) for chunk in chunks) + data[33:]


def with_segment(data: bytes, marker: int, body: bytes) -> bytes:
    """A JPEG with a segment put first."""
    return data[:2] + jpeg_segment(bytes((0xFF, marker)), body) + data[2:]


def exif(orientation: int = 1, **tags: Any) -> PIL.Image.Exif:
    """EXIF with an orientation, and tags named like `t315`."""
    made = PIL.Image.Exif()
    made[0x0112] = orientation
    for name, value in tags.items():
        made[int(name[1:])] = value
    return made


def turned(orientation: int, upright: Array) -> Array:
    """The pixels to store so that the EXIF `orientation` shows `upright`."""
    stored: dict[int, Callable[[Array], Array]] = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: np.swapaxes(a, 0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.swapaxes(a[::-1, ::-1], 0, 1),
        8: lambda a: np.rot90(a, -1),
    }
    return np.ascontiguousarray(stored[orientation](upright))
