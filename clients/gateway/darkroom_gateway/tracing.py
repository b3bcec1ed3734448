"""The outermost layer: gives each request its id and its span, and logs and counts it however it ends."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from darkroom_gateway import logs, spans, trace
from darkroom_gateway.metrics import Metrics
from darkroom_gateway.problems import Problem

CLIENT_GONE = 499
"""In logs and metrics only, after nginx: nobody was there to be answered."""


class Tracing:
    """ASGI middleware. Plain ASGI, because Starlette's BaseHTTPMiddleware hides a caller who hangs up."""

    def __init__(self, app: ASGIApp, metrics: Metrics, spans: spans.Spans | None = None) -> None:
        self._app, self._metrics, self._spans = app, metrics, spans

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        about = trace.begin(scope)
        context = None if self._spans is None else spans.enter(trace.header(scope, "traceparent"), self._spans.share)
        spans.CURRENT.set(context)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                about.status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", about.request_id.encode())]
            elif message["type"] == "http.response.body":
                about.bytes_out += len(message.get("body", b""))
            await send(message)

        with self._metrics.in_flight.track_inprogress():
            try:
                await self._app(scope, receive, sent)
            except Exception:
                logs.LOG.exception("a request failed", extra={"facts": {"request_id": about.request_id}})
                if not about.status:
                    about.reason = "internal"
                    answer = Problem(500, "internal", "The gateway failed; its log has the request id.")
                    await answer.response(about.request_id)(scope, receive, sent)
            finally:
                seconds = time.perf_counter() - about.started
                about.status = about.status or CLIENT_GONE
                logs.request_ended(about, scope["method"], scope["path"], seconds)
                self._metrics.ended(about, seconds)
                if self._spans is not None and context is not None and context.sampled:
                    _span_ended(self._spans, context, scope, about, seconds)


def _span_ended(to: spans.Spans, context: spans.Context, scope: Scope, about: trace.Trace, seconds: float) -> None:
    # Probes and scrapes would be most of all traces.
    if about.route in ("health", "metrics"):
        return
    facts = {
        "http.request.method": scope["method"],
        "url.path": scope["path"],
        "http.response.status_code": about.status,
        "darkroom.request_id": about.request_id,
        "darkroom.reason": about.reason or None,
        "darkroom.caller": about.caller or None,
    }
    name = f"{scope['method']} {about.route}"
    to.ended(context, name, spans.SERVER, seconds, facts, failed=about.status >= 500)
