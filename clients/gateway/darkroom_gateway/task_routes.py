"""A picture in, a picture out: one path per task, all the same function."""

import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

from darkroom_client import DarkroomError, Quote, Result
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from darkroom_gateway import openapi
from darkroom_gateway.answers import picture_answer
from darkroom_gateway.asking import Asked, parse
from darkroom_gateway.budget import Held
from darkroom_gateway.negotiation import Wanted, negotiate
from darkroom_gateway.pictures import format_of
from darkroom_gateway.presence import unless_gone
from darkroom_gateway.problems import Problem, offer_background, problem_of
from darkroom_gateway.services import Services
from darkroom_gateway.tasks import TASKS, Task
from darkroom_gateway.trace import trace_of
from darkroom_gateway.upload import Upload, read_upload


def task_router(services: Services) -> APIRouter:
    router = APIRouter()
    for task in TASKS:
        router.add_api_route(
            task.path,
            _endpoint(task, services),
            methods=["POST"],
            name=task.name,
            summary=task.summary,
            tags=["tasks"],
            response_class=Response,
            responses=openapi.task_responses(services.callers.keys_needed),
            openapi_extra=openapi.task_request(task, keys=services.callers.keys_needed),
        )
    return router


def _endpoint(task: Task, services: Services) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        trace = trace_of(request)
        trace.route = task.name
        caller = services.callers.known(request.headers)
        trace.caller = caller.name
        with ExitStack() as lease:
            lease.enter_context(caller.picture())
            held = lease.enter_context(services.budget.open())
            upload = await read_upload(request, services.settings, held)
            asked = parse(task.options, [*request.query_params.multi_items(), *upload.fields])
            wanted = negotiate(request.headers.get("accept", ""), format_of(upload.picture))
            if not asked.in_background and _prefers_async(request):
                asked = Asked(asked.options, asked.given, in_background=True)
            if asked.in_background and not asked.options.quote:
                return await _start(request, services, task, upload, asked, wanted, caller.name, lease.pop_all())
            try:
                return await answer(request, services, task, upload, asked, wanted, held)
            except Problem as problem:
                raise offer_background(problem, services.settings.job_deadline_s) from None

    return endpoint


async def answer(
    request: Request, services: Services, task: Task, upload: Upload, asked: Asked, wanted: Wanted, held: Held
) -> Response:
    """Have the work done while the caller waits. `held`: the upload's share. Raises Problem, ClientGone."""
    trace = trace_of(request)
    options = {"deadline_s": services.settings.deadline_s, **_travelling(asked, wanted)}
    started = time.perf_counter()
    try:
        work = _work(services, task, upload.picture, options, trace.new_job_id(), quote=asked.options.quote)
        result = await unless_gone(request.receive, work)
    except DarkroomError as error:
        raise problem_of(error, upload.picture) from None
    finally:
        trace.server_s = time.perf_counter() - started
    if isinstance(result, Quote):
        return JSONResponse(dict(result.raw))
    held.release()
    share = services.budget.send(trace.job_id, len(result.bytes))
    return picture_answer(result, share, as_json=wanted.as_json, stall_s=services.settings.upload_s)


async def _work(
    services: Services, task: Task, picture: bytes, options: dict[str, object], job_id: str, *, quote: bool
) -> Result | Quote:
    ask = services.backend.quote if quote else services.backend.run
    return await ask(task.name, picture, **options, request_id=job_id)


async def _start(
    request: Request,
    services: Services,
    task: Task,
    upload: Upload,
    asked: Asked,
    wanted: Wanted,
    owner: str,
    lease: ExitStack,
) -> Response:
    options = {"deadline_s": services.settings.job_deadline_s, **_travelling(asked, wanted)}
    try:
        job = services.jobs.start(task.name, upload.picture, options, owner=owner, as_json=wanted.as_json, lease=lease)
    except Problem:
        lease.close()
        raise
    trace_of(request).job_id = job.id
    refusal = await services.jobs.refusal(job, len(upload.picture))
    if refusal is not None:
        raise refusal
    url = f"{request.scope.get('root_path', '')}/v1/jobs/{job.id}"
    return JSONResponse(job.describe(url), 202, {"location": url, "cache-control": "no-store"})


def _travelling(asked: Asked, wanted: Wanted) -> dict[str, object]:
    """Options for the server; one that the caller names beats what his Accept header says."""
    given = {name: value for name, value in asked.given.items() if name != "quote"}
    return {"output_format": wanted.output_format, **given}


def _prefers_async(request: Request) -> bool:
    """RFC 7240."""
    return any("respond-async" in value.lower() for value in request.headers.getlist("prefer"))
