"""An engine process in simulated time.

Who is admitted, who is decoded and whose units run next is decided by the engine's own admission and lines
(darkroom.engine.admission, .line, .fair); what is modelled is time: batches on the device, codecs on their threads.
"""

from collections.abc import Callable
from functools import partial

from darkroom.config import EngineConfig
from darkroom.engine.admission import Admission
from darkroom.engine.fair import FairLine
from darkroom.engine.forecast import Neighbour
from darkroom.engine.line import PixelBudget, WaitingLine
from darkroom.engine.watch import REPRICED_EVERY, TICK_S
from darkroom.errors import BusyError, DeadlineError
from perf.plan.curves import Curve
from perf.plan.device import Device
from perf.plan.events import Clock, Job, Threads, Turns
from perf.plan.jobs import NETWORK, Host, Kind, Shape


class Instance:
    """One engine process."""

    def __init__(self, clock: Clock, turns: Turns, curve: Curve, engine: EngineConfig, host: Host) -> None:
        self._clock, self._turns, self._engine, self._host = clock, turns, engine, host
        self._budget = PixelBudget(engine.pixel_bytes)
        self._device = Device(curve, engine)
        self._pool = Threads(clock, host.codec_threads)
        self._admission = Admission(self._device, self._budget, host.codec_threads, lambda: clock.now)
        self._encoded: WaitingLine[Job] = WaitingLine(engine.line_jobs, engine.line_bytes, host.codec_threads)
        self._line: FairLine[Job, Shape] = FairLine()
        self._jobs: dict[Job, None] = {}
        self._codec_s = 0.0
        """Of jobs that were answered since the last batch."""
        self._priced_at = 0.0
        self._asking = False
        self.neighbours: list[Instance] = []
        """The other processes that take turns on the device."""

    @property
    def codec_busy_s(self) -> float:
        return self._pool.busy_s

    def submit(self, kind: Kind, deadline_s: float, done: Callable[[Job], None]) -> None:
        """Admit a job or refuse it; `done` is called once, at once when it is refused."""
        job = Job(kind, kind.price(self._host), self._line.join("interactive"), self._clock.now, deadline_s, done)
        self._admission.neighbours = tuple(other.as_neighbour() for other in self.neighbours if other.wants_device)
        try:
            forecast = self._admission.admit(job.price, job.lane, deadline_s, list(self._jobs))
        except (BusyError, DeadlineError):
            job.refused, job.ended = True, self._clock.now
            done(job)
            return
        job.promise(forecast, self._clock.now)
        self._jobs[job] = None
        self._clock.after(deadline_s, partial(self._pass_deadline, job))
        self._encoded.push(job)
        self._open_jobs()

    @property
    def wants_device(self) -> bool:
        return bool(self._jobs)

    def as_neighbour(self) -> Neighbour:
        """What the other processes on the device know of this one."""
        return Neighbour(sum(job.remaining_s for job in self._jobs), self._device.mean_batch_s)

    def _open_jobs(self) -> None:
        while (job := self._encoded.pop(self._budget, self._clock.now)) is not None:
            job.open = True
            self._budget.take(job.price.pixel_bytes)
            seconds = job.kind.pixels_in * self._host.decode_s + self._host.job_s
            self._pool.submit(job, seconds, partial(self._decoded, job))

    def _pass_deadline(self, job: Job) -> None:
        if job in self._jobs:
            job.late = True
            job.waiting.clear()
            self._line.drop(job.share)
            self._encoded.remove(job)
            self._end(job)

    def _decoded(self, job: Job) -> None:
        if job.late:
            return
        for shape, count in job.kind.tiles.items():
            job.waiting.extend([shape] * count)
        self._fill(job)

    def _fill(self, job: Job) -> None:
        while job.waiting:
            limit = self._device.batch_limit(NETWORK, job.waiting[0])
            if job.outstanding >= max(2, int(self._engine.window_batches * limit)):
                break
            self._line.push(job.share, job.waiting.popleft(), job)
            job.outstanding += 1
        self._look()

    def _look(self) -> None:
        if self._line.length and not self._asking:
            self._asking = True
            self._turns.ask(self._start)

    def _start(self) -> None:
        self._asking = False
        self._watch()
        now = self._clock.now
        shape = self._line.next_key(now)
        if shape is None:
            self._turns.release()
            return
        unit_s = self._device.full_unit_s(shape)
        taken = [job for _, job in self._line.take(shape, self._device.batch_limit(NETWORK, shape), unit_s, now)]
        seconds = self._device.start(shape, len(taken), now)
        for job in taken:
            self._line.charge(job.share, seconds / len(taken) - unit_s)
        self._turns.busy_s += seconds
        self._turns.batches += 1
        self._turns.units += len(taken)
        self._clock.after(seconds + self._host.batch_s, partial(self._finish, shape, taken, seconds))

    def _watch(self) -> None:
        """What the engine's watcher does at its ticks (darkroom.engine.watch), before every batch."""
        reprice = self._clock.now - self._priced_at >= TICK_S * REPRICED_EVERY
        for job in self._jobs:
            if reprice:
                job.estimate(self._admission.fluid_s(job.price))
            job.renew_promise(self._clock.now)
        if reprice:
            self._priced_at = self._clock.now

    def _finish(self, shape: Shape, taken: list[Job], seconds: float) -> None:
        self._encoded.advance(seconds, self._codec_s, len(self._jobs))
        self._admission.worked(seconds, self._codec_s, len(self._jobs))
        self._codec_s = 0.0
        counts: dict[Job, int] = {}
        for job in taken:
            job.count_unit()
            counts[job] = counts.get(job, 0) + 1
        self._turns.release()
        for job, count in counts.items():
            pixels = count * shape[0] * shape[1] * job.kind.scale**2
            self._pool.submit(job, pixels * self._host.place_s, partial(self._placed, job, count))
        self._look()

    def _placed(self, job: Job, count: int) -> None:
        if job.late:
            return
        job.outstanding -= count
        job.left -= count
        self._fill(job)
        if not job.left:
            self._pool.submit(job, job.kind.pixels_out * self._host.encode_s, partial(self._answer, job))

    def _answer(self, job: Job) -> None:
        if not job.late:
            self._end(job)

    def _end(self, job: Job) -> None:
        del self._jobs[job]
        self._admission.learn(job.price, job.computed_s, self._clock.now - job.arrived)
        if job.late:
            self._admission.left()
        else:
            self._codec_s += job.codec_s
        if job.open:
            self._budget.give_back(job.price.pixel_bytes)
        job.ended = self._clock.now
        job.done(job)
        self._open_jobs()
