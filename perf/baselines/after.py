"""The service as it became: a resident model, a queue of eight, four workers, and 429 when the queue is full.

    uvicorn --factory perf.baselines.after:create

Four workers decode and encode beside the network, which they use in turn: on a CPU two runs at once only take the
cores from each other.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import FastAPI, File, HTTPException, Response

from darkroom import codec
from darkroom.config import Limits
from perf.in_process import Recipe

QUEUE = 8
WORKERS = 4
RETRY_AFTER_S = 1
"""It cannot tell when there will be room, so it says what such services say."""


@dataclass
class _Order:
    file: bytes
    answer: asyncio.Future[bytes]


def create() -> FastAPI:
    """The application. GATEWAY_TIMEOUT_S in the environment: seconds until the proxy gives up."""
    patience_s = float(os.environ["GATEWAY_TIMEOUT_S"])
    recipe = Recipe()
    device = threading.Lock()
    queue: asyncio.Queue[_Order] = asyncio.Queue(QUEUE)

    def work(file: bytes) -> bytes:
        image = codec.decode(file, Limits())
        with device:
            image.pixels = recipe.compute(image.pixels)
        return codec.encode(image, "same", None)

    async def serve() -> None:
        while True:
            order = await queue.get()
            if order.answer.done():  # its caller has gone
                continue
            try:
                result = await asyncio.to_thread(work, order.file)
            except Exception as error:
                if not order.answer.done():
                    order.answer.set_exception(error)
            else:
                if not order.answer.done():
                    order.answer.set_result(result)

    @contextlib.asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        workers = [asyncio.create_task(serve()) for _ in range(WORKERS)]
        yield
        for worker in workers:
            worker.cancel()

    app = FastAPI(lifespan=life)

    @app.post("/process")
    async def process(file: Annotated[bytes, File()]) -> Response:
        order = _Order(file, asyncio.get_running_loop().create_future())
        try:
            queue.put_nowait(order)
        except asyncio.QueueFull:
            raise HTTPException(429, "Server busy", {"Retry-After": str(RETRY_AFTER_S)}) from None
        try:
            return Response(await asyncio.wait_for(order.answer, patience_s), media_type="image/jpeg")
        except TimeoutError:
            return Response(status_code=504)

    return app
