"""Admission: price a job, foresee its end, and refuse it at once when it, or a job before it, would come too late."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from darkroom.engine.fair import Lane
from darkroom.engine.forecast import Load, finish_times
from darkroom.engine.job import Job, Price, Request, now
from darkroom.errors import BusyError, DeadlineError

if TYPE_CHECKING:
    from darkroom.engine.device import Device
    from darkroom.engine.pools import Pools

CAUTION = 1.1
"""A forecast is taken this much longer than computed when it is held against a deadline."""
PROMISE = 1.25
"""What is promised is this much more than what is foreseen."""
LONGEST_RETRY_S = 60.0
IDLE_BELIEF = 2.0
"""An idle engine takes a job that is estimated at up to so many times its deadline: the estimate may be old."""


@dataclass(frozen=True)
class Forecast:
    """All in seconds. `alone_s`: device time of the job alone; `fluid_s`: its share of full batches; `done_s`: from
    now until the answer; `promise_s`: what the engine holds itself to."""

    alone_s: float
    fluid_s: float
    done_s: float

    @property
    def promise_s(self) -> float:
        return PROMISE * self.done_s


class Admission:
    """Forecasts from the estimates of the device and the jobs already admitted."""

    def __init__(self, device: "Device", pools: "Pools") -> None:
        self._device = device
        self._pools = pools

    def forecast(self, price: Price, lane: Lane, jobs: Collection[Job]) -> Forecast:
        """Foresee a newcomer among `jobs`."""
        alone, fluid = self._work(price)
        finish = finish_times([*_loads(jobs), Load(lane, fluid)])[-1]
        return self._forecast(price, alone, fluid, finish, jobs)

    def admit(self, request: Request, jobs: Collection[Job], within_s: float | None = None) -> Forecast:
        """Foresee a newcomer, or refuse it: DeadlineError when it could not make its deadline even alone, BusyError
        when it, or a job admitted before it, would come too late among the others."""
        price, lane = request.price, request.lane
        within_s = request.deadline_s if within_s is None else within_s
        alone, fluid = self._work(price)
        ordered = list(jobs)
        loads = _loads(ordered)
        finish = finish_times([*loads, Load(lane, fluid)])
        forecast = self._forecast(price, alone, fluid, finish[-1], ordered)
        if not ordered and alone + price.codec_s < IDLE_BELIEF * within_s:
            return forecast  # nobody is in the way, and a wrong estimate mends itself only when something runs
        if alone + price.codec_s > within_s:
            raise DeadlineError(
                f"This job needs about {alone + price.codec_s:.1f} s by itself; its deadline is {within_s:.1f} s."
            )
        late = CAUTION * forecast.done_s - within_s
        if late > 0:
            raise BusyError(
                f"Busy: the job would be done in about {forecast.done_s:.1f} s; its deadline is {within_s:.1f} s.",
                retry_after_s=_retry_after(late),
            )
        time = now()
        before = finish_times(loads)
        for job, without, among in zip(ordered, before, finish, strict=False):
            left = job.deadline_at - time
            if CAUTION * without <= left < CAUTION * among:
                raise BusyError(
                    "Busy: with this job, one that was admitted before it would miss its deadline.",
                    retry_after_s=_retry_after(min(CAUTION * among - left, forecast.done_s)),
                )
        return forecast

    def fluid_s(self, price: Price) -> float:
        """Device seconds of a whole job in well-filled batches, by today's estimates."""
        return self._work(price)[1]

    def _work(self, price: Price) -> tuple[float, float]:
        alone = fluid = 0.0
        for work in price.work:
            limit = self._device.batch_limit(work.network, work.shape)
            full = self._device.seconds(work.network, work.shape, limit)
            whole, rest = divmod(work.units, limit)
            alone += whole * full
            if rest:
                alone += self._device.seconds(work.network, work.shape, rest)
            fluid += work.units * full / limit
        return alone, fluid

    def _forecast(self, price: Price, alone: float, fluid: float, finish: float, jobs: Collection[Job]) -> Forecast:
        running = max(0.0, self._device.running_until - now())
        codec_backlog = self._pools.backlog_s(price.pixel_bytes)
        done = max(running + finish, running + alone, codec_backlog) + price.codec_s
        return Forecast(alone, fluid, done)


def _loads(jobs: Collection[Job]) -> list[Load]:
    return [Load(job.request.lane, job.remaining_s) for job in jobs]


def _retry_after(late_s: float) -> float:
    """The backlog shrinks by a second a second."""
    return min(max(late_s, 0.1), LONGEST_RETRY_S)
