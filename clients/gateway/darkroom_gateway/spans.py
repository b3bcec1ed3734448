"""Distributed tracing: spans in OpenTelemetry's model, W3C's `traceparent` between programs, OTLP over HTTP in JSON.

Written by hand, because this much needs no SDK: Triton joins the same trace by the header it is sent.
"""

import contextvars
import json
import queue
import random
import re
import secrets
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from darkroom_gateway.logs import LOG

SERVER, CLIENT = 2, 3
"""Kinds of spans, as OTLP numbers them."""
_FAILED = 2
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_MOST_WAITING = 4096
_MOST_AT_ONCE = 512
_EVERY_S = 0.5
_TIMEOUT_S = 5.0
_LAST_WORDS_S = 2.0


@dataclass(frozen=True)
class Context:
    """Where one span stands in its trace."""

    trace_id: str
    span_id: str
    parent_id: str
    """Empty at the root of the trace."""
    sampled: bool

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.sampled:02x}"

    def child(self) -> "Context":
        return Context(self.trace_id, secrets.token_hex(8), self.span_id, self.sampled)


def enter(traceparent: str, share: float) -> Context:
    """The context of a request: its caller's trace goes on where he sent one, and his decision whether it is sampled
    holds. Otherwise a new one, sampled with probability `share`."""
    given = _TRACEPARENT.fullmatch(traceparent)
    if given is None:
        return Context(secrets.token_hex(16), secrets.token_hex(8), "", random.random() < share)
    return Context(given[1], secrets.token_hex(8), given[2], bool(int(given[3], 16) & 1))


CURRENT: contextvars.ContextVar[Context | None] = contextvars.ContextVar("darkroom_gateway_span", default=None)
"""Of the request being answered; tasks of the event loop that it starts inherit it."""


class Spans:
    """Carries ended spans to a collector from a thread of its own; what does not fit or arrive is dropped."""

    def __init__(self, url: str, share: float, dropped: Callable[[int], None]) -> None:
        """`url`: of the collector, without /v1/traces. `dropped`: told how many spans were lost."""
        self.share = share
        self._url = f"{url.rstrip('/')}/v1/traces"
        self._dropped = dropped
        self._waiting: queue.Queue[dict[str, Any]] = queue.Queue(_MOST_WAITING)
        self._closing = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._carry, name="spans", daemon=True)
        self._thread.start()

    def ended(
        self, context: Context, name: str, kind: int, seconds: float, facts: Mapping[str, Any], *, failed: bool
    ) -> None:
        """A span that ends now and took `seconds`. Facts that are None are left out. Never blocks."""
        end = time.time_ns()
        span = {
            "traceId": context.trace_id,
            "spanId": context.span_id,
            "parentSpanId": context.parent_id,
            "name": name,
            "kind": kind,
            "startTimeUnixNano": str(end - int(seconds * 1e9)),
            "endTimeUnixNano": str(end),
            "attributes": _attributes(facts),
            **({"status": {"code": _FAILED}} if failed else {}),
        }
        try:
            self._waiting.put_nowait(span)
        except queue.Full:
            self._dropped(1)

    def close(self) -> None:
        """Send what waits, within two seconds."""
        self._closing.set()
        self._thread.join(_LAST_WORDS_S)

    def _carry(self) -> None:
        while not self._closing.wait(_EVERY_S):
            self._send_all()
        self._send_all()

    def _send_all(self) -> None:
        while not self._waiting.empty():
            batch = [self._waiting.get_nowait() for _ in range(min(self._waiting.qsize(), _MOST_AT_ONCE))]
            try:
                self._send(batch)
            except (OSError, ValueError) as error:
                self._dropped(len(batch))
                if not self._failing:
                    LOG.warning("spans cannot be sent", extra={"facts": {"collector": self._url, "why": str(error)}})
                self._failing = True
                return
            self._failing = False

    def _send(self, spans: list[dict[str, Any]]) -> None:
        resource = {"attributes": _attributes({"service.name": "darkroom-gateway"})}
        scoped = {"scope": {"name": "darkroom_gateway"}, "spans": spans}
        body = json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [scoped]}]}).encode()
        request = urllib.request.Request(self._url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S):
            pass


def _attributes(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in facts.items() if value is not None]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}
