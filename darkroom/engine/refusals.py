"""Refusals that still hold. Pure.

Under overload most newcomers are refused, and for the same reason as the one before: some admitted job would pay for
them with its deadline. That does not change until a batch has run or somebody gives up, and who asks for as much or
more in the same lane is refused as well; to compute it anew for each would keep the next newcomers waiting.
"""

from typing import NamedTuple

from darkroom.engine.fair import Lane
from darkroom.errors import BusyError

HOLDS_S = 0.05
"""Not longer than this, whatever runs: a job that has left its codecs makes room too, and whoever comes back
when a refusal said is looked at anew."""


class Asked(NamedTuple):
    """What a newcomer asks for."""

    lane: Lane
    fluid_s: float
    """Device seconds."""
    codec_s: float
    """Thread seconds of codecs."""

    def is_as_much_as(self, other: "Asked") -> bool:
        return self.lane == other.lane and self.fluid_s >= other.fluid_s and self.codec_s >= other.codec_s


class Refusal(NamedTuple):
    """Somebody was refused for another's sake."""

    asked: Asked
    at: float
    message: str
    retry_after_s: float | None

    def holds(self, now: float) -> bool:
        return now - self.at < HOLDS_S


class Refusals:
    """Those since work was last done or given up. Safe from any thread: what a race loses is computed again, and what
    it keeps by mistake does not hold for long."""

    def __init__(self) -> None:
        self._lately: tuple[Refusal, ...] = ()

    def forget(self) -> None:
        """There may be room."""
        self._lately = ()

    def add(self, refusal: Refusal) -> None:
        """Keep it instead of those that it says more than, and of those that no longer hold."""
        kept = [
            other for other in self._lately if other.holds(refusal.at) and not other.asked.is_as_much_as(refusal.asked)
        ]
        self._lately = (*kept, refusal)

    def find(self, asked: Asked, now: float) -> BusyError | None:
        """The error for whoever asks for so much; None when it must be computed."""
        for refusal in self._lately:
            if asked.is_as_much_as(refusal.asked) and refusal.holds(now):
                return BusyError(refusal.message, refusal.retry_after_s)
        return None
