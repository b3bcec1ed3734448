"""What the engine has taken on with a job: how much of it is still to come, and by when. Pure; times are seconds by the
clock of whoever admits, so that a simulation (perf.plan) makes the same promises as the engine."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from darkroom.engine.fair import Share
from darkroom.engine.price import Price, Work

PROMISE = 1.5
"""What is promised is this much more than what is foreseen, and two batches: others may come."""


@dataclass(frozen=True)
class Forecast:
    """All in seconds."""

    alone_s: float
    """Device time of the job alone."""
    fluid_s: float
    """Its share of full batches."""
    batch_s: float
    """Its longest batch."""
    computed_s: float = 0.0
    """From now until the answer, if nobody else came."""
    done_s: float = 0.0
    """From now until the answer, as forecasts lately came true."""
    turn_s: float = 0.0
    """From now until the answer, if the oldest always went first."""

    @property
    def due_s(self) -> float:
        """From then on it is behind."""
        return self.turn_s + self.batch_s

    @property
    def promise_s(self) -> float:
        """What the engine holds itself to."""
        return PROMISE * self.done_s + 2 * self.batch_s


class Commitment:
    """One admitted job, as admission and the lines see it."""

    def __init__(self, price: Price, share: Share[Any, Any], deadline_at: float, encoded_bytes: int = 0) -> None:
        """`share`: its place in the line for the device. `encoded_bytes`: what it holds while it is not decoded."""
        self.price = price
        """What it still stands for in forecasts: `expect` changes its work."""
        self.share = share
        self.lane = share.lane
        self.codec_s = price.codec_s
        """Thread seconds of decoding, stitching and encoding; all of them are owed until it ends."""
        self.encoded_bytes = encoded_bytes
        self.tag = 0.0
        """Place in the line of encoded jobs: smallest first."""
        self.deadline_at = deadline_at
        self.given_s = 1.0
        """From its admission until its deadline."""
        self.promised_at = deadline_at
        self.due_at = deadline_at
        """When it would be done if the oldest always went first: from then on it is behind."""
        self.units_total = price.units
        self.units_done = 0
        self._priced_at = 0
        self.fluid_s = 0.0
        """Device seconds of the whole job in well-filled batches, as last estimated."""
        self.remaining_s = 0.0
        """Device seconds still to come, in well-filled batches. An attribute, since every refusal reads it of all."""
        self.batch_s = 0.0
        """Its longest batch, device seconds."""
        self.computed_s = 0.0
        """Seconds until the answer as computed at admission, before any correction."""

    def promise(self, forecast: Forecast, now: float) -> None:
        """Take on what was foreseen at its admission."""
        self.given_s = max(self.deadline_at - now, 1e-3)
        self.estimate(forecast.fluid_s)
        self.batch_s = forecast.batch_s
        self.computed_s = forecast.computed_s
        self.due_at = now + forecast.due_s
        self.promised_at = min(now + forecast.promise_s, self.deadline_at)

    def estimate(self, fluid_s: float) -> None:
        """Take `fluid_s` for the device seconds of the whole job in well-filled batches."""
        self.fluid_s = fluid_s
        priced = self.units_total - self._priced_at
        to_come = min(1.0, max(0.0, (self.units_total - self.units_done) / priced)) if priced > 0 else 0.0
        self.remaining_s = fluid_s * to_come

    def count_unit(self) -> None:
        """One of its units has run."""
        self.units_done += 1
        self.estimate(self.fluid_s)

    def expect(self, to_come: Iterable[Work]) -> None:
        """Only this much is still to come. Wants a new estimate; the promise stays."""
        self.price = replace(self.price, work=tuple(to_come))
        self.units_total = self.units_done + self.price.units
        self._priced_at = self.units_done

    def renew_promise(self, now: float) -> None:
        """It must run before it falls behind those that came after it, or misses its promise or, when that is lost, its
        deadline."""
        due = min(self.due_at, self.promised_at if now < self.promised_at else self.deadline_at)
        self.share.latest_start = due - self.remaining_s - self.batch_s
