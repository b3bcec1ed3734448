"""What every peer serves: the same networks, tiles, codecs and device as Darkroom, without its engine.

It runs in the peers' own environments, which have what darkroom needs of onnxruntime, numpy and codecs, and no Triton.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path

from darkroom.canvas import WholeCanvas
from darkroom.codec import Image, decode, encode
from darkroom.engine.lock import DeviceLock
from darkroom.network import Unit
from darkroom.pipelines.denoise import sigma_input
from darkroom.pipelines.tiled import tiling_of, with_pixels
from darkroom.runtime import runtime_dir
from darkroom.tiling import Grid, Pixels
from darkroom.version import ModelVersion

NETWORKS = {"super_resolution": "span_x4", "denoise": "ffdnet_color"}
SIGMA = 25.0
"""Grey levels: what every denoising request asks for."""
CPU_BATCH = 8
"""Tiles in one run on the CPU, which gains nothing from more and would only keep others waiting."""
MAX_REQUESTS = 32
"""Requests that a framework may put into one batch."""

Shape = tuple[int, int]


@dataclass
class Opened:
    """A decoded picture, its tiles, and the picture that grows out of them."""

    image: Image
    grid: Grid
    canvas: WholeCanvas
    left: int
    """Tiles still to come."""


@dataclass(frozen=True)
class Settings:
    """How a peer is to be run, from its environment."""

    port: int
    task: str
    deadline_s: float
    """Seconds after which an answer is worth nothing; for those that can shed what waited longer."""
    queue: int
    """Requests that may be in the house, for those that can refuse."""

    @classmethod
    def from_environment(cls) -> "Settings":
        env = os.environ
        return cls(
            int(env["PEER_PORT"]), env["PEER_TASK"], float(env["PEER_DEADLINE_S"]), max(1, int(env["PEER_QUEUE"]))
        )


@dataclass
class Restorer:
    """One resident network on one device. Thread-safe; processes take turns on the device as Darkroom's do."""

    task: str
    version: ModelVersion = field(init=False)

    def __post_init__(self) -> None:
        """Load the version. Raises ConfigError."""
        path = Path("model_repository") / self.task / "1"
        self.version = ModelVersion.load(path, self.task, "1", gpu=False)
        self.network = self.version.networks[NETWORKS[self.task]]
        self.max_batch = self.version.config.engine.max_batch if self.version.simulated else CPU_BATCH
        self.extra: Unit = (sigma_input(SIGMA),) if self.task == "denoise" else ()
        self._tiling = tiling_of(self.version, self.network)
        self._device = DeviceLock(runtime_dir())
        self._counting = threading.Lock()

    def shapes(self) -> list[Shape]:
        """Every shape that a tile may have, (height, width)."""
        return [(height, width) for height in self._tiling.heights for width in self._tiling.widths]

    def open(self, data: bytes) -> Opened:
        """Decode one file. Raises BadImageError."""
        image = decode(data, self.version.config.limits)
        height, width, _ = image.pixels.shape
        grid = Grid(height, width, self._tiling)
        return Opened(image, grid, WholeCanvas(grid, self.network.scale), len(grid))

    def run(self, tiles: Sequence[Pixels]) -> list[Pixels]:
        """Equally shaped tiles through the network: one batch."""
        with self._device.hold():
            outputs = self.network.run([(tile, *self.extra) for tile in tiles])
        return [output[0] for output in outputs]

    def close(self, opened: Opened) -> bytes:
        """Encode the finished picture in its own format."""
        return encode(with_pixels(opened.image, opened.canvas.pixels, None), "same", None)

    def restore_all(self, files: Sequence[bytes], pool: Executor) -> list[bytes]:
        """One batch of requests: decoded side by side, their tiles in common batches by shape, each encoded as soon as
        its last tile is there."""
        opened = list(pool.map(self.open, files))
        waiting: dict[Shape, list[tuple[int, int, Pixels]]] = {}
        for i, picture in enumerate(opened):
            for tile, pixels in zip(picture.grid.tiles, picture.grid.cut(picture.image.pixels), strict=True):
                waiting.setdefault((tile.rows.size, tile.columns.size), []).append((i, tile.index, pixels))
        answers: dict[int, Future[bytes]] = {}
        placing: list[Future[None]] = []
        for calls in waiting.values():
            for start in range(0, len(calls), self.max_batch):
                batch = calls[start : start + self.max_batch]
                outputs = self.run([pixels for _, _, pixels in batch])
                placing.append(pool.submit(self._place, opened, batch, outputs, pool.submit, answers))
        for done in placing:
            done.result()
        return [answers[i].result() for i in range(len(files))]

    def _place(
        self,
        opened: Sequence[Opened],
        batch: Sequence[tuple[int, int, Pixels]],
        outputs: Sequence[Pixels],
        submit: Callable[[Callable[[Opened], bytes], Opened], "Future[bytes]"],
        answers: "dict[int, Future[bytes]]",
    ) -> None:
        for (i, index, _), output in zip(batch, outputs, strict=True):
            picture = opened[i]
            picture.canvas.place(picture.grid.tiles[index], output)
            with self._counting:
                picture.left -= 1
                finished = not picture.left
            if finished:
                answers[i] = submit(self.close, picture)
