"""Engine: admits jobs or refuses them at once, runs their coroutines, and answers each exactly once.

One event loop in a thread of its own owns all state here. The front end calls `submit` and `quote` from its threads:
`submit` judges a job and puts it in line there and then, for the next one to find it, and leaves the rest to the loop.
"""

import asyncio
import contextlib
import functools
import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from darkroom.config import EngineConfig
from darkroom.engine.admission import Admission
from darkroom.engine.commitment import Forecast
from darkroom.engine.complaints import Complaints
from darkroom.engine.device import Device
from darkroom.engine.estimate import Estimates
from darkroom.engine.job import Job, Request, now
from darkroom.engine.line import PixelBudget, WaitingLine
from darkroom.engine.lock import DeviceLock
from darkroom.engine.loop import LoopThread, unloading
from darkroom.engine.pools import Pools
from darkroom.engine.stats import Stats
from darkroom.engine.watch import Watcher
from darkroom.errors import (
    BadOptionError,
    CancelledError,
    DarkroomError,
    DeadlineError,
    InternalError,
    UnavailableError,
)
from darkroom.network import Network

log = logging.getLogger("darkroom")

STOP_GRACE_S, LOST_GRACE_S = 3.0, 5.0
"""How long a stopped job may take to end by itself; and all of them, when the device is lost."""


@dataclass(frozen=True)
class Quote:
    """What a job would cost and when it would be done, had it been submitted now."""

    units: int
    work_s: float
    """Device seconds of the job alone."""
    done_in_s: float


