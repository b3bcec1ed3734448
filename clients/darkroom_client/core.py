"""Everything the clients do, once, as coroutines over a link."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

from darkroom_client.attempt import attempt
from darkroom_client.engines import Engines
from darkroom_client.errors import Busy, DarkroomError, DeadlinePassed, LostJob, Unreachable
from darkroom_client.failures import is_tritons_own_busy
from darkroom_client.images import ImageInput, encoded
from darkroom_client.jobs import JobState
from darkroom_client.link import Link
from darkroom_client.options import Settings, separate
from darkroom_client.request import new_request_id, next_request_id, task_call
from darkroom_client.results import Quote, Result, quote_of, result_of
from darkroom_client.wire import Answer, Parameter

ADMIN_HEADER = "darkroom-admin-key"

# What a job refused by Triton's full queue waits when `jobs` does not name a time either.
_DEFAULT_RETRY_AFTER_S = 1.0


class Core:
    """One server, one set of defaults."""

    def __init__(
        self, link: Link, defaults: Settings, headers: Mapping[str, str], admin_key: str | None = None
    ) -> None:
        self.link = link
        self.headers = headers
        self.admin_headers = {ADMIN_HEADER: admin_key} if admin_key else {}
        self.engines = Engines(link, headers)
        self._defaults = defaults

    async def run(self, task: str, image: ImageInput, given: Mapping[str, Any]) -> Result:
        """Encode, send, wait, try again where that is safe."""
        settings, options = separate(given, self._defaults)
        return result_of(await self._answer(task, image, options, settings))

    async def quote(self, task: str, image: ImageInput, given: Mapping[str, Any]) -> Quote:
        """What `run` would cost now; the server does no work for it."""
        settings, options = separate(given, self._defaults)
        return quote_of(await self._answer(task, image, {**options, "quote": True}, settings))

    async def _answer(
        self, task: str, image: ImageInput, options: Mapping[str, Parameter], settings: Settings
    ) -> Answer:
        ends = None if settings.deadline_s is None else self.link.now() + settings.deadline_s
        data = await self.link.offload(lambda: encoded(image))
        first_id = settings.request_id or new_request_id()
        request_id = first_id
        failed = {"busy": 0, "otherwise": 0}
        while True:
            remaining_s = self._remaining(ends, settings)
            call = task_call(
                task,
                data,
                options,
                settings,
                request_id=request_id,
                remaining_s=remaining_s,
                headers={**self.headers, **settings.headers},
            )
            try:
                return await attempt(self.link, self.engines, call, settings.on_progress)
            except DarkroomError as error:
                kind = "busy" if isinstance(error, Busy) else "otherwise"
                failed[kind] += 1
                if is_tritons_own_busy(error):
                    error.retry_after_s = await self._retry_after_s()
                left = None if ends is None else ends - self.link.now()
                pause = settings.retry.pause_s(error, failed[kind], left)
                if pause is None:
                    raise
                if isinstance(error, LostJob | Unreachable):
                    request_id = next_request_id(first_id, sum(failed.values()))
            await self.link.sleep(pause)

    def _remaining(self, ends: float | None, settings: Settings) -> float | None:
        if ends is None:
            return None
        remaining_s = ends - self.link.now()
        if remaining_s <= 0:
            raise DeadlinePassed(f"The deadline of {settings.deadline_s:g} s passed before the job could be sent.")
        return remaining_s

    async def _retry_after_s(self) -> float:
        told = await self.engines.retry_after_s()
        return _DEFAULT_RETRY_AFTER_S if told is None else told

    async def jobs(self) -> list[JobState]:
        """All jobs of the server; needs the admin key."""
        answer = await self.engines.query("list", headers=self.admin_headers)
        return [JobState.parse(job) for job in answer.get("jobs", ())]

    async def watch(self, job_id: str, interval_s: float, appear_within_s: float) -> AsyncGenerator[JobState, None]:
        """States of a job as they change, ending in `ended`, `lost`, or `unknown` where it never showed up."""
        last: JobState | None = None
        patience_ends = self.link.now() + appear_within_s
        while True:
            state = await self.engines.state(job_id)
            if state.held:
                if state != last:
                    yield state
                last = state
            elif last is not None:
                yield replace(last, state=await self._ending_of(last), eta_s=None)
                return
            elif self.link.now() >= patience_ends:
                yield state
                return
            await self.link.sleep(interval_s)

    async def _ending_of(self, last: JobState) -> str:
        totals = await self.engines.totals()
        alive = {engine.start_id for engine in totals.engines if engine.alive}
        return "ended" if last.start_id is None or last.start_id in alive else "lost"
