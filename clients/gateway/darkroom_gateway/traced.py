"""The server behind, with a span around each job that it is given."""

import time
from typing import Any

from darkroom_client import ImageInput, Quote, Result

from darkroom_gateway.backend import Backend
from darkroom_gateway.spans import CLIENT, CURRENT, Context, Spans

_STAGES = ("queue_ms", "decode_ms", "infer_ms", "encode_ms", "tiles", "units", "batches", "network", "version")
"""Of the report. Triton's own spans end with execute(), before the work begins; these tell the rest."""


class Traced:
    """A Backend. Sends the span's context along, so that Triton's spans become its children."""

    def __init__(self, backend: Backend, spans: Spans) -> None:
        self._spans = spans
        self._backend = backend
        self.totals, self.ready = backend.totals, backend.ready
        self.health, self.close = backend.health, backend.close

    async def run(self, task: str, image: ImageInput, **options: Any) -> Result:
        result: Result = await self._ask(self._backend.run, "run", task, image, options)
        return result

    async def quote(self, task: str, image: ImageInput, **options: Any) -> Quote:
        quote: Quote = await self._ask(self._backend.quote, "quote", task, image, options)
        return quote

    async def _ask(self, ask: Any, what: str, task: str, image: ImageInput, options: dict[str, Any]) -> Any:
        request = CURRENT.get()
        if request is None or not request.sampled:
            return await ask(task, image, **options)
        context, started = request.child(), time.perf_counter()
        answer = None
        try:
            answer = await ask(task, image, **options, headers={"traceparent": context.traceparent})
            return answer
        finally:
            self._ended(context, f"{what} {task}", time.perf_counter() - started, options, answer)

    def _ended(self, context: Context, name: str, seconds: float, options: dict[str, Any], answer: Any) -> None:
        facts: dict[str, Any] = {"darkroom.job_id": options.get("request_id")}
        if isinstance(answer, Result):
            facts |= {f"darkroom.{key}": answer.report.raw.get(key) for key in _STAGES}
        self._spans.ended(context, name, CLIENT, seconds, facts, failed=answer is None)
