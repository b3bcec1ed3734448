"""The application: routes, layers, and what happens when it starts and stops."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from darkroom_client import DarkroomError
from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from darkroom_gateway import openapi
from darkroom_gateway.backend import Backend, connect
from darkroom_gateway.callers import Callers
from darkroom_gateway.catalogue import catalogue_router
from darkroom_gateway.health import health_router
from darkroom_gateway.jobs.routes import job_router
from darkroom_gateway.legacy import legacy_router
from darkroom_gateway.metrics import Metrics
from darkroom_gateway.pace import Paced
from darkroom_gateway.page import page_router
from darkroom_gateway.presence import ClientGone
from darkroom_gateway.problems import Problem, problem_of
from darkroom_gateway.services import Services
from darkroom_gateway.settings import Settings
from darkroom_gateway.spans import Spans
from darkroom_gateway.task_routes import task_router
from darkroom_gateway.trace import trace_of
from darkroom_gateway.traced import Traced
from darkroom_gateway.tracing import CLIENT_GONE, Tracing

_ABOUT = """Send a picture, get a picture.

The body is the picture itself, or a form with the field `image`; options are query parameters or form fields.
A busy server answers **429** with `Retry-After`. Slow work can be done in the background: `?async=true`.
"""


def create_app(settings: Settings, backend: Backend | None = None) -> FastAPI:
    """The gateway as an ASGI application. `backend`: instead of a connection to `settings.triton`.

    Raises CallersError, or darkroom_client.BadOption for an address that cannot be used.
    """
    metrics, behind = Metrics(), backend or connect(settings)
    spans = None
    if settings.otlp_url:
        spans = Spans(settings.otlp_url, settings.trace_share, metrics.spans_dropped.inc)
        behind = Traced(behind, spans)
    services = Services(settings, Paced(behind), Callers(settings.api_keys), metrics)

    @contextlib.asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        clock = asyncio.create_task(services.jobs.keep_time())
        try:
            yield
        finally:
            clock.cancel()
            services.stopping.set()
            await services.jobs.close()
            await services.backend.close()
            if spans is not None:
                await asyncio.to_thread(spans.close)

    app = FastAPI(
        title="Darkroom",
        version="1",
        description=_ABOUT,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    for router in (
        task_router(services),
        job_router(services),
        catalogue_router(services),
        legacy_router(services),
        health_router(services),
    ):
        app.include_router(router)
    if settings.page:
        app.include_router(page_router())
    _add_errors(app)
    _add_layers(app, services, spans)
    if services.callers.keys_needed:
        _add_security(app)
    return app


def _add_errors(app: FastAPI) -> None:
    def refuse(request: Request, problem: Problem) -> Response:
        trace = trace_of(request)
        trace.reason = problem.reason
        return problem.response(trace.request_id)

    @app.exception_handler(Problem)
    async def refused(request: Request, problem: Problem) -> Response:
        return refuse(request, problem)

    @app.exception_handler(DarkroomError)
    async def failed(request: Request, error: DarkroomError) -> Response:
        return refuse(request, problem_of(error))

    @app.exception_handler(HTTPException)
    async def misdirected(request: Request, error: HTTPException) -> Response:
        return refuse(request, Problem(error.status_code, "not_found", str(error.detail), headers=error.headers or {}))

    @app.exception_handler(ClientGone)
    async def gone(request: Request, error: ClientGone) -> Response:
        trace_of(request).reason = "client_gone"
        return Response(status_code=CLIENT_GONE)


def _add_layers(app: FastAPI, services: Services, spans: Spans | None) -> None:
    app.add_middleware(Tracing, metrics=services.metrics, spans=spans)
    if services.settings.cors_origins:
        # Outermost, so that refusals can be read by pages too. No cookies are used, so none are allowed.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=services.settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=["Darkroom-Report", "X-Request-Id", "Retry-After", "Location"],
            max_age=600,
        )


def _add_security(app: FastAPI) -> None:
    derive = app.openapi

    def with_security() -> dict[str, Any]:
        document = derive()
        document.setdefault("components", {})["securitySchemes"] = openapi.SECURITY_SCHEMES
        return document

    app.openapi = with_security  # type: ignore[method-assign]
