"""How often and how soon something is tried again."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Attempt:
    """One try: its number, from 1, and the seconds to wait before it."""

    number: int
    pause_s: float


@dataclass
class Backoff:
    """Tries that follow each other closely wait longer each time and are limited; after a calm they count anew."""

    limit: int
    first_s: float
    """Pause before the second try; the first does not wait, and each later one waits twice as long."""
    most_s: float
    calm_s: float
    """Seconds without a new try after which earlier ones are forgotten."""
    _number: int = 0
    _last: float = float("-inf")

    def next(self, now: float) -> Attempt | None:
        """The next try, as it begins; None when the limit is reached. `now`: seconds of a monotonic clock."""
        if now - self._last > self.calm_s:
            self._number = 0
        if self._number >= self.limit:
            return None
        self._number += 1
        pause = 0.0 if self._number == 1 else min(self.most_s, self.first_s * 2.0 ** (self._number - 2))
        self._last = now + pause
        return Attempt(self._number, pause)

    def forget(self) -> None:
        """Count from 1 again: somebody mended it by hand."""
        self._number, self._last = 0, float("-inf")

    def touch(self, now: float) -> None:
        """The try has ended: calm begins now. A try may take longer than the calm."""
        self._last = now
