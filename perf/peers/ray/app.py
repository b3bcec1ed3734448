"""Ray Serve: one replica that batches the tiles of all its requests by shape, behind a bounded queue."""

import asyncio
import signal
import tempfile
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ray
from ray import serve
from starlette.requests import Request
from starlette.responses import Response

from darkroom.tiling import Pixels
from perf.peers.restorer import Restorer, Settings, Shape

CODEC_THREADS = 2
OBJECT_STORE_BYTES = 100 * 2**20
"""Ray wants one; requests and answers do not pass through it."""

RunTile = Callable[[Pixels], Awaitable[Pixels]]


class Pictures:
    """Decodes, runs every tile through the batcher of its shape, encodes."""

    def __init__(self, task: str) -> None:
        self._restorer = Restorer(task)
        self._codecs = ThreadPoolExecutor(CODEC_THREADS)
        self._device = ThreadPoolExecutor(1)
        self._batchers: dict[Shape, RunTile] = {shape: self._batcher() for shape in self._restorer.shapes()}

    def _batcher(self) -> RunTile:
        async def run(tiles: list[Pixels]) -> list[Pixels]:
            return await asyncio.get_running_loop().run_in_executor(self._device, self._restorer.run, tiles)

        batched: Any = serve.batch(max_batch_size=self._restorer.max_batch, batch_wait_timeout_s=0.005)(run)
        run_tile: RunTile = batched
        return run_tile

    async def __call__(self, request: Request) -> Response:
        loop = asyncio.get_running_loop()
        opened = await loop.run_in_executor(self._codecs, self._restorer.open, await request.body())

        async def restore(index: int, pixels: Pixels) -> None:
            tile = opened.grid.tiles[index]
            output = await self._batchers[tile.rows.size, tile.columns.size](pixels)
            await loop.run_in_executor(self._codecs, opened.canvas.place, tile, output)

        cut = list(opened.grid.cut(opened.image.pixels))
        await asyncio.gather(*(restore(i, pixels) for i, pixels in enumerate(cut)))
        answer = await loop.run_in_executor(self._codecs, self._restorer.close, opened)
        return Response(answer, media_type="image/jpeg")


def main() -> None:
    settings = Settings.from_environment()
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:  # short: it holds sockets
        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            _node_ip_address="127.0.0.1",
            _temp_dir=folder,
        )
        serve.start(
            http_options={"host": "127.0.0.1", "port": settings.port, "request_timeout_s": settings.deadline_s},
            proxy_location="HeadOnly",
        )
        deployment = serve.deployment(
            max_ongoing_requests=settings.queue, max_queued_requests=settings.queue, ray_actor_options={"num_cpus": 1}
        )(Pictures)
        serve.run(deployment.bind(settings.task), name="pictures", route_prefix="/predict")
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
        serve.shutdown()
        ray.shutdown()


if __name__ == "__main__":
    main()
