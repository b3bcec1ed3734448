"""The web page and the documentation page: static files, no build, no requests to anybody else."""

from importlib import resources

from fastapi import APIRouter, Request
from fastapi.responses import Response

from darkroom_gateway.problems import Problem
from darkroom_gateway.trace import trace_of

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    # Small files; asking whether they changed would cost as much as sending them.
    "cache-control": "no-cache",
}


def page_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)
    folder = resources.files("darkroom_gateway") / "static"
    files = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}

    def answer(request: Request, name: str) -> Response:
        trace_of(request).route = "page"
        if name not in files:
            raise Problem(404, "not_found", f"There is no page {request.url.path!r}.")
        return Response(files[name], media_type=_TYPES[name.rpartition(".")[2]], headers=_HEADERS)

    @router.get("/")
    async def index(request: Request) -> Response:
        return answer(request, "index.html")

    @router.get("/docs")
    async def docs(request: Request) -> Response:
        return answer(request, "docs.html")

    @router.get("/static/{name}")
    async def static(request: Request) -> Response:
        return answer(request, request.path_params["name"])

    return router
