"""Is the gateway alive, can it serve, does each model really work, and how busy is the server."""

import asyncio
import time
from typing import Any

from darkroom_client import DarkroomError, Health
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from darkroom_gateway.problems import Problem
from darkroom_gateway.services import Services
from darkroom_gateway.trace import trace_of

_ANSWER_WITHIN_S = 2.0
_CANARIES_HOLD_S = 30.0
"""Canaries are real jobs; whoever asks more often gets the last outcome."""


def health_router(services: Services) -> APIRouter:
    router = APIRouter(tags=["operation"])
    canaries = _Canaries(services)

    @router.get("/health/live", summary="The gateway runs.")
    async def live(request: Request) -> JSONResponse:
        trace_of(request).route = "health"
        return JSONResponse({"status": "live"})

    @router.get("/health/ready", summary="The gateway takes work: the server behind answers.", responses={503: {}})
    async def ready(request: Request) -> JSONResponse:
        trace_of(request).route = "health"
        if services.stopping.is_set():
            raise Problem(503, "unavailable", "The gateway is stopping.")
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                is_ready = await services.backend.ready()
        except (DarkroomError, TimeoutError):
            is_ready = False
        if not is_ready:
            raise Problem(503, "unavailable", "The server behind this gateway is not ready.", 1.0)
        return JSONResponse({"status": "ready"})

    @router.get(
        "/health/models",
        summary="Each model's last canary: a small picture sent through it, every 30 s at most.",
        responses={503: {}},
    )
    async def models(request: Request) -> JSONResponse:
        trace_of(request).route = "health"
        found = await canaries.outcome()
        content = {
            one.model: {"ok": one.ok, "seconds": round(one.seconds, 3)} | ({"error": one.error} if one.error else {})
            for one in found
        }
        return JSONResponse(content, 200 if found and all(one.ok for one in found) else 503)

    @router.get("/metrics", summary="For Prometheus.", response_class=Response)
    async def metrics(request: Request) -> Response:
        trace_of(request).route = "metrics"
        return Response(services.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


class _Canaries:
    """One round at a time, shared by all who ask meanwhile."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = asyncio.Lock()
        self._last: tuple[float, list[Health]] = (float("-inf"), [])

    async def outcome(self) -> list[Health]:
        async with self._lock:
            if time.monotonic() - self._last[0] > _CANARIES_HOLD_S:
                self._last = (time.monotonic(), await self._round())
            return self._last[1]

    async def _round(self) -> list[Health]:
        try:
            return await self._services.backend.health()
        except DarkroomError:
            return []


def load_of(engines: Any) -> dict[str, dict[str, Any]]:
    """Jobs waiting and running and seconds of work ahead, by task: the sums of its living versions."""
    loads: dict[str, dict[str, Any]] = {}
    for engine in engines:
        if engine.alive:
            load = loads.setdefault(engine.task, {"waiting": 0, "running": 0, "backlog_s": 0.0})
            load["waiting"] += engine.jobs_waiting
            load["running"] += engine.jobs_running
            load["backlog_s"] = round(load["backlog_s"] + engine.backlog_s, 2)
    return loads
