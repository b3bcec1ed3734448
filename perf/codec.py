"""What encoding and decoding cost: the codec beside Pillow, OpenCV, libvips, tifffile and simplejpeg, on a photograph
and its enlargement.

    python -m perf.codec [--photo FILE] [--repeat 5] [--large]

Processor milliseconds per megapixel (fastest of the repeats; one thread works for each candidate, so that other load on
the machine disturbs little), bytes per pixel, and PSNR against the source in dB.
`--large` adds the memory and time of large answers, written in bands, each in a process of its own: 200 megapixels of
PNG, JPEG and TIFF, and 48 of WebP and AVIF (`python -m perf.codec_memory`).
"""

import argparse
import io
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import pyvips
import simplejpeg
import skimage.data
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow

from darkroom import codec
from darkroom.config import Limits
from perf import codec_memory, harness

Pixels: TypeAlias = NDArray[np.uint8]
Samples: TypeAlias = Pixels | NDArray[np.uint16]
Candidate: TypeAlias = tuple[str, Callable[[], bytes | Pixels]]
_PREDICTOR = 317
_DEFLATE: dict[str, Any] = {"compression": "deflate", "predictor": "horizontal", "level": 1}
LIMITS = Limits(max_pixels=200_000_000, max_bytes=2**30)
ENLARGED = 2048, 2048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, help="measure on this picture instead of scikit-image's astronaut")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each, of which the fastest counts (default 5)")
    parser.add_argument("--large", action="store_true", help="also the memory of large answers, minutes")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)
    if arguments.photo is None:
        photo: Pixels = skimage.data.astronaut()
    else:
        photo = codec.decode(arguments.photo.read_bytes(), LIMITS).pixels
    rows = [
        measured(work, name, run, pixels, arguments.repeat)
        for picture in (photo, resized(photo, ENLARGED))
        for work, pixels, candidates in (
            ("encode", picture, encoders(picture)),
            ("encode, 16 bits", deep(picture), deep_encoders(deep(picture))),
            ("decode", picture, decoders(picture)),
        )
        for name, run in candidates
    ]
    large = list(codec_memory.tables()) if arguments.large else []
    harness.report("codec", rows, large=large)
    if large:
        print(f"\nLarge answers, in bands of {codec_memory.ROWS} rows:\n\n{harness.table(large)}")


def encoders(pixels: Pixels) -> Iterator[Candidate]:
    image = as_image(pixels)
    yield "png darkroom", partial(codec.encode, image, "png", None)
    for level in (0, 1, 2, 3, 6):
        yield f"png Pillow level {level}", partial(pillow, pixels, "PNG", compress_level=level)
    for name, strategy in (("Huffman only", zlib.Z_HUFFMAN_ONLY), ("run lengths", zlib.Z_RLE)):
        yield f"png Pillow level 1, {name}", partial(pillow, pixels, "PNG", compress_level=1, compress_type=strategy)
    for level in (1, 3):
        yield f"png OpenCV level {level}", partial(opencv, pixels, ".png", cv2.IMWRITE_PNG_COMPRESSION, level)
    yield "png libvips level 1, up", partial(libvips, pixels, "png", compression=1, filter="up")
    yield "png libvips level 1, all", partial(libvips, pixels, "png", compression=1, filter="all")
    yield "tiff darkroom", partial(codec.encode, image, "tiff", None)
    yield (
        "tiff libvips level 1",
        partial(libvips, pixels, "tiff", compression="deflate", predictor="horizontal", level=1),
    )
    yield "tiff tifffile level 1", partial(by_tifffile, pixels)
    yield "tiff Pillow", partial(pillow, pixels, "TIFF", compression="tiff_adobe_deflate", tiffinfo={_PREDICTOR: 2})
    yield "jpeg 95 darkroom (4:4:4)", partial(codec.encode, image, "jpeg", 95)
    yield "jpeg 95 simplejpeg 4:4:4", partial(simplejpeg.encode_jpeg, pixels, 95, "RGB", "444")
    yield "jpeg 95 Pillow 4:4:4", partial(pillow, pixels, "JPEG", quality=95, subsampling=0)
    yield "jpeg 95 Pillow 4:2:0", partial(pillow, pixels, "JPEG", quality=95, subsampling=2)
    full = cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    yield "jpeg 95 OpenCV 4:4:4", partial(opencv, pixels, ".jpg", cv2.IMWRITE_JPEG_QUALITY, 95, *full)
    yield "jpeg 95 OpenCV 4:2:0", partial(opencv, pixels, ".jpg", cv2.IMWRITE_JPEG_QUALITY, 95)
    yield "jpeg 95 libvips 4:4:4", partial(libvips, pixels, "jpeg", Q=95, subsample_mode="off")
    yield "jpeg 85 darkroom (4:2:0)", partial(codec.encode, image, "jpeg", 85)
    yield "jpeg 85 Pillow 4:2:0", partial(pillow, pixels, "JPEG", quality=85, subsampling=2)
    yield "jpeg 85 OpenCV 4:2:0", partial(opencv, pixels, ".jpg", cv2.IMWRITE_JPEG_QUALITY, 85)
    yield "jpeg 85 libvips 4:2:0", partial(libvips, pixels, "jpeg", Q=85, subsample_mode="on")
    yield "webp 90 darkroom", partial(codec.encode, image, "webp", 90)
    for effort in (0, 2, 4):
        yield f"webp 90 Pillow method {effort}", partial(pillow, pixels, "WEBP", quality=90, method=effort)
    yield "webp 90 OpenCV", partial(opencv, pixels, ".webp", cv2.IMWRITE_WEBP_QUALITY, 90)
    yield "webp 90 libvips effort 2", partial(libvips, pixels, "webp", Q=90, effort=2)
    yield "avif 90 darkroom", partial(codec.encode, image, "avif", None)
    avif = {"quality": 90, "subsampling": "4:4:4", "max_threads": 1}
    for speed in (10, 9, 8, 7, 6):
        yield f"avif 90 Pillow speed {speed}", partial(pillow, pixels, "AVIF", speed=speed, **avif)
    heif = {"Q": 90, "compression": "av1", "subsample_mode": "off"}
    yield "avif 90 libvips effort 0", partial(libvips, pixels, "heif", effort=0, **heif)


