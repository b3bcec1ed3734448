"""A task's recipe without a server: the same network, tiles and codecs, called in this process.

Both the ceiling that a server can reach at most, and what the services of perf/baselines are built of.
"""

from pathlib import Path

import numpy as np

from darkroom import codec
from darkroom.canvas import WholeCanvas
from darkroom.config import Limits, NetworkRecord, TilingConfig, load_networks, load_pipeline
from darkroom.network import Unit
from darkroom.runners import open_runner
from darkroom.tiling import Grid, Pixels

REPOSITORY = Path("model_repository")
NETWORKS = {"super_resolution": "span_x4", "denoise": "ffdnet_color"}
SIGMA = np.array(25.0, np.float32)
"""Standard deviation of the noise, grey levels: what denoise is asked for in measurements."""


class Recipe:
    """One network of one task on the CPU, with the tiling that its pipeline.json has."""

    def __init__(self, task: str = "super_resolution") -> None:
        """Loads the network, in the runtime and the precision that the server would choose."""
        version = REPOSITORY / task / "1"
        name = NETWORKS[task]
        config = load_pipeline(version, cpu=True)
        self.tiling = config.networks[name].tiling or TilingConfig()
        self.record: NetworkRecord = load_networks(version)[name]
        self.runner = open_runner(version / self.record.file, self.record, config, gpu=False)
        self.extra: Unit = (SIGMA,) if task == "denoise" else ()

    def compute(self, pixels: Pixels) -> Pixels:
        """uint8 [h, w, 3] -> uint8 [h * scale, w * scale, 3]; tiles of equal shape as one batch."""
        height, width, _ = pixels.shape
        grid = Grid(height, width, self.tiling)
        canvas = WholeCanvas(grid, self.record.scale)
        tiles = list(grid.cut(pixels))
        by_shape: dict[tuple[int, ...], list[int]] = {}
        for index, tile in enumerate(tiles):
            by_shape.setdefault(tile.shape, []).append(index)
        for indices in by_shape.values():
            batch = np.stack([tiles[i] for i in indices])
            (outputs,) = self.runner.run((batch, *(np.stack([value] * len(indices)) for value in self.extra)))
            for i, output in zip(indices, outputs, strict=True):
                canvas.place(grid.tiles[i], output)
        return canvas.pixels

    def run(self, data: bytes) -> bytes:
        """Encoded file to encoded file of the same format."""
        image = codec.decode(data, Limits())
        image.pixels = self.compute(image.pixels)
        return codec.encode(image, "same", None)
