"""An engine process in simulated time.

The line in which units wait is the engine's own (darkroom.engine.fair), and so are the forecasts that refuse
(darkroom.engine.forecast); what is modelled is time: batches on the device, codecs on their threads.
"""

import math
from collections.abc import Callable
from functools import partial

from darkroom.engine.admission import BIAS, CAUTION, COMPANY, LEARNING_RATE, PROMISE, QUANTA
from darkroom.engine.device import LEARNING_RATE as BATCH_LEARNING_RATE
from darkroom.engine.fair import FairLine
from darkroom.engine.forecast import Loads, Neighbour, done_times, finish_times, in_order, in_turns
from perf.plan.curves import Curve
from perf.plan.events import Clock, Job, Threads, Turns
from perf.plan.jobs import Engine, Host, Kind, Shape

UNIT: Shape = (128, 128)
"""What a curve's unit is, pixels."""


class Instance:
    """One engine process."""

    def __init__(self, clock: Clock, turns: Turns, curve: Curve, engine: Engine, host: Host) -> None:
        self._clock, self._turns, self._curve, self._engine, self._host = clock, turns, curve, engine, host
        self._line: FairLine[Job, Shape] = FairLine()
        self._pool = Threads(clock, host.codec_threads)
        self._jobs: dict[Job, None] = {}
        self._asking = False
        self._running_until = 0.0
        self.neighbours: list[Instance] = []
        """The other processes that take turns on the device."""
        self._mean_batch_s = 0.0
        self._bias = 1.0
        """How forecasts lately came true."""

    @property
    def codec_busy_s(self) -> float:
        return self._pool.busy_s

    def submit(self, kind: Kind, deadline_s: float, done: Callable[[Job], None]) -> None:
        """Admit a job or refuse it; `done` is called once, at once when it is refused."""
        job = Job(kind, self._clock.now, deadline_s, done, self._line.join("interactive"))
        job.left = kind.units
        job.fluid_s = sum(n * self._full_unit_s(shape) for shape, n in kind.tiles.items())
        if self._refuses(job):
            job.refused, job.ended = True, self._clock.now
            done(job)
            return
        self._jobs[job] = None
        self._clock.after(deadline_s, partial(self._pass_deadline, job))
        self._pool.owed_s += self._codec_s(kind)
        self._pool.submit(job, kind.pixels_in * self._host.decode_s + self._host.job_s, partial(self._decoded, job))

    def _refuses(self, job: Job) -> bool:
        """The engine's admission: no job that would come late, none that would make another late."""
        neighbours = [other.as_neighbour() for other in self.neighbours if other.wants_device]
        others = list(self._jobs)
        loads = Loads(["interactive"] * len(others), [other.remaining_s for other in others])
        with_it = loads.and_one("interactive", job.fluid_s)
        fair, in_turn = finish_times(with_it), in_order(with_it)
        among = done_times(fair, in_turn)
        company = max(0.0, among[-1] - job.fluid_s)
        alone = sum(self._alone_s(shape, n) for shape, n in job.kind.tiles.items())
        job.computed_s = self._answered(job, alone, company + COMPANY * min(alone, company), neighbours)
        turn_s = self._answered(job, alone, max(0.0, in_turn[-1] - job.fluid_s), neighbours)
        batch_s = min(alone, self._engine.max_batch_s)
        done_s = self._bias * job.computed_s
        job.due_at = self._clock.now + turn_s + batch_s
        job.promised_at = self._clock.now + min(PROMISE * done_s + 2 * batch_s, job.deadline_s)
        if not self._jobs and not neighbours:
            return False
        if CAUTION * (done_s + self._between_s(job)) > job.deadline_s:
            return True
        without = done_times(finish_times(loads), in_turn[:-1])
        for other, fluid_before, fluid_after in zip(others, without, among, strict=False):
            before, after = (
                in_turns(seconds, self._mean_batch_s, neighbours) for seconds in (fluid_before, fluid_after)
            )
            left = other.deadline_at - self._clock.now - CAUTION * self._between_s(other)
            if before < after and before <= left < CAUTION * after:
                return True
        return False

    def _answered(self, job: Job, alone: float, others: float, neighbours: list[Neighbour]) -> float:
        device = max(0.0, self._running_until - self._clock.now) + others + alone
        device = in_turns(device, max(self._mean_batch_s, min(alone, self._engine.max_batch_s)), neighbours)
        return max(device, self._pool.owed_s / self._host.codec_threads) + self._codec_s(job.kind)

    def _between_s(self, job: Job) -> float:
        return QUANTA * self._mean_batch_s * len(job.kind.tiles)

    @property
    def wants_device(self) -> bool:
        return bool(self._jobs)

    def as_neighbour(self) -> Neighbour:
        """What the other processes on the device know of this one."""
        return Neighbour(sum(job.remaining_s for job in self._jobs), self._mean_batch_s)

    def _pass_deadline(self, job: Job) -> None:
        if job in self._jobs:
            job.late = True
            job.waiting.clear()
            self._line.drop(job.share)
            self._end(job)

    def _decoded(self, job: Job) -> None:
        if job.late:
            return
        for shape, count in job.kind.tiles.items():
            job.waiting.extend([shape] * count)
        self._fill(job)

    def _fill(self, job: Job) -> None:
        while job.waiting:
            window = max(2, int(self._engine.window_batches * self._limit(job.waiting[0])))
            if job.outstanding >= window:
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
        for job in self._jobs:
            promised = job.promised_at if self._clock.now < job.promised_at else job.deadline_at
            job.share.latest_start = min(job.due_at, promised) - job.remaining_s - self._mean_batch_s
        shape = self._line.next_key(self._clock.now)
        if shape is None:
            self._turns.release()
            return
        limit = self._limit(shape)
        taken = [job for _, job in self._line.take(shape, limit, self._full_unit_s(shape), self._clock.now)]
        seconds = self._batch_s(shape, len(taken))
        for job in taken:
            self._line.charge(job.share, seconds / len(taken) - self._full_unit_s(shape))
        self._running_until = self._clock.now + seconds
        self._mean_batch_s += (seconds - self._mean_batch_s) * (BATCH_LEARNING_RATE if self._mean_batch_s else 1.0)
        self._turns.busy_s += seconds
        self._turns.batches += 1
        self._turns.units += len(taken)
        self._clock.after(seconds + self._host.batch_s, partial(self._finish, shape, taken))

    def _finish(self, shape: Shape, taken: list[Job]) -> None:
        counts: dict[Job, int] = {}
        for job in taken:
            job.units_done += 1
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
        ratio = min(max((self._clock.now - job.arrived) / max(job.computed_s, 1e-3), BIAS[0]), BIAS[1])
        self._bias += LEARNING_RATE * (ratio - self._bias)
        self._pool.owed_s -= self._codec_s(job.kind)
        job.ended = self._clock.now
        job.done(job)

    def _codec_s(self, kind: Kind) -> float:
        return kind.pixels_in * self._host.decode_s + kind.pixels_out * self._host.encode_s

    def _batch_s(self, shape: Shape, count: int) -> float:
        return batch_seconds(self._curve, shape, count)

    def _limit(self, shape: Shape) -> int:
        return batch_limit(self._curve, self._engine, shape)

    def _full_unit_s(self, shape: Shape) -> float:
        limit = self._limit(shape)
        return self._batch_s(shape, limit) / limit

    def _alone_s(self, shape: Shape, count: int) -> float:
        limit = self._limit(shape)
        whole, rest = divmod(count, limit)
        return whole * self._batch_s(shape, limit) + (self._batch_s(shape, rest) if rest else 0.0)


def batch_seconds(curve: Curve, shape: Shape, count: int) -> float:
    """Device seconds of a batch of `count` tiles."""
    return curve.seconds(count * math.prod(shape) / math.prod(UNIT))


def batch_limit(curve: Curve, engine: Engine, shape: Shape) -> int:
    """Tiles in one batch: bounded in number and in time, as the engine bounds them."""
    most = engine.max_batch
    while most > 1 and batch_seconds(curve, shape, most) > engine.max_batch_s:
        most -= 1
    return most
