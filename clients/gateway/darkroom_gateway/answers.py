"""A finished picture as an HTTP answer: the file with its report in a header, or both as JSON."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from darkroom_client import Result
from starlette.responses import Response

from darkroom_gateway.pictures import media_type

REPORT_HEADER = "darkroom-report"
_MOST_HEADER_BYTES = 3000
"""Proxies commonly take 4 to 8 kB of headers; a report with a hundred faces is longer."""


def picture_answer(result: Result, *, as_json: bool) -> Response:
    """200 with the picture; `as_json`: {"image": base64, "content_type": ..., "report": {...}}."""
    kind = media_type(result.bytes)
    headers = {"cache-control": "no-store"}
    if as_json:
        return Response(_as_json(result, kind), 200, headers, "application/json")
    headers[REPORT_HEADER] = report_header(result.report.raw)
    return Response(result.bytes, 200, headers, kind)


def report_header(report: Mapping[str, Any]) -> str:
    """The report as ASCII JSON in one line; what makes it too long for a header is left out and named in `omitted`."""
    short = dict(report)
    text = _compact(short)
    omitted: list[str] = []
    while len(text) > _MOST_HEADER_BYTES and short:
        largest = max(short, key=lambda name: len(_compact(short[name])))
        omitted.append(largest)
        del short[largest]
        text = _compact({**short, "omitted": omitted})
    return text


def _as_json(result: Result, kind: str) -> bytes:
    # Base64 needs no escaping, and a JSON encoder would copy a large picture several times.
    rest = _compact({"content_type": kind, "report": dict(result.report.raw)})
    return b'{"image":"' + base64.b64encode(result.bytes) + b'",' + rest[1:].encode()


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
