"""What does the server cost over its network? A 256x256 PNG, x4, through gRPC against the same network called in this
process on the same tiles; both from encoded file to encoded file, on the CPU, the two in turn.
"""

import argparse
import asyncio
import os
import time
from pathlib import Path

import numpy as np

from darkroom import codec
from darkroom.config import Limits, load_networks, load_pipeline
from darkroom.network import OnnxRunner
from darkroom.tiling import Canvas, Grid
from perf.harness import percentile, report, server
from perf.load import Shot, closed_loop, photo

VERSION = Path("model_repository/super_resolution/1")
NETWORK = "span_x4"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    runs = parser.parse_args().runs
    data = photo(256, 256, format="PNG")
    direct = _Direct()
    served_s, direct_s = [], []
    with server(["super_resolution"]) as running:
        for number in range(runs + 3):
            started = time.perf_counter()
            direct.run(data)
            ours = time.perf_counter() - started
            outcome = asyncio.run(closed_loop(running.grpc_url, [Shot(0, data)], 1))[0]
            assert not outcome.error, outcome.error
            if number >= 3:
                direct_s.append(ours)
                served_s.append(outcome.seconds)
    ratios = [a / b for a, b in zip(served_s, direct_s, strict=True)]
    report(
        "overhead",
        [
            {"what": "in this process, p50 (ms)", "value": 1000 * percentile(direct_s, 50), "wanted": ""},
            {"what": "through gRPC, p50 (ms)", "value": 1000 * percentile(served_s, 50), "wanted": ""},
            {"what": "ratio of neighbours, p50", "value": percentile(ratios, 50), "wanted": "<= 1.2"},
        ],
    )


class _Direct:
    """The same tiles through the same network, one batch, no engine."""

    def __init__(self) -> None:
        config = load_pipeline(VERSION, cpu=True).networks[NETWORK].tiling
        assert config is not None
        self._tiling = config
        self._record = load_networks(VERSION)[NETWORK]
        self._runner = OnnxRunner(VERSION / self._record.file, gpu=False, threads=os.cpu_count() or 1)

    def run(self, data: bytes) -> bytes:
        image = codec.decode(data, Limits())
        grid = Grid(image.height, image.width, self._tiling)
        canvas = Canvas(grid, self._record.scale)
        by_shape: dict[tuple[int, ...], list[int]] = {}
        tiles = list(grid.cut(image.pixels))
        for index, tile in enumerate(tiles):
            by_shape.setdefault(tile.shape, []).append(index)
        for indices in by_shape.values():
            (outputs,) = self._runner.run((np.stack([tiles[i] for i in indices]),))
            for i, output in zip(indices, outputs, strict=True):
                canvas.place(grid.tiles[i], output)
        image.pixels = canvas.finish()
        return codec.encode(image, "same", None)


if __name__ == "__main__":
    main()
