"""/v1/jobs/{id}: state, events, result, cancel."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from darkroom_gateway import openapi, schemas
from darkroom_gateway.answers import picture_answer
from darkroom_gateway.jobs.events import events
from darkroom_gateway.jobs.job import Job
from darkroom_gateway.problems import Problem
from darkroom_gateway.services import Services
from darkroom_gateway.trace import trace_of


def job_router(services: Services) -> APIRouter:
    router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["jobs"])
    keys = services.callers.keys_needed

    def find(request: Request) -> Job:
        trace = trace_of(request)
        trace.route = "jobs"
        trace.job_id = request.path_params["job_id"]
        trace.caller = services.callers.known(request.headers).name
        return services.jobs.store.get(trace.job_id, trace.caller)

    @router.get(
        "",
        summary="Where a job stands.",
        responses=openapi.job_responses(schemas.ONE_JOB, keys=keys),
        openapi_extra=openapi.job_request(keys=keys),
    )
    async def state(request: Request) -> JSONResponse:
        job = find(request)
        return JSONResponse(job.describe(_url(request)), headers={"cache-control": "no-store"})

    @router.get(
        "/events",
        summary="Its states as they change, as server-sent events; the last is done, failed or cancelled.",
        response_class=StreamingResponse,
        responses=openapi.job_responses(schemas.EVENTS, keys=keys),
        openapi_extra=openapi.job_request(keys=keys),
    )
    async def watch(request: Request) -> StreamingResponse:
        job = find(request)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        stream = events(job, _url(request), services.stopping)
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    @router.get(
        "/result",
        summary="The picture of a job that is done.",
        response_class=Response,
        responses=openapi.job_responses(schemas.PICTURE, keys=keys, result=True),
        openapi_extra=openapi.job_request(keys=keys),
    )
    async def result(request: Request) -> Response:
        job = find(request)
        if job.problem:
            raise job.problem
        if job.result is None:
            raise Problem(409, "unfinished", f"The job is {job.state}; its result is not there yet.", 1.0)
        share = services.budget.send(job.id, job.bytes)
        job.fetched = True
        return picture_answer(job.result, share, as_json=job.as_json, stall_s=services.settings.upload_s)

    @router.delete(
        "",
        summary="Cancel a job, or forget one that has ended.",
        status_code=204,
        response_class=Response,
        responses=openapi.job_responses({}, keys=keys),
        openapi_extra=openapi.job_request(keys=keys),
    )
    async def cancel(request: Request) -> Response:
        await services.jobs.cancel(find(request))
        return Response(status_code=204)

    return router


def _url(request: Request) -> str:
    # Without scheme and host: behind a proxy the gateway does not know them, and a relative reference needs neither.
    return f"{request.scope.get('root_path', '')}/v1/jobs/{request.path_params['job_id']}"
