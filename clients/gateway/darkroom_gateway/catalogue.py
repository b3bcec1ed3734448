"""GET /v1/tasks: what can be asked for here, for pages and programs that build their own forms."""

import contextlib
from typing import Any

from darkroom_client import DarkroomError
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from darkroom_gateway.health import load_of
from darkroom_gateway.openapi import option_schemas
from darkroom_gateway.pictures import ACCEPTED
from darkroom_gateway.services import Services
from darkroom_gateway.tasks import TASKS
from darkroom_gateway.trace import trace_of


def catalogue_router(services: Services) -> APIRouter:
    router = APIRouter(tags=["tasks"])

    @router.get("/v1/tasks", summary="The tasks, their options and how busy each is.")
    async def tasks(request: Request) -> JSONResponse:
        trace_of(request).route = "tasks"
        load = await _load(services)
        content = {
            "tasks": [
                {
                    "name": task.name,
                    "title": task.title,
                    "summary": task.summary,
                    "path": f"{request.scope.get('root_path', '')}{task.path}",
                    "served": task.name in load,
                    "load": load.get(task.name),
                    "options": option_schemas(task.options),
                }
                for task in TASKS
            ],
            "max_bytes": services.settings.max_bytes,
            "accepts": ACCEPTED,
            "api_key_needed": services.callers.keys_needed,
        }
        return JSONResponse(content, headers={"cache-control": "no-store"})

    return router


async def _load(services: Services) -> dict[str, dict[str, Any]]:
    with contextlib.suppress(DarkroomError):
        return load_of((await services.backend.totals()).engines)
    return {}
