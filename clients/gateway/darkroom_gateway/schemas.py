"""What goes over the wire besides pictures, as JSON schemas."""

from typing import Any

from darkroom_client.formats import OUTPUT_FORMATS

Schema = dict[str, Any]
Responses = dict[int | str, Schema]
"""By status, as FastAPI takes them."""

BINARY: Schema = {"type": "string", "format": "binary"}
PROBLEM: Schema = {
    "type": "object",
    "required": ["detail", "reason", "request_id"],
    "properties": {
        "detail": {"type": "string", "description": "a sentence for people"},
        "reason": {"type": "string", "description": "a word for programs"},
        "request_id": {"type": "string"},
        "retry_after_s": {"type": "number"},
        "deadline_s": {
            "type": "number",
            "description": "a deadline_s with which an idle server would accept the same request",
        },
    },
}
_REPORT: Schema = {"type": "object", "description": "the receipt: network, weights, units, timings, faces, seed"}
JOB: Schema = {
    "type": "object",
    "required": ["id", "task", "state", "created_at", "url", "events_url", "result_url"],
    "properties": {
        "id": {"type": "string"},
        "task": {"type": "string"},
        "state": {"enum": ["waiting", "running", "done", "failed", "cancelled"]},
        "created_at": {"type": "number", "description": "seconds since 1970"},
        "ended_at": {"type": "number", "description": "seconds since 1970"},
        "url": {"type": "string"},
        "events_url": {"type": "string"},
        "result_url": {"type": "string"},
        "units_done": {"type": "integer"},
        "units_total": {"type": "integer", "description": "tiles, faces or diffusion steps"},
        "progress": {"type": "number", "minimum": 0, "maximum": 1},
        "eta_s": {"type": "number", "description": "seconds until it is done, as the server estimates"},
        "preview": {"type": "string", "description": "a small JPEG in base64, with the option preview"},
        "bytes": {"type": "integer"},
        "report": _REPORT,
        "error": PROBLEM,
        "kept_for_s": {"type": "number", "description": "seconds until it is forgotten"},
    },
}
FORMATS = tuple(f"image/{name}" for name in OUTPUT_FORMATS)
REQUEST_ID = {"X-Request-Id": {"description": "the caller's, or made up", "schema": {"type": "string"}}}
_REPORT_HEADER = {"Darkroom-Report": {"description": "the report as JSON", "schema": {"type": "string"}}}

_PICTURE_CONTENT: Schema = {
    **{kind: {"schema": BINARY} for kind in FORMATS},
    "application/json": {
        "schema": {
            "type": "object",
            "properties": {
                "image": {"type": "string", "contentEncoding": "base64"},
                "content_type": {"type": "string"},
                "report": _REPORT,
            },
        }
    },
}
ONE_JOB: Responses = {200: {"description": "The job.", "content": {"application/json": {"schema": JOB}}}}
EVENTS: Responses = {
    200: {"description": "The job, again and again.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}
PICTURE: Responses = {
    200: {"description": "The picture.", "headers": {**REQUEST_ID, **_REPORT_HEADER}, "content": _PICTURE_CONTENT}
}
