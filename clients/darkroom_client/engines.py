"""Asking the model `jobs`, shared by all calls of one client."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from darkroom_client import jobs
from darkroom_client.errors import DarkroomError, DeadlinePassed
from darkroom_client.failures import translate
from darkroom_client.jobs import Engine, JobState, Totals
from darkroom_client.link import Link
from darkroom_client.wire import Failure

LOOK_EVERY_S = 1.0
"""Seconds between two looks at the engines, however many calls are in flight."""

AFTER_FAILURE_S = 5.0
"""Seconds without looks after one that failed at once, where none ever succeeded: a server without the model `jobs`
should not be asked all the time."""

_LOOK_TIMEOUT_S = 1.0


class Engines:
    """The engines of one server, as last seen."""

    def __init__(self, link: Link, headers: Mapping[str, str]) -> None:
        self._link = link
        self._headers = headers
        self._seen: tuple[Engine, ...] | None = None
        self.last_seen: tuple[Engine, ...] = ()
        """The engines at the last look that succeeded, however old."""
        self.seen_at = float("-inf")
        """When that look began, by the link's clock."""
        self._retry_after_s: float | None = None
        self._next_look = float("-inf")
        self._tasks: set[str] = set()
        self._followed = 0

    @property
    def never_looked(self) -> bool:
        return self._next_look == float("-inf")

    @property
    def crowd(self) -> float:
        """1 or more: how many times slower each job should be followed, so that many do not keep `jobs` busy."""
        return max(1.0, self._followed / 4)

    @contextlib.contextmanager
    def following(self) -> Iterator[None]:
        """While a job's progress is being asked for."""
        self._followed += 1
        try:
            yield
        finally:
            self._followed -= 1

    def serve(self, task: str) -> bool:
        """Whether an engine of this task was ever seen."""
        return task in self._tasks

    async def look(self) -> tuple[Engine, ...] | None:
        """The engines, at most about a second old; None where `jobs` does not answer."""
        if self._link.now() < self._next_look:
            return self._seen
        # Set before the call: of many waiting threads or tasks only the first asks.
        began = self._link.now()
        self._next_look = began + LOOK_EVERY_S
        try:
            totals = await self.totals(timeout_s=_LOOK_TIMEOUT_S)
            self._seen, self._retry_after_s = totals.engines, totals.retry_after_s
            self.last_seen, self.seen_at = totals.engines, began
            self._tasks.update(engine.task for engine in self._seen)
        except DarkroomError as error:
            self._seen = self._retry_after_s = None
            absent = not self.last_seen and not isinstance(error, DeadlinePassed)
            self._next_look = self._link.now() + (AFTER_FAILURE_S if absent else LOOK_EVERY_S)
        return self._seen

    async def retry_after_s(self) -> float | None:
        """When a refused job should come back; a thousand refusals a second must not become as many questions."""
        await self.look()
        return self._retry_after_s

    async def totals(self, timeout_s: float = 5.0) -> Totals:
        return Totals.parse(await self.query("totals", timeout_s=timeout_s))

    async def state(self, job_id: str, timeout_s: float = 5.0) -> JobState:
        return JobState.parse(await self.query("state", job_id, timeout_s=timeout_s), job_id)

    async def cancel(self, job_id: str, timeout_s: float = 5.0) -> bool:
        return bool((await self.query("cancel", job_id, timeout_s=timeout_s)).get("cancelled"))

    async def query(
        self,
        action: str,
        job_id: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 5.0,
    ) -> dict[str, Any]:
        """One question to `jobs`, without retries. `headers` go on top of the client's own."""
        call = jobs.query(action, job_id, headers={**self._headers, **(headers or {})}, timeout_s=timeout_s)
        pending = await self._link.start(call)
        try:
            answer = await pending.wait(timeout_s + 1.0)
        except Failure as failure:
            raise translate(failure, self._link.address) from None
        except BaseException:
            await pending.abandon()
            raise
        if answer is None:
            await pending.abandon()
            raise DeadlinePassed(f"The model `jobs` did not answer within {timeout_s:g} s.")
        return jobs.answer_of(answer)
