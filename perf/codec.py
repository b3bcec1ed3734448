"""What encoding and decoding cost: the codec beside Pillow, OpenCV and simplejpeg, on a photograph and its enlargement.

    python -m perf.codec [--photo FILE] [--repeat 5] [--large]

Processor milliseconds per megapixel (fastest of the repeats; all candidates work in the calling thread, so that other
load on the machine disturbs little), bytes per pixel, and PSNR against the source in dB.
`--large` adds the answer to an x4 of 2000 x 1500: 8000 x 6000 pixels, with the memory it takes.
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
import simplejpeg
import skimage.data
from numpy.typing import NDArray
from PIL import Image as Pillow

from darkroom import codec
from darkroom.config import Limits
from perf import harness

Pixels: TypeAlias = NDArray[np.uint8]
Candidate: TypeAlias = tuple[str, Callable[[], bytes | Pixels]]
LIMITS = Limits(max_pixels=200_000_000, max_bytes=2**30)
ENLARGED = 2048, 2048
LARGE = 8000, 6000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, help="measure on this picture instead of scikit-image's astronaut")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each, of which the fastest counts (default 5)")
    parser.add_argument("--large", action="store_true", help=f"also encode {LARGE[0]} x {LARGE[1]} pixels")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.photo is None:
        photo: Pixels = skimage.data.astronaut()
    else:
        photo = codec.decode(arguments.photo.read_bytes(), LIMITS).pixels
    rows = [
        measured(work, name, run, pixels, arguments.repeat)
        for pixels in (photo, resized(photo, ENLARGED))
        for work, candidates in (("encode", encoders(pixels)), ("decode", decoders(pixels)))
        for name, run in candidates
    ]
    large = large_answers(resized(photo, LARGE)) if arguments.large else []
    harness.report("codec", rows, large=large)
    if large:
        print(f"\n{LARGE[0]} x {LARGE[1]}, {LARGE[0] * LARGE[1] * 3 / 1e6:.0f} MB of pixels:\n\n{harness.table(large)}")


def encoders(pixels: Pixels) -> Iterator[Candidate]:
    image = as_image(pixels)
    yield "png darkroom", partial(codec.encode, image, "png", None)
    for level in (0, 1, 2, 3, 6):
        yield f"png Pillow level {level}", partial(pillow, pixels, "PNG", compress_level=level)
    for name, strategy in (("Huffman only", zlib.Z_HUFFMAN_ONLY), ("run lengths", zlib.Z_RLE)):
        yield f"png Pillow level 1, {name}", partial(pillow, pixels, "PNG", compress_level=1, compress_type=strategy)
    for level in (1, 3):
        yield f"png OpenCV level {level}", partial(opencv, pixels, ".png", cv2.IMWRITE_PNG_COMPRESSION, level)
    yield "jpeg 95 darkroom (4:4:4)", partial(codec.encode, image, "jpeg", 95)
    yield "jpeg 95 simplejpeg 4:4:4", partial(simplejpeg.encode_jpeg, pixels, 95, "RGB", "444")
    yield "jpeg 95 Pillow 4:4:4", partial(pillow, pixels, "JPEG", quality=95, subsampling=0)
    yield "jpeg 95 Pillow 4:2:0", partial(pillow, pixels, "JPEG", quality=95, subsampling=2)
    full = cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    yield "jpeg 95 OpenCV 4:4:4", partial(opencv, pixels, ".jpg", cv2.IMWRITE_JPEG_QUALITY, 95, *full)
    yield "jpeg 95 OpenCV 4:2:0", partial(opencv, pixels, ".jpg", cv2.IMWRITE_JPEG_QUALITY, 95)
    yield "jpeg 85 darkroom (4:2:0)", partial(codec.encode, image, "jpeg", 85)
    yield "jpeg 85 Pillow 4:2:0", partial(pillow, pixels, "JPEG", quality=85, subsampling=2)
    yield "jpeg 85 OpenCV 4:2:0", partial(opencv, pixels, ".jpg", cv2.IMWRITE_JPEG_QUALITY, 85)
    yield "webp 90 darkroom", partial(codec.encode, image, "webp", 90)
    for effort in (0, 2, 4):
        yield f"webp 90 Pillow method {effort}", partial(pillow, pixels, "WEBP", quality=90, method=effort)
    yield "webp 90 OpenCV", partial(opencv, pixels, ".webp", cv2.IMWRITE_WEBP_QUALITY, 90)


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


def measured(work: str, name: str, run: Callable[[], bytes | Pixels], pixels: Pixels, repeat: int) -> dict[str, Any]:
    """One row: the fastest of `repeat` runs."""
    fastest = float("inf")
    for _ in range(repeat):
        began = time.thread_time()
        result = run()
        fastest = min(fastest, time.thread_time() - began)
    height, width = pixels.shape[:2]
    encoded = isinstance(result, bytes)
    return {
        "picture": f"{width} x {height}",
        "work": work,
        "with": name,
        "ms/MP": fastest * 1e9 / (width * height),
        "B/px": len(result) / (width * height) if encoded else "",
        "PSNR dB": psnr(from_opencv(result) if isinstance(result, bytes) else result, pixels),
    }


def large_answers(pixels: Pixels) -> list[dict[str, Any]]:
    """Every output format once, as a server meets it: nothing repeated."""
    image = as_image(pixels)
    formats: tuple[codec.OutputFormat, ...] = ("png", "jpeg", "webp")
    rows = []
    for name in formats:
        before = restart_peak()
        began = time.perf_counter()
        data = codec.encode(image, name, None)
        took = time.perf_counter() - began
        rows.append({"encode": name, "s": took, "MB": len(data) / 1e6, "extra memory, MB": (peak() - before) / 1e6})
    return rows


def restart_peak() -> int:
    """Resident bytes now; Linux forgets this process's earlier peak."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    """Most resident bytes since the last restart."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def as_image(pixels: Pixels) -> codec.Image:
    return codec.Image(pixels=pixels, alpha=None, grey=False, icc=None, format="png")


def resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    return np.asarray(Pillow.fromarray(pixels).resize(size, Pillow.Resampling.BICUBIC))


def pillow(pixels: Pixels, name: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, name, **options)
    return out.getvalue()


def opencv(pixels: Pixels, suffix: str, *settings: int) -> bytes:
    """OpenCV wants BGR: the change is part of the cost."""
    data: bytes = cv2.imencode(suffix, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), list(settings))[1].tobytes()
    return data


def from_darkroom(data: bytes) -> Pixels:
    return codec.decode(data, LIMITS).pixels


def from_pillow(data: bytes) -> Pixels:
    return np.asarray(Pillow.open(io.BytesIO(data)).convert("RGB"))


def from_opencv(data: bytes) -> Pixels:
    picture: Pixels = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return picture


def psnr(one: Pixels, other: Pixels) -> float | str:
    error = float(np.mean((one.astype(np.float32) - other) ** 2))
    return "exact" if error == 0 else round(10 * float(np.log10(255**2 / error)), 1)


if __name__ == "__main__":
    main()
