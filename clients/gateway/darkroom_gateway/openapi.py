"""The OpenAPI document's parts that FastAPI cannot derive: bodies in several types, options as query and form."""

from darkroom_gateway.options import DepthOptions, Options
from darkroom_gateway.pictures import ACCEPTED
from darkroom_gateway.schemas import BINARY, JOB, PICTURE, PROBLEM, REQUEST_ID, Responses, Schema
from darkroom_gateway.tasks import Task

SECURITY_SCHEMES: Schema = {
    "Bearer": {"type": "http", "scheme": "bearer"},
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_RETRY = {"Retry-After": {"description": "whole seconds", "schema": {"type": "integer", "minimum": 1}}}


def option_schemas(kind: type[Options]) -> dict[str, Schema]:
    """Each option's JSON schema, with its default, `help` and what is allowed as description; the task's own first."""
    properties: dict[str, Schema] = kind.model_json_schema()["properties"]
    names = sorted(properties, key=lambda name: (name in Options.model_fields, name in DepthOptions.model_fields))
    return {name: {key: value for key, value in properties[name].items() if key != "title"} for name in names}


def _public(schema: Schema) -> tuple[Schema, str]:
    """A schema without our own keys, and its description for people."""
    about = f"{schema.get('help', '')}: {schema.get('description', '')}".strip(": ")
    # None cannot be written in a query or a form; it means leaving the option out.
    hidden = ("help", "choices", "page", "step", "description")
    plain = {
        key: value for key, value in schema.items() if key not in hidden and not (key == "default" and value is None)
    }
    if "anyOf" in plain:
        rest = [choice for choice in plain.pop("anyOf") if choice != {"type": "null"}]
        plain |= rest[0] if len(rest) == 1 else {"anyOf": rest}
    return plain, about


_ASYNC: Schema = {"type": "boolean", "default": False}
_ASYNC_HELP = "Answer at once with 202 and a job's URL"


def _queries(options: dict[str, Schema], *, with_jobs: bool) -> list[Schema]:
    queries = []
    for name, schema in options.items():
        plain, about = _public(schema)
        queries.append({"name": name, "in": "query", "required": False, "description": about, "schema": plain})
    if with_jobs:
        queries.append(
            {"name": "async", "in": "query", "required": False, "description": _ASYNC_HELP, "schema": _ASYNC}
        )
    return queries


def _form(options: dict[str, Schema], *, with_jobs: bool) -> Schema:
    properties: Schema = {"image": {**BINARY, "description": "the picture (`file` is accepted too)"}}
    for name, schema in options.items():
        plain, about = _public(schema)
        properties[name] = {**plain, "description": about}
    if with_jobs:
        properties["async"] = {**_ASYNC, "description": _ASYNC_HELP}
    return {"type": "object", "required": ["image"], "properties": properties}


def task_request(task: Task, *, keys: bool) -> Schema:
    """Options as query parameters, the body as a form (with options as fields too) or as the picture itself."""
    options = option_schemas(task.options)
    examples = {
        name: {"summary": name, "value": {"image": "(the file)", **values}} for name, values in task.examples.items()
    }
    form = {"schema": _form(options, with_jobs=True), "examples": examples}
    raw = {kind: {"schema": BINARY} for kind in (*ACCEPTED, "application/octet-stream")}
    return {
        "operationId": task.name,
        "parameters": _queries(options, with_jobs=True),
        "requestBody": {"required": True, "content": {"multipart/form-data": form, **raw}},
        **_secured(keys),
    }


def legacy_request(task: Task, *, keys: bool) -> Schema:
    options = option_schemas(task.options)
    form = {"schema": _form(options, with_jobs=False)}
    return {
        "operationId": "process",
        "parameters": _queries(options, with_jobs=False),
        "requestBody": {"required": True, "content": {"multipart/form-data": form}},
        **_secured(keys),
    }


def job_request(*, keys: bool) -> Schema:
    job_id = {"name": "job_id", "in": "path", "required": True, "schema": {"type": "string"}}
    return {"parameters": [job_id], **_secured(keys)}


def _secured(keys: bool) -> Schema:
    return {"security": [{scheme: []} for scheme in SECURITY_SCHEMES]} if keys else {}


def task_responses(keys: bool, *, with_jobs: bool = True) -> Responses:
    answers: Responses = {**PICTURE}
    if with_jobs:
        location = {"Location": {"description": "the job", "schema": {"type": "string"}}}
        answers[202] = {
            "description": "The job was started (async=true).",
            "headers": {**REQUEST_ID, **location},
            "content": {"application/json": {"schema": JOB}},
        }
    return answers | _refusals(keys) | {
        400: _refusal("The picture is damaged or beyond the limits, or the form cannot be read."),
        404: _refusal("The server does not serve this task."),
        406: _refusal("No picture format that Accept allows."),
        408: _refusal("The request came too slowly."),
        409: _refusal("Somebody cancelled the job."),
        413: _refusal("The file is too large."),
        415: _refusal("The file is no picture that is accepted, or the body's content type is wrong."),
        422: _refusal("An option is unknown, of the wrong type or out of range."),
        429: _refusal("Busy: come back after Retry-After seconds.", retry=True),
        503: _refusal("The server behind is not available.", retry=True),
        504: _refusal("The deadline passed (deadline_s)."),
    }  # fmt: skip


def job_responses(content: Responses, *, keys: bool, result: bool = False) -> Responses:
    answers: Responses = {**content, **_refusals(keys), 404: _refusal("No such job, or it was forgotten.")}
    if result:
        answers[409] = _refusal("The job has not ended yet, or was cancelled.", retry=True)
        answers["default"] = _refusal("What became of the job, as if its caller had waited.")
    return answers


def _refusals(keys: bool) -> Responses:
    return {401: _refusal("The API key is missing or not known.")} if keys else {}


def _refusal(description: str, *, retry: bool = False) -> Schema:
    headers = {**REQUEST_ID, **(_RETRY if retry else {})}
    return {"description": description, "headers": headers, "content": {"application/json": {"schema": PROBLEM}}}
