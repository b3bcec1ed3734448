"""The memory that writing a large answer takes, and the time.

    python -m perf.codec_memory [FORMAT MEGAPIXELS BITS]

Every row is measured in a process of its own: the most resident bytes while bands of rows are written and the file is
finished, beyond those before, and the bytes of the file, which are among them. The same band of a photograph is
written again and again, so that the source takes next to none.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import skimage.data

from darkroom import codec
from perf import harness

ROWS = 256
"""Of a band, as the tiled tasks write them."""
CASES: tuple[tuple[codec.EncodedFormat, int, codec.Depth], ...] = (
    ("png", 200, 8),
    ("png", 200, 16),
    ("jpeg", 200, 8),
    ("tiff", 200, 8),
    ("tiff", 200, 16),
    ("webp", 48, 8),
    ("avif", 48, 8),
)
"""Format, megapixels, bits."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*", help="measure one case in this process and print it as JSON")
    case = parser.parse_args().case
    if case:
        print(json.dumps(measured(case[0], int(case[1]), 16 if case[2] == "16" else 8)))
    else:
        harness.report("codec_memory", list(tables()))


def tables() -> Iterator[dict[str, Any]]:
    """The row of every case."""
    for case in CASES:
        command = [sys.executable, "-m", "perf.codec_memory", *map(str, case)]
        row: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        yield row


def measured(name: codec.EncodedFormat, megapixels: int, bits: codec.Depth) -> dict[str, Any]:
    """One row, of a picture of 4 to 3."""
    width, height = round(math.sqrt(megapixels * 1e6 * 4 / 3)), round(math.sqrt(megapixels * 1e6 * 3 / 4))
    samples = photograph(width, bits)
    write(name, samples, width, ROWS, bits)  # libraries and tables are loaded before memory is counted
    before = restart_peak()
    began = time.perf_counter()
    data = write(name, samples, width, height, bits)
    took = time.perf_counter() - began
    added = peak() - before
    return {
        "format": f"{name}, {bits} bits",
        "picture": f"{width} x {height}",
        "s": round(took, 1),
        "file, MB": round(len(data) / 1e6),
        "memory, MB": round(added / 1e6),
        "beyond the file, MB": round((added - len(data)) / 1e6),
    }


def photograph(width: int, bits: codec.Depth) -> codec.Samples:
    """A band of a photograph, as noisy as a camera's."""
    light = cv2.resize(skimage.data.astronaut()[:ROWS].astype(np.float32), (width, ROWS), interpolation=cv2.INTER_CUBIC)
    light += np.random.default_rng(0).normal(0, 2, light.shape).astype(np.float32)
    band: codec.Samples = np.clip(light, 0, 255).astype(np.uint8)
    return band if bits == 8 else np.clip(light * 257, 0, 65535).astype(np.uint16)


def write(name: codec.EncodedFormat, band: codec.Samples, width: int, height: int, bits: codec.Depth) -> bytes:
    writer = codec.open_writer(codec.Description("png"), width, height, output_format=name, bits=bits)
    for top in range(0, height, ROWS):
        writer.write(band[: min(ROWS, height - top)], None)
    return writer.finish()


def restart_peak() -> int:
    """Resident bytes now; Linux forgets this process's earlier peak."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    """Most resident bytes since the last restart."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
