"""Everything that is not a picture: HTTP statuses and the JSON body of a refusal."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from darkroom_client import errors
from fastapi.responses import JSONResponse

from darkroom_gateway.pictures import format_of

BUSY_RETRY_S = 1.0
"""What a caller is told to wait where nobody knows better."""


@dataclass
class Problem(Exception):  # noqa: N818
    """An answer that is no picture. `detail` is a sentence for people, `reason` a word for programs."""

    status: int
    reason: str
    detail: str
    retry_after_s: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    deadline_s: float | None = None
    """With this deadline the same request would be accepted."""

    def body(self, request_id: str) -> dict[str, object]:
        content: dict[str, object] = {"detail": self.detail, "reason": self.reason, "request_id": request_id}
        if self.retry_after_s is not None:
            content["retry_after_s"] = round(self.retry_after_s, 2)
        if self.deadline_s is not None:
            content["deadline_s"] = self.deadline_s
        return content

    def response(self, request_id: str) -> JSONResponse:
        return JSONResponse(self.body(request_id), self.status, self.all_headers())

    def all_headers(self) -> dict[str, str]:
        headers = {"cache-control": "no-store", **self.headers}
        if self.retry_after_s is not None:
            headers["retry-after"] = str(max(1, math.ceil(self.retry_after_s)))
        return headers


def busy(detail: str, retry_after_s: float = BUSY_RETRY_S) -> Problem:
    return Problem(429, "busy", detail, retry_after_s)


# Order matters: the first class that fits wins.
_OF_CLIENT_ERRORS: tuple[tuple[type[errors.DarkroomError], int, str], ...] = (
    (errors.BadImage, 400, "bad_image"),
    (errors.NotServed, 404, "not_served"),
    (errors.BadOption, 422, "bad_option"),
    (errors.Busy, 429, "busy"),
    (errors.DeadlinePassed, 504, "deadline"),
    (errors.Cancelled, 409, "cancelled"),
    (errors.Unavailable, 503, "unavailable"),
    (errors.NotAllowed, 502, "not_allowed"),
)


def problem_of(error: errors.DarkroomError, picture: bytes = b"") -> Problem:
    """What an error of the Darkroom client means to a caller of the gateway, who sent `picture`."""
    if isinstance(error, errors.BadImage) and picture and format_of(picture) is None:
        return Problem(415, "bad_image", error.message)
    status, reason = next(
        ((status, reason) for kind, status, reason in _OF_CLIENT_ERRORS if isinstance(error, kind)), (500, "internal")
    )
    retry_after_s = error.retry_after_s
    if status in (429, 503) and retry_after_s is None:
        retry_after_s = BUSY_RETRY_S
    return Problem(status, reason, _public(error), retry_after_s, deadline_s=error.deadline_s)


def offer_background(problem: Problem, job_deadline_s: float) -> Problem:
    """Tell a caller who waited that the job could run in the background, where a longer deadline would do.

    `job_deadline_s`: what an asynchronous job is given by default, seconds.
    """
    if problem.deadline_s is None:
        return problem
    options = "async=true" if problem.deadline_s <= job_deadline_s else f"async=true&deadline_s={problem.deadline_s:g}"
    return replace(problem, detail=f"{problem.detail} It can also run in the background: {options}.")


def _public(error: errors.DarkroomError) -> str:
    # Where the server stands is no business of a caller who came through the front door.
    if isinstance(error, errors.Unreachable):
        return "The server behind this gateway cannot be reached just now."
    if isinstance(error, errors.NotServed):
        return "The server behind this gateway does not serve this task."
    if isinstance(error, errors.NotAllowed):
        return "The server behind this gateway does not accept the gateway's credentials."
    return error.message
