"""When refused callers should come back, where the server itself cannot say.

A refusal by the engine names the seconds after which the same job fits. Triton's own full queue names nothing, and many
callers refused together would come back together. So each is given a turn: one after another, at the pace at which
this gateway's pictures of that task get done. Several gateways share the pace as they share the work.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from darkroom_client import Busy, Health, ImageInput, Quote, Result, Totals

from darkroom_gateway.backend import Backend

_QUEUE_FULL = "exceeds maximum queue size"  # Triton's words
_WINDOW_S = 1.0
_LATEST_S = 30.0
"""Under lasting overload turns would move away without end."""


class Pace:
    """Of one task. Seconds are those of a monotonic clock."""

    def __init__(self) -> None:
        self.per_s: float | None = None
        """Pictures done a second, lately and at best; None before a second of uninterrupted work."""
        self._in_work = 0
        self._since = self._last_turn = 0.0
        self._done = 0

    @contextlib.contextmanager
    def picture(self) -> Iterator[None]:
        """While one picture is in work."""
        if self._in_work == 0:
            self._since, self._done = time.monotonic(), 0
        self._in_work += 1
        try:
            yield
        except BaseException:
            self._in_work -= 1
            raise
        self._in_work -= 1
        self._count()

    def turn_s(self, at_least_s: float) -> float:
        """Seconds from now to the next free turn."""
        if self.per_s is None:
            return at_least_s
        now = time.monotonic()
        turn = max(self._last_turn, now + at_least_s) + 1 / self.per_s
        self._last_turn = min(turn, now + max(_LATEST_S, at_least_s))
        return self._last_turn - now

    def _count(self) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._since < _WINDOW_S:
            return
        observed = self._done / (now - self._since)
        # A caller alone shows less than the server can do, so what is slower counts little.
        self.per_s = observed if self.per_s is None or observed > self.per_s else 0.9 * self.per_s + 0.1 * observed
        self._since, self._done = now, 0


class Paced:
    """A backend whose refusals tell everybody a turn of his own."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._paces: dict[str, Pace] = {}

    async def run(self, task: str, image: ImageInput, **options: Any) -> Result:
        pace = self._paces.setdefault(task, Pace())
        try:
            with pace.picture():
                return await self._backend.run(task, image, **options)
        except Busy as error:
            if _QUEUE_FULL in error.message.lower():
                error.retry_after_s = pace.turn_s(error.retry_after_s or 0.0)
            raise

    async def quote(self, task: str, image: ImageInput, **options: Any) -> Quote:
        return await self._backend.quote(task, image, **options)

    async def totals(self) -> Totals:
        return await self._backend.totals()

    async def ready(self) -> bool:
        return await self._backend.ready()

    async def health(self) -> list[Health]:
        return await self._backend.health()

    async def close(self) -> None:
        await self._backend.close()
