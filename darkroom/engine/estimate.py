"""How long a batch takes: a running estimate per (network, shape), learnt from the batches that ran.

A batch of n units is modelled as t(n) = a + b * n, fitted by exponentially weighted least squares. A shape that never
ran borrows the network's seconds per pixel from the shapes that did.
"""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass

DECAY = 0.95
"""Weight of the past at each new batch: about the last twenty batches count."""

OUTLIER, OUTLIER_AFTER = 4.0, 3.0
"""Once so many batches are known, one that took so many times longer than expected counts as no more than that."""


@dataclass
class _Fit:
    weight: float = 0.0
    n: float = 0.0
    nn: float = 0.0
    t: float = 0.0
    nt: float = 0.0

    def add(self, n: int, seconds: float) -> None:
        if self.weight > OUTLIER_AFTER:
            seconds = min(seconds, OUTLIER * self.seconds(n))  # a hiccup of the machine, not a slower network
        for name, value in (("weight", 1.0), ("n", n), ("nn", n * n), ("t", seconds), ("nt", n * seconds)):
            setattr(self, name, getattr(self, name) * DECAY + value)

    def seconds(self, n: int) -> float:
        spread = self.weight * self.nn - self.n * self.n
        per_unit = self.t / self.n
        if spread > 1e-3 * self.nn * self.weight:
            slope = (self.weight * self.nt - self.n * self.t) / spread
            base = (self.t - slope * self.n) / self.weight
            if slope > 0 and base >= 0:
                return base + slope * n
        return per_unit * n  # one batch size seen, or noise stronger than the slope


class Estimates:
    """Seconds per batch, thread-safe. `size` is the work of one unit relative to others of its network (pixels)."""

    def __init__(self, prior_s_per_size: float = 1e-6) -> None:
        """`prior_s_per_size`: seconds per unit of size before anything has run."""
        self._lock = threading.Lock()
        self._fits: dict[tuple[Hashable, Hashable], _Fit] = {}
        self._rates: dict[Hashable, tuple[float, float]] = {}
        self._prior = prior_s_per_size

    def observe(self, network: Hashable, shape: Hashable, size: float, n: int, seconds: float) -> None:
        """Book one batch of `n` units that took `seconds` of device time."""
        with self._lock:
            self._fits.setdefault((network, shape), _Fit()).add(n, seconds)
            self._add_rate(network, size * n, seconds)

    def observe_rate(self, network: Hashable, size: float, seconds: float) -> None:
        """Book work whose time follows its size alone (a codec, a resize)."""
        with self._lock:
            self._add_rate(network, size, seconds)

    def _add_rate(self, network: Hashable, size: float, seconds: float) -> None:
        total_s, total = self._rates.get(network, (0.0, 0.0))
        self._rates[network] = (total_s * DECAY + seconds, total * DECAY + size)

    def seconds(self, network: Hashable, shape: Hashable, size: float, n: int) -> float:
        """Expected device seconds of one batch of `n` units."""
        with self._lock:
            fit = self._fits.get((network, shape))
            if fit is not None:
                return fit.seconds(n)
            total_s, total = self._rates.get(network, (0.0, 0.0))
            rate = total_s / total if total > 0 else self._prior
            return rate * size * n

    def usual_batch(self, network: Hashable, shape: Hashable, limit: int) -> int:
        """Units that the last twenty or so batches had on average, 1 to `limit`; `limit` when none ran."""
        with self._lock:
            fit = self._fits.get((network, shape))
            return min(limit, max(1, round(fit.n / fit.weight))) if fit is not None else limit

    def batch_limit(self, network: Hashable, shape: Hashable, size: float, most: int, seconds: float) -> int:
        """The largest batch of at most `most` units that is expected to run within `seconds`; at least 1."""
        return largest_batch(lambda n: self.seconds(network, shape, size, n), most, seconds)


def largest_batch(seconds_of: Callable[[int], float], most: int, seconds: float) -> int:
    """Units of the largest batch, at most `most`, that takes no longer than `seconds`; at least 1."""
    while most > 1 and seconds_of(most) > seconds:
        most -= 1
    return most
