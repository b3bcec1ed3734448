"""Admission: price a job, foresee its end, and refuse it at once when it, or a job before it, would come too late.

Pure arithmetic over what a device says of its batches, by the clock that it is given: the engine's, or that of
simulated time (perf.plan).
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from darkroom.engine.commitment import Commitment, Forecast
from darkroom.engine.fair import Lane
from darkroom.engine.forecast import Loads, Neighbour, done_times, finish_times, in_order, in_turns
from darkroom.engine.line import PixelBudget
from darkroom.engine.pace import Pace
from darkroom.engine.price import Price
from darkroom.engine.refusals import Asked, Refusal, Refusals
from darkroom.errors import BusyError, DeadlineError
from darkroom.network import Network

CAUTION = 1.1
"""A forecast is taken this much longer than computed when it is held against a deadline."""
NEWCOMERS = 0.1
"""And so much more for a job that was just admitted, falling to nothing at its deadline: small ones will come and pass
it. Without it the door shuts for seconds as soon as one large job is at its limit, and then lets in too many."""
MANY = 4
"""So many jobs a codec thread are enough to keep device and codecs busy, if anything is."""
QUANTA = 2.0
"""So many batches more may come between for each shape of a job's units, led by other jobs."""
COMPANY = 0.5
"""How much longer a job's own batches take in company, at most (measured: python -m perf.quotes)."""
BIAS, LEARNING_RATE = (0.5, 2.0), 0.05
"""Bounds of what forecasts are corrected by, and how fast: about the last twenty jobs count."""
LONGEST_RETRY_S = 60.0
LONGEST_DEADLINE_S = 3600.0
"""What the option deadline_s allows."""
DEADLINE_MARGIN, DEADLINE_SPARE_S = 2.0, 2.0
"""A refusal names this many times the estimate plus this many seconds as the deadline: estimates of large pictures are
extrapolated from small ones, and a second refusal would be worse than a long deadline."""
IDLE_BELIEF = 2.0
"""An idle engine takes a job that is estimated at up to so many times its deadline: the estimate may be old."""


class Batches(Protocol):
    """What a device says of its batches (darkroom.engine.device.Device)."""

    running_until: float
    """When the batch on the device is expected to end."""
    mean_batch_s: float
    """Device seconds of one batch, lately."""

    def batch_limit(self, network: Network, shape: tuple[int, ...]) -> int:
        """Units of `shape` in one run of `network`, at most."""

    def usual_batch(self, network: Network, shape: tuple[int, ...], limit: int) -> int:
        """Units that batches of this shape lately had, at most `limit`."""

    def seconds(self, network: Network, shape: tuple[int, ...], units: int) -> float:
        """Expected device seconds of one batch of `units`."""


class Queue(NamedTuple):
    """What jobs wait for: the device, or the threads of the codecs where those are behind."""

    loads: Loads
    codecs: bool


