"""What decoding costs: the codec beside the libraries, on a photograph enlarged to 24 megapixels, in every format.

    python -m perf.reading [--repeat 3] [--small]

Processor milliseconds per megapixel of the whole process (fastest of the repeats), and the most memory that is added;
the decoded picture takes 69 MiB of it where it is held. The codec reads bands of 64 rows and lets go of them.
`--small`: 512 x 512 pixels instead, in milliseconds a picture.
"""

import argparse
import ctypes
import gc
import io
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import pi_heif
import pillow_jxl  # noqa: F401 (Pillow reads and writes JPEG XL with it)
import pyvips
import simplejpeg
import skimage.data
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow

from darkroom import codec
from darkroom.config import Limits
from perf import harness

Candidate: TypeAlias = tuple[str, Callable[[], object]]
LIMITS = Limits()
LARGE = 6000, 4000
BAND_ROWS = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, of which the fastest counts (default 3)")
    parser.add_argument("--small", action="store_true", help="512 x 512 pixels, in milliseconds a picture")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    photo: NDArray[np.uint8] = skimage.data.astronaut()
    if not arguments.small:
        photo = cv2.resize(photo, LARGE, interpolation=cv2.INTER_CUBIC)
    megapixels = photo.shape[0] * photo.shape[1] / 1e6
    rows = []
    for name, data in files(photo):
        for reader, run in candidates(name, data):
            row = measured(name, reader, run, arguments.repeat)
            rows.append(row if arguments.small else {**row, "ms/MP": row["ms"] / megapixels})
    harness.report("reading", rows)


def files(photo: NDArray[np.uint8]) -> Iterator[tuple[str, bytes]]:
    """Every format that a library at hand writes."""
    deep = photo.astype(np.uint16) * 257
    yield "jpeg", pillow(photo, "JPEG", quality=90)
    yield "jpeg progressive", pillow(photo, "JPEG", quality=90, progressive=True)
    yield "png", pillow(photo, "PNG", compress_level=1)
    yield "png 16", cv2.imencode(".png", deep, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
    yield "tiff", pillow(photo, "TIFF")
    yield "tiff lzw", pillow(photo, "TIFF", compression="tiff_lzw")
    out = io.BytesIO()
    tifffile.imwrite(out, deep, photometric="rgb", compression="zlib", predictor=True, metadata=None)
    yield "tiff 16 deflate", out.getvalue()
    yield "bmp", pillow(photo, "BMP")
    yield "webp", pillow(photo, "WEBP", quality=90, method=0)
    yield "gif", pillow(photo, "GIF")
    yield "avif", pillow(photo, "AVIF", quality=80, speed=10)
    yield "jxl", pillow(photo, "JXL", effort=1)


def candidates(name: str, data: bytes) -> Iterator[Candidate]:
    """Who reads the format."""
    yield "darkroom", partial(in_bands, data)
    kind = name.split()[0]
    loader = {"avif": "heif"}.get(kind, kind)
    if kind not in ("bmp", "jxl"):
        yield "libvips, bands", partial(in_vips_bands, loader, data)
    if kind == "jpeg":
        yield "simplejpeg", partial(simplejpeg.decode_jpeg, data)
    if name not in ("png 16", "tiff 16 deflate"):
        yield "Pillow", partial(from_pillow, data)
    if kind not in ("jxl", "gif", "avif"):
        yield "OpenCV", partial(cv2.imdecode, np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if kind == "tiff" and name != "tiff lzw":
        yield "tifffile", lambda: tifffile.imread(io.BytesIO(data))
    if kind == "avif":
        yield "pi_heif, header", lambda: pi_heif.open_heif(data).size


def in_bands(data: bytes) -> None:
    with codec.open_reader(data, LIMITS) as reader:
        while len(reader.read(BAND_ROWS)[0]):
            pass


def in_vips_bands(loader: str, data: bytes) -> None:
    source = pyvips.Source.new_from_memory(data)
    image = getattr(pyvips.Image, f"{loader}load_source")(source, access="sequential")
    for top in range(0, image.height, BAND_ROWS):
        pyvips.Region.new(image).fetch(0, top, image.width, min(BAND_ROWS, image.height - top))


def from_pillow(data: bytes) -> NDArray[Any]:
    return np.asarray(Pillow.open(io.BytesIO(data)).convert("RGB"))


def pillow(pixels: NDArray[Any], kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def measured(name: str, reader: str, run: Callable[[], object], repeat: int) -> dict[str, Any]:
    """One row: the fastest of the repeats, and the memory of the first."""
    fastest, added = float("inf"), 0
    for turn in range(repeat):
        if not turn:
            gc.collect()
            ctypes.CDLL(None).malloc_trim(0)
            Path("/proc/self/clear_refs").write_text("5")
            before = _peak()
        began = time.process_time()
        run()
        fastest = min(fastest, time.process_time() - began)
        if not turn:
            added = _peak() - before
    return {"file": name, "with": reader, "ms": fastest * 1e3, "MiB": added >> 20}


def _peak() -> int:
    """Most resident bytes since Linux was last told to forget."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