class Engine:
    """The jobs of one model process."""

    def __init__(
        self,
        config: EngineConfig,
        *,
        lock: DeviceLock | None = None,
        estimates: Estimates | None = None,
        claim: Callable[[Job], bool] = lambda job: True,
        release: Callable[[Job], None] = lambda job: None,
        on_tick: Sequence[Callable[["Engine"], None]] = (),
        on_poisoned: Callable[[], None] = lambda: None,
    ) -> None:
        """`claim(job)`: whether its id is free on the whole server; asked for jobs that their caller named.
        `release(job)`: the job has ended. `on_tick`: called with the engine from the watcher's thread every
        TICK_S, to publish states and metrics.
        `on_poisoned()`: called on the event loop when the device is lost and every job has been answered; the process
        should end."""
        self.config = config
        self.start_id = uuid.uuid4().hex
        self.estimates = estimates or Estimates()
        self.codec_estimates = Estimates(prior_s_per_size=2e-8)
        """Seconds per pixel of decoding and encoding, by format, and of stitching."""
        self.codec_estimates.observe_rate("stitch", 1e6, 2e-3)
        self.stats = Stats()
        self.device = Device(config, self.estimates, lock, self._on_batch, self.stats.retry, self._on_device_lost)
        self.budget = PixelBudget(config.pixel_bytes)
        self.pools = Pools(config.codec_threads, self.budget.is_small)
        self.line: WaitingLine[Job] = WaitingLine(config.line_jobs, config.line_bytes, config.codec_threads)
        self.jobs: dict[str, Job] = {}
        self.admission = Admission(self.device, self.budget, config.codec_threads, now)
        self._codec_s = 0.0
        """Thread seconds of the codecs of jobs that were answered since the last batch."""
        self._claim = claim
        self._release = release
        self._on_poisoned = on_poisoned
        self._room = asyncio.Event()
        self._stopping: UnavailableError | None = None
        self._ending: asyncio.Task[None] | None = None
        self._complaints = Complaints()
        self.poisoned = False
        """The device is lost: no job will ever run here again."""
        self._loop = LoopThread(self._complaints)
        self.loop_heard_at = now()
        """When the event loop last answered `knock` (engine clock)."""
        self._watcher = Watcher(self, on_tick)

    def start(self) -> None:
        self.device.start(self._loop)
        self._loop.start()
        self._watcher.start()

    def submit(self, request: Request) -> None:
        """Admit a job or refuse it: raises BusyError, DeadlineError, BadOptionError (its id is in use) or
        UnavailableError, and then never calls `request.answer`. Blocks only while the line is full."""
        # judged and put in line in the caller's thread: under overload neither may wait for the event loop
        deadline_at = now() + request.deadline_s
        self._refuse_if_taken_or_stopping(request)
        forecast = self._admit(request, request.deadline_s)
        if self.line.has_room(request.encoded_bytes):
            self._enter(request, forecast, deadline_at)
        else:
            self._loop.call(self._enter_when_there_is_room(request, deadline_at))

    def quote(self, request: Request) -> Quote:
        """Price a job without doing it. Raises UnavailableError while stopping."""
        if self._stopping:
            raise self._stopping
        forecast = self.admission.forecast(request.price, request.lane, list(self.jobs.values()))
        # done_s is corrected by how jobs lately came true, alone_s is not: no work takes longer than until it is done
        return Quote(request.price.units, min(forecast.alone_s, forecast.done_s), forecast.done_s)

    def cancel(self, job_id: str) -> bool:
        """Stop a job by its id; False when there is none. Safe from any thread."""
        job = self.jobs.get(job_id)
        if job is None:
            return False
        self.stop_soon(job, CancelledError("The job was cancelled."))
        return True

    def stop(self, grace_s: float = 20.0) -> None:
        """Refuse newcomers, let running jobs end for `grace_s` seconds, answer the rest UNAVAILABLE, stop."""
        if self._loop.closed:
            return
        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(self._drain(grace_s), self._loop.loop).result(grace_s + 5.0)
        self._loop.close()
        self._watcher.stop()
        self.device.stop(timeout_s=5.0)
        self.pools.shutdown()
        self._loop.end(timeout_s=5.0)
        for job in list(self.jobs.values()):  # put in line when the loop no longer looked
            if self.jobs.pop(job.request.id, None) is job:
                job.request.answer(None, unloading())

    def knock(self) -> None:
        """Ask the event loop for a sign of life, which `loop_heard_at` will show. Safe from any thread."""
        self._loop.call_soon(self._hear)

    def backlog_s(self) -> float:
        """Device seconds admitted and not yet done."""
        return sum(job.remaining_s for job in list(self.jobs.values()))

    def _admit(self, request: Request, within_s: float) -> Forecast:
        return self.admission.admit(request.price, request.lane, within_s, list(self.jobs.values()))

    def _enter(self, request: Request, forecast: Forecast, deadline_at: float) -> None:
        """Make a job of an admitted request and put it in line. From any thread."""
        job = Job(self, request, self.device.line.join(request.lane), now())
        job.deadline_at = deadline_at
        job.promise(forecast, job.admitted_at)
        if (request.named and not self._claim(job)) or self.jobs.setdefault(request.id, job) is not job:
            raise _taken(request)
        self.line.push(job)
        self._loop.call_soon(self._entered, job)
        if not self._loop.alive and self.jobs.pop(request.id, None) is job:
            raise unloading()

    def _refuse_if_taken_or_stopping(self, request: Request) -> None:
        if self._stopping:
            raise self._stopping
        if self._loop.closed:
            raise unloading()
        if request.id in self.jobs:
            raise _taken(request)

    # everything below runs on the event loop unless it says otherwise

    def _hear(self) -> None:
        self.loop_heard_at = now()

    async def _enter_when_there_is_room(self, request: Request, deadline_at: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline_at - now()):
                while self._stopping is None and not self.line.has_room(request.encoded_bytes):
                    await self._room.wait()
        self._refuse_if_taken_or_stopping(request)
        forecast = self._admit(request, deadline_at - now())
        self._enter(request, forecast, deadline_at)

    def _entered(self, job: Job) -> None:
        self.stats.admitted += 1
        if self._stopping:  # it came in while the engine was told to stop
            self._stop(job, self._stopping)
        elif job.stop_reason is not None:  # stopped while it was put in line
            if self.line.remove(job):
                self._end(job, None, job.stop_reason)
        elif job.state != "done":
            job.timer = self._loop.loop.call_later(job.deadline_at - now(), self._pass_deadline, job)
            self._start_jobs()

    def _start_jobs(self) -> None:
        while (job := self.line.pop(self.budget, now())) is not None:
            if job.stop_reason is not None:  # stopped while it was put in line
                self._end(job, None, job.stop_reason)
                continue
            self.budget.take(job.request.price.pixel_bytes)
            job.state = "running"
            job.started_at = now()
            job.timings.queue_s = job.started_at - job.admitted_at
            job.task = self._loop.loop.create_task(_run(job))
            job.task.add_done_callback(functools.partial(self._finished, job))
        self._wake_room()

    def _wake_room(self) -> None:
        self._room.set()
        self._room = asyncio.Event()

    def _finished(self, job: Job, task: "asyncio.Task[Any]") -> None:
        """A job's coroutine has ended, or was cancelled before its first step."""
        self.device.drop(job.share)
        self.budget.give_back(job.request.price.pixel_bytes)
        if task.cancelled():
            self._end(job, None, job.stop_reason or CancelledError("The job was cancelled."))
            return
        failure = task.exception()
        if failure is None:
            self._end(job, task.result(), None)
        elif isinstance(failure, DarkroomError):
            self._end(job, None, failure)
        elif isinstance(failure, MemoryError):
            log.warning("a job found no memory", exc_info=failure)
            self._end(job, None, UnavailableError("The server has no memory left for this job.", retry_after_s=5.0))
        else:
            log.error("a job failed", exc_info=failure)
            self._end(job, None, InternalError("The job failed on an error inside the server; the log has more."))

    def _end(self, job: Job, result: Any, error: DarkroomError | None) -> None:
        """The one place where a job ends: forget it, count it, answer it, let the next one in."""
        if self.jobs.get(job.request.id) is not job:
            return
        del self.jobs[job.request.id]
        job.state = "done"
        # a timer or a task that lives on would keep the job's pictures until its deadline
        if job.timer is not None:
            job.timer.cancel()
        job.task = job.timer = None
        try:
            self._book_end(job, error)
        except Exception as failure:
            self._complaints.make("the end of a job could not be booked", failure)
        try:
            job.request.answer(result, error)
        except Exception as failure:
            self._complaints.make("an answer could not be sent", failure)
        self._start_jobs()

    def _book_end(self, job: Job, error: DarkroomError | None) -> None:
        self._release(job)
        if error is None:
            self._codec_s += job.codec_s
        else:
            self.admission.left()
        self.stats.count(job, error, now())
        if error is None or isinstance(error, DeadlineError):
            self.admission.learn(job.request.price, job.computed_s, now() - job.admitted_at)

    def _stop(self, job: Job, reason: DarkroomError) -> None:
        if job.state == "done" or job.stop_reason is not None:
            return
        job.stop_reason = reason
        if self.line.remove(job):
            self._end(job, None, reason)
            return
        self.device.drop(job.share)
        if job.task is not None:
            job.task.cancel()
        if job.timer is not None:
            job.timer.cancel()
        # its codec may be in the middle of something that never ends; its caller shall hear all the same
        job.timer = self._loop.loop.call_later(STOP_GRACE_S, self._end, job, None, reason)

    def stop_soon(self, job: Job, reason: DarkroomError) -> None:
        """Stop a job that has not ended, and answer it with `reason`. Safe from any thread."""
        self._loop.call_soon(self._stop, job, reason)

    def _pass_deadline(self, job: Job) -> None:
        given_s, enough_s = job.request.deadline_s, self.admission.sufficient_s(job.request.price)
        sentence = f"The deadline of {given_s:g} s passed before the job was done"
        if enough_s is not None and enough_s > given_s:  # it would have been late on an idle server too
            self._stop(job, DeadlineError(f"{sentence}; send deadline_s={enough_s:g}.", deadline_s=enough_s))
        else:
            self._stop(job, DeadlineError(f"{sentence}."))

    def _on_batch(self, network: Network, units: int, seconds: float) -> None:
        self.stats.batch(network.name, units, seconds)
        self.line.advance(seconds, self._codec_s, len(self.jobs))
        self.admission.worked(seconds, self._codec_s, len(self.jobs))
        self._codec_s = 0.0

    def _on_device_lost(self, why: str) -> None:
        log.error("the device is lost, and %d jobs with it: %s", len(self.jobs), why)
        self.poisoned = True
        self._stopping = UnavailableError("The device failed and this model is being restarted.", retry_after_s=5.0)
        self._wake_room()
        self._ending = self._loop.loop.create_task(self._give_up())

    async def _give_up(self) -> None:
        """Answer everybody, then ask for this process's end."""
        await self._stop_all(LOST_GRACE_S)
        self._on_poisoned()

    async def _drain(self, grace_s: float) -> None:
        self._stopping = self._stopping or unloading()
        self._wake_room()
        end = now() + grace_s
        while self.jobs and now() < end:
            await asyncio.sleep(0.02)
        await self._stop_all(STOP_GRACE_S)

    async def _stop_all(self, grace_s: float) -> None:
        """Stop every job; one whose codec does not come back within `grace_s` is answered without it."""
        assert self._stopping is not None
        for job in list(self.jobs.values()):
            self._stop(job, self._stopping)
        end = now() + grace_s
        while self.jobs and now() < end:
            await asyncio.sleep(0.02)
        for job in list(self.jobs.values()):
            self._end(job, None, self._stopping)


async def _run(job: Job) -> Any:
    try:
        return await job.request.body(job)
    except (SystemExit, KeyboardInterrupt) as error:  # asyncio would end the loop of everybody
        raise InternalError("The job failed on an error inside the server; the log has more.") from error


def _taken(request: Request) -> BadOptionError:
    return BadOptionError(f'The request id "{request.id}" names a job that is still running; ids must differ.')
