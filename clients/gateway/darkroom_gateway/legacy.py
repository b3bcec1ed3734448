"""POST /process, the contract of the service that came before: front ends move over by changing the host.

Multipart `image` (or `file`) in, the picture out, 429 {"detail": "Server busy"}.
"""

from contextlib import ExitStack
from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import Response

from darkroom_gateway import openapi
from darkroom_gateway.asking import parse
from darkroom_gateway.negotiation import Wanted
from darkroom_gateway.problems import Problem
from darkroom_gateway.services import Services
from darkroom_gateway.task_routes import answer
from darkroom_gateway.tasks import BY_NAME
from darkroom_gateway.trace import trace_of
from darkroom_gateway.upload import read_upload

SERVER_BUSY = "Server busy"


def legacy_router(services: Services) -> APIRouter:
    router = APIRouter(tags=["compatibility"])
    task = BY_NAME[services.settings.default_task]
    keys = services.callers.keys_needed

    @router.post(
        "/process",
        summary=f"The original service's path: {task.summary}",
        response_class=Response,
        responses=openapi.task_responses(keys, with_jobs=False),
        openapi_extra=openapi.legacy_request(task, keys=keys),
    )
    async def process(request: Request) -> Response:
        trace = trace_of(request)
        trace.route = "process"
        caller = services.callers.known(request.headers)
        trace.caller = caller.name
        try:
            with ExitStack() as lease:
                lease.enter_context(caller.picture())
                held = lease.enter_context(services.budget.open())
                upload = await read_upload(request, services.settings, held)
                # Old front ends may send fields of their own, which meant nothing and still do.
                pairs = [*request.query_params.multi_items(), *upload.fields]
                known = {name: value for name, value in pairs if name in task.options.model_fields}
                asked = parse(task.options, known.items())
                return await answer(request, services, task, upload, asked, Wanted(), held)
        except Problem as problem:
            if problem.status == 429:
                raise replace(problem, detail=SERVER_BUSY) from None
            raise

    return router