def deep_encoders(pixels: Samples) -> Iterator[Candidate]:
    """Of 16-bit samples."""
    yield "png darkroom", partial(by_writer, pixels, "png")
    yield "png OpenCV level 1", partial(opencv, pixels, ".png", cv2.IMWRITE_PNG_COMPRESSION, 1)
    yield "png libvips level 1, up", partial(libvips, pixels, "png", compression=1, filter="up")
    yield "tiff darkroom", partial(by_writer, pixels, "tiff")
    yield (
        "tiff libvips level 1",
        partial(libvips, pixels, "tiff", compression="deflate", predictor="horizontal", level=1),
    )
    yield "tiff tifffile level 1", partial(by_tifffile, pixels)


def decoders(pixels: Pixels) -> Iterator[Candidate]:
    """For files of Pillow's making."""
    files = {
        "png": pillow(pixels, "PNG"),
        "jpeg": pillow(pixels, "JPEG", quality=95, subsampling=0),
        "webp": pillow(pixels, "WEBP", quality=90),
        "tiff": pillow(pixels, "TIFF"),
        "bmp": pillow(pixels, "BMP"),
    }
    for name, data in files.items():
        yield f"{name} darkroom", partial(from_darkroom, data)
        yield f"{name} Pillow", partial(from_pillow, data)
        yield f"{name} OpenCV", partial(from_opencv, data)


def measured(work: str, name: str, run: Callable[[], bytes | Pixels], pixels: Samples, repeat: int) -> dict[str, Any]:
    """One row: the fastest of `repeat` runs."""
    fastest = float("inf")
    for _ in range(repeat):
        began = time.process_time()
        result = run()
        fastest = min(fastest, time.process_time() - began)
    height, width = pixels.shape[:2]
    encoded = isinstance(result, bytes)
    return {
        "picture": f"{width} x {height}",
        "work": work,
        "with": name,
        "ms/MP": fastest * 1e9 / (width * height),
        "B/px": len(result) / (width * height) if encoded else "",
        "PSNR dB": psnr(from_libvips(result) if isinstance(result, bytes) else result, pixels),
    }


def as_image(pixels: Pixels) -> codec.Image:
    return codec.Image(pixels=pixels, alpha=None, grey=False, icc=None, format="png")


def deep(pixels: Pixels) -> NDArray[np.uint16]:
    """The picture with 16 bits, the lower ones noise, as a camera's are."""
    noise = np.random.default_rng(0).integers(-128, 129, pixels.shape)
    return np.clip(pixels.astype(np.int32) * 257 + noise, 0, 65535).astype(np.uint16)


def resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    return np.asarray(Pillow.fromarray(pixels).resize(size, Pillow.Resampling.BICUBIC))


def pillow(pixels: Pixels, name: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, name, **options)
    return out.getvalue()


def opencv(pixels: Samples, suffix: str, *settings: int) -> bytes:
    """OpenCV wants BGR: the change is part of the cost."""
    data: bytes = cv2.imencode(suffix, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), list(settings))[1].tobytes()
    return data


def libvips(pixels: Samples, name: str, **options: Any) -> bytes:
    height, width = pixels.shape[:2]
    kind, space = ("uchar", "srgb") if pixels.dtype == np.uint8 else ("ushort", "rgb16")
    picture = pyvips.Image.new_from_memory(pixels, width, height, 3, kind).copy(interpretation=space)
    data: bytes = getattr(picture, f"{name}save_buffer")(**options)
    return data


def by_tifffile(pixels: Samples) -> bytes:
    out = io.BytesIO()
    settings: dict[str, Any] = {"compression": "adobe_deflate", "predictor": True, "compressionargs": {"level": 1}}
    tifffile.imwrite(out, pixels, photometric="rgb", rowsperstrip=64, **settings)
    return out.getvalue()


def by_writer(pixels: Samples, name: codec.EncodedFormat) -> bytes:
    height, width = pixels.shape[:2]
    writer = codec.open_writer(codec.Description("png"), width, height, output_format=name, bits=16)
    writer.write(pixels, None)
    return writer.finish()


def from_darkroom(data: bytes) -> Pixels:
    return codec.decode(data, LIMITS).pixels


def from_pillow(data: bytes) -> Pixels:
    return np.asarray(Pillow.open(io.BytesIO(data)).convert("RGB"))


def from_opencv(data: bytes) -> Pixels:
    picture: Pixels = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return picture


def from_libvips(data: bytes) -> Samples:
    picture: Samples = pyvips.Image.new_from_buffer(data, "").numpy()
    return picture


def psnr(one: Samples, other: Samples) -> float | str:
    error = float(np.mean((one.astype(np.float32) - other) ** 2))
    return "exact" if error == 0 else round(10 * float(np.log10(255**2 / error)), 1)


if __name__ == "__main__":
    main()
