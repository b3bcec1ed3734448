"""Tiles against the whole: largest difference, in grey levels, between a picture put together from tiles and the same
network run once over the same mirrored picture. No server: the tiling of pipeline.json, the real networks.
"""

import argparse
from pathlib import Path

import numpy as np
import PIL.Image
import skimage.data

from darkroom.canvas import WholeCanvas
from darkroom.config import TilingConfig, load_networks, load_pipeline
from darkroom.network import Runner, Unit
from darkroom.runners import open_runner
from darkroom.tiling import Grid, Pixels
from perf.harness import report

REPOSITORY = Path("model_repository")
SIZES = {"realesrgan_x4plus": (120, 100)}
"""(height, width) of the photo for networks too slow for the usual one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="*", default=["span_x2", "span_x4", "ffdnet_color", "realesrgan_x4plus"])
    wanted = parser.parse_args().networks
    rows = []
    for task in ("super_resolution", "denoise"):
        version = REPOSITORY / task / "1"
        config = load_pipeline(version, cpu=True)
        for name, record in load_networks(version).items():
            tiling = config.networks[name].tiling if name in config.networks else None
            if name not in wanted or tiling is None:
                continue
            runner = open_runner(version / record.file, record, config, gpu=False)
            extra = (np.array([25], np.float32),) if task == "denoise" else ()
            height, width = SIZES.get(name, (420, 500))
            differences = compare(_photo(height, width), tiling, runner, record.scale, extra)
            rows.append(
                {
                    "network": name,
                    "photo": f"{width}x{height}",
                    "tiles": len(Grid(height, width, tiling).tiles),
                    "max": int(differences.max()),
                    "p99.9": float(np.percentile(differences, 99.9)),
                    "wanted": "told" if name == "realesrgan_x4plus" else "max <= 1",
                }
            )
    report("seams", rows)


def compare(pixels: Pixels, tiling: TilingConfig, runner: Runner, scale: int, extra: Unit) -> Pixels:
    """Absolute differences, uint8 [h * scale, w * scale, 3]."""
    height, width, _ = pixels.shape
    grid = Grid(height, width, tiling)
    canvas = WholeCanvas(grid, scale)
    for tile, cut in zip(grid.tiles, grid.cut(pixels), strict=True):
        canvas.place(tile, runner.run((cut[None], *extra))[0][0])
    top, left = grid.rows.before, grid.columns.before
    bottom, right = grid.rows.padded - top - height, grid.columns.padded - left - width
    padded = np.pad(pixels, ((top, bottom), (left, right), (0, 0)), mode="symmetric")
    whole = runner.run((padded[None], *extra))[0][0]
    whole = whole[top * scale : (top + height) * scale, left * scale : (left + width) * scale]
    differences: Pixels = np.abs(canvas.pixels.astype(np.int16) - whole).astype(np.uint8)
    return differences


def _photo(height: int, width: int) -> Pixels:
    picture = PIL.Image.fromarray(skimage.data.astronaut()).crop((0, 0, 512, 430))
    return np.asarray(picture.resize((width, height), PIL.Image.Resampling.BICUBIC))


if __name__ == "__main__":
    main()