class Admission:
    """Forecasts from the estimates of the device and the jobs already admitted."""

    def __init__(self, device: Batches, budget: PixelBudget, codec_threads: int, clock: Callable[[], float]) -> None:
        """`budget` says who is small; `clock`: seconds, the one of the device's and the jobs' times."""
        self._device = device
        self._is_small = budget.is_small
        self._threads = codec_threads
        self._now = clock
        self._bias = {True: 1.0, False: 1.0}
        self._pace = Pace()
        self._refusals = Refusals()
        self.neighbours: tuple[Neighbour, ...] = ()
        """The other processes that want the device; renewed by the board."""

    def etas(self, jobs: Collection[Commitment]) -> list[float]:
        """Seconds from now until each job's units are done, if nobody else came. `jobs`: the oldest first."""
        queue = self._queue(jobs)
        return self._done_times(queue.codecs, finish_times(queue.loads), in_order(queue.loads))

    def worked(self, device_s: float, codec_s: float, jobs: int) -> None:
        """A batch of `device_s` has ended; since the last, jobs of `codec_s` thread seconds were answered; `jobs` are
        still here. From one thread."""
        # what neighbours take is not ours to do: in_turns knows of it
        many = jobs >= MANY * self._threads and not self.neighbours
        self._pace.book(device_s, codec_s / self._threads, self._now(), many=many)
        self._refusals.forget()

    def left(self) -> None:
        """A job has left with its work undone: there is room at once."""
        self._refusals.forget()

    def learn(self, price: Price, computed_s: float, actual_s: float) -> None:
        """Compare a forecast with what came: those who come later, and a busy machine, make most jobs a little later.
        Small and large jobs learn apart."""
        small = self._is_small(price.pixel_bytes)
        ratio = min(max(actual_s / max(computed_s, 1e-3), BIAS[0]), BIAS[1])
        self._bias[small] += LEARNING_RATE * (ratio - self._bias[small])

    def forecast(self, price: Price, lane: Lane, jobs: Collection[Commitment]) -> Forecast:
        """Foresee a newcomer among `jobs`, the oldest first."""
        forecast, *_ = self._foresee(price, self._cost(price), lane, self._queue(jobs))
        return forecast

    def admit(self, price: Price, lane: Lane, within_s: float, jobs: Sequence[Commitment]) -> Forecast:
        """Foresee a newcomer that has `within_s` seconds, or refuse it: DeadlineError when it could not make that even
        alone, BusyError when it, or a job admitted before it, would come too late among the others. `jobs`: the oldest
        first."""
        cost = self._cost(price)
        alone_s = price.answered_s(cost.alone_s)
        # when nobody is in the way: a wrong estimate mends itself only when something runs
        idle = not jobs and not self.neighbours
        if alone_s > within_s and not (idle and alone_s < IDLE_BELIEF * within_s):
            raise _too_short(alone_s, within_s)
        asked = Asked(lane, cost.fluid_s, price.codec_s)
        if jobs and (refusal := self._refusals.find(asked, self._now())):
            raise refusal
        queue = self._queue(jobs)
        forecast, fair, in_turn = self._foresee(price, cost, lane, queue)
        if idle:
            return forecast
        between_s = self._between_s() * len(price.work)
        late = CAUTION * (forecast.done_s + between_s) - within_s
        if late > 0:
            raise BusyError(
                f"Busy: the job would be done in about {forecast.done_s:.1f} s; its deadline is {within_s:.1f} s.",
                retry_after_s=_retry_after(late),
            )
        try:
            self._protect(jobs, queue, fair, in_turn)
        except BusyError as error:
            self._refusals.add(Refusal(asked, self._now(), error.message, error.retry_after_s))
            raise
        return forecast

    def sufficient_s(self, price: Price) -> float | None:
        """The deadline that would do for this job on an idle server, seconds; None where none that is allowed would."""
        return sufficient_s(price.answered_s(self._cost(price).alone_s))

    def fluid_s(self, price: Price) -> float:
        """Device seconds of a whole job in batches as full as they lately were."""
        return self._cost(price).fluid_s

    def _queue(self, jobs: Collection[Commitment]) -> Queue:
        """What `jobs` wait for: whichever of device and codecs has more to do."""
        lanes, device = [job.lane for job in jobs], [job.remaining_s for job in jobs]
        device_s = in_turns(sum(device), self._device.mean_batch_s, self.neighbours)
        codec_s = [job.codec_s for job in jobs]
        if sum(codec_s) > device_s * self._threads:
            return Queue(Loads(lanes, [seconds / self._threads for seconds in codec_s]), codecs=True)
        return Queue(Loads(lanes, device), codecs=False)

    def _foresee(
        self, price: Price, cost: Forecast, lane: Lane, queue: Queue
    ) -> tuple[Forecast, list[float], list[float]]:
        """A newcomer's forecast, and when those in the queue are done with it among them, by `finish_times` and by
        `in_order`."""
        own_s = price.codec_s / self._threads if queue.codecs else cost.fluid_s
        loads = queue.loads.and_one(lane, own_s)
        fair, in_turn = finish_times(loads), in_order(loads)
        return self._done(price, cost, queue.codecs, own_s, fair.pop(), in_turn.pop()), fair, in_turn

    def _protect(self, jobs: Sequence[Commitment], queue: Queue, fair: list[float], in_turn: list[float]) -> None:
        """Refuse whom an admitted job would pay for with its deadline. `queue` of the jobs alone; `fair`, `in_turn`: by
        `finish_times` and by `in_order`, with the newcomer among them."""
        between_s, at, pace = CAUTION * self._between_s(), self._now(), self._pace.value
        after_s = self._done_times(queue.codecs, fair, in_turn)
        at_risk = [
            (place, left_s, wanted_s - left_s)
            for place, (job, seconds) in enumerate(zip(jobs, after_s, strict=True))
            if (left_s := job.deadline_at - at - job.codec_s - between_s * len(job.price.work))
            < (wanted_s := (CAUTION + NEWCOMERS * (job.deadline_at - at) / job.given_s) * seconds / pace)
        ]
        if not at_risk:
            return
        alone = finish_times(queue.loads)
        # their turns are taken for the same without it: only another lane's would differ
        before_s = self._done_times(
            queue.codecs, [alone[place] for place, *_ in at_risk], [in_turn[place] for place, *_ in at_risk]
        )
        for (place, left_s, short_s), before in zip(at_risk, before_s, strict=True):
            # one that is beyond saving has no claim
            if before < after_s[place] and before <= left_s:
                raise BusyError(
                    "Busy: with this job, one that was admitted before it would miss its deadline.",
                    retry_after_s=_retry_after(short_s),
                )

    def _cost(self, price: Price) -> Forecast:
        alone = fluid = longest = 0.0
        for work in price.work:
            limit = self._device.batch_limit(work.network, work.shape)
            full = self._device.seconds(work.network, work.shape, limit)
            whole, rest = divmod(work.units, limit)
            last = self._device.seconds(work.network, work.shape, rest) if rest else 0.0
            usual = self._device.usual_batch(work.network, work.shape, limit)
            alone += whole * full + last
            fluid += work.units * self._device.seconds(work.network, work.shape, usual) / usual
            longest = max(longest, full if whole else last)
        return Forecast(alone, fluid, longest)

    def _done(self, price: Price, cost: Forecast, codecs: bool, own_s: float, fair: float, in_turn: float) -> Forecast:
        """`own_s`: what it adds to the queue. `fair`, `in_turn`: seconds until that is done by `finish_times` and by
        `in_order`."""
        (finish,) = done_times([fair], [in_turn])
        # batches of other shapes come between its own, so company costs more than its share of the device
        others = max(0.0, finish - own_s)
        computed = self._answered(price, cost, codecs, others + COMPANY * min(cost.alone_s, others))
        return replace(
            cost,
            computed_s=computed,
            done_s=computed * self._bias[self._is_small(price.pixel_bytes)],
            turn_s=self._answered(price, cost, codecs, max(0.0, in_turn - own_s)),
        )

    def _answered(self, price: Price, cost: Forecast, codecs: bool, others_s: float) -> float:
        """Seconds until the answer of a job that waits `others_s` for others."""
        device = max(0.0, self._device.running_until - self._now()) + cost.alone_s + (0.0 if codecs else others_s)
        device = in_turns(device, max(self._device.mean_batch_s, cost.batch_s), self.neighbours)
        return price.answered_s(max(device, others_s))

    def _between_s(self) -> float:
        """What may come between for each shape of a job's units."""
        return QUANTA * self._device.mean_batch_s

    def _done_times(self, codecs: bool, fair: Sequence[float], in_turn: Sequence[float]) -> list[float]:
        """`fair`, `in_turn`: by `finish_times` and by `in_order`. Neighbours counted in: they take turns on the device,
        not on our threads."""
        finish = done_times(fair, in_turn)
        if codecs or not self.neighbours:
            return finish
        return [in_turns(finish_s, self._device.mean_batch_s, self.neighbours) for finish_s in finish]


def sufficient_s(alone_s: float) -> float | None:
    """The deadline to name for a job that is estimated at `alone_s` seconds on an idle server, in seconds. Rounded
    up to two digits, because it is an estimate. None where even the longest allowed deadline is too short."""
    if CAUTION * alone_s > LONGEST_DEADLINE_S:
        return None
    wanted = DEADLINE_MARGIN * alone_s + DEADLINE_SPARE_S
    step = 10.0 ** max(0, math.floor(math.log10(wanted)) - 1)
    return min(math.ceil(wanted / step) * step, LONGEST_DEADLINE_S)


def _too_short(alone_s: float, within_s: float) -> DeadlineError:
    sentence = f"This job needs about {alone_s:.1f} s by itself; its deadline is {within_s:.1f} s"
    enough_s = sufficient_s(alone_s)
    if enough_s is None:
        return DeadlineError(f"{sentence}, and at most {LONGEST_DEADLINE_S:g} s are allowed: it is too large.")
    return DeadlineError(f"{sentence}; send deadline_s={enough_s:g}.", deadline_s=enough_s)


def _retry_after(late_s: float) -> float:
    """The backlog shrinks by a second a second."""
    return min(max(late_s, 0.1), LONGEST_RETRY_S)
