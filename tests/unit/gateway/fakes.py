"""A Darkroom server that does as it is told, and the gateway in front of it, with and without sockets."""

import asyncio
import contextlib
import io
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from darkroom_client import Engine, Health, JobState, Quote, Report, Result, Totals
from darkroom_gateway import Settings, create_app
from PIL import Image

REPORT = {"task": "denoise", "network": "ffdnet_color", "weights": "test", "units": 1, "infer_ms": 1.0}


def picture(kind: str = "jpeg", size: tuple[int, int] = (24, 16)) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


@dataclass
class FakeBackend:
    """Answers with what came in, or with `answer`'s outcome; `gate` holds jobs back until it is set."""

    answer: Callable[[bytes, dict[str, Any]], bytes] = lambda data, options: data
    gate: asyncio.Event | None = None
    report: dict[str, Any] = field(default_factory=lambda: dict(REPORT))
    states: list[JobState] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    is_ready: bool = True
    failure: Exception | None = None
    closed: bool = False

    async def run(self, task: str, image: Any, **options: Any) -> Result:
        self.calls.append((task, options))
        on_progress = options.pop("on_progress", None)
        for state in self.states if on_progress else ():
            on_progress(state)
            await asyncio.sleep(0)
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(options["request_id"])
            raise
        if self.failure is not None:
            raise self.failure
        return Result(self.answer(image, options), Report.parse(self.report), options["request_id"])

    async def quote(self, task: str, image: Any, **options: Any) -> Quote:
        self.calls.append((task, {**options, "quote": True}))
        return Quote(3, 0.2, 0.5, {"units": 3, "work_s": 0.2, "done_in_s": 0.5})

    async def totals(self) -> Totals:
        tasks = ("super_resolution", "denoise", "image_to_image")
        return Totals(tuple(Engine(task, "1", "x", jobs_waiting=2, backlog_s=1.5) for task in tasks), 0.1)

    async def ready(self) -> bool:
        if self.failure is not None:
            raise self.failure
        return self.is_ready

    async def health(self) -> list[Health]:
        self.calls.append(("health", {}))
        return [Health("denoise", self.is_ready, 0.01, None if self.is_ready else "It is dead.")]

    async def close(self) -> None:
        self.closed = True


@contextlib.asynccontextmanager
async def gateway(backend: FakeBackend, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway in this event loop, without sockets."""
    app = create_app(Settings(**settings), backend)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, root_path=settings.get("root_path", ""))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            yield client


@contextlib.contextmanager
def listening(backend: Any = None, **settings: Any) -> Iterator[str]:
    """The base URL of a gateway on a socket, served by a thread."""
    app = create_app(Settings(**settings), backend)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
        assert thread.is_alive()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        app.state.services.stopping.set()
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
