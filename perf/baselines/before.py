"""The service as it was: the model is loaded inside every request, and requests meet the device one by one.

    uvicorn --factory perf.baselines.before:create

FastAPI gives each request one of its 40 threads. Nothing is ever refused; whoever waits longer than GATEWAY_TIMEOUT_S
gets 504, as from the proxy in front, while the thread behind goes on computing for nobody.
"""

import asyncio
import os
import threading
from typing import Annotated

from fastapi import FastAPI, File, Response
from starlette.concurrency import run_in_threadpool

from perf.in_process import Recipe


def create() -> FastAPI:
    """The application. GATEWAY_TIMEOUT_S in the environment: seconds until the proxy gives up."""
    patience_s = float(os.environ["GATEWAY_TIMEOUT_S"])
    device = threading.Lock()
    abandoned: set[asyncio.Task[Response]] = set()
    app = FastAPI()

    def work(file: bytes) -> Response:
        recipe = Recipe()
        with device:
            return Response(recipe.run(file), media_type="image/jpeg")

    @app.post("/process")
    async def process(file: Annotated[bytes, File()]) -> Response:
        task = asyncio.ensure_future(run_in_threadpool(work, file))
        try:
            return await asyncio.wait_for(asyncio.shield(task), patience_s)
        except TimeoutError:
            abandoned.add(task)  # a proxy does not stop the thread behind it either
            task.add_done_callback(abandoned.discard)
            return Response(status_code=504)

    return app
