"""How large a batch may be that fits the device's memory: learnt from those that did not. Pure bookkeeping.

Memory is short because of what else lies there, so a bound that was met is a bound for a while: it is tried again,
a little higher, and at longer intervals if that fails.
"""

import threading
from collections.abc import Hashable
from dataclasses import dataclass

HOLD_S, LONGEST_HOLD_S = 30.0, 600.0
"""Seconds until a bound is tried again; twice as long each time that it failed, at most ten minutes."""
STEP = 4
"""A bound is raised by one part in so many, at least by one unit."""


@dataclass
class _Ceiling:
    units: int
    raise_at: float
    hold_s: float = HOLD_S
    proven: int = 0
    """The largest batch that ran since the last one that did not fit."""


class Ceilings:
    """Bounds by (network, shape), for those that met one. Thread-safe; times are the caller's clock, in seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ceilings: dict[Hashable, _Ceiling] = {}

    def units(self, key: Hashable, most: int) -> int:
        """Units that a batch of `key` may have, 1 to `most`."""
        ceiling = self._ceilings.get(key)
        return most if ceiling is None else min(most, ceiling.units)

    def lower(self, key: Hashable, failed: int, now: float) -> None:
        """A batch of `failed` units did not fit: go back to what did, or to half."""
        with self._lock:
            last = self._ceilings.get(key)
            if last is not None and failed > last.units:
                return  # it was on its way when the bound was lowered
            proven = last.proven if last is not None and last.proven < failed else 0
            hold_s = HOLD_S if last is None or not proven else min(2 * last.hold_s, LONGEST_HOLD_S)
            self._ceilings[key] = _Ceiling(proven or max(1, failed // 2), now + hold_s, hold_s)

    def fitted(self, key: Hashable, units: int, most: int, now: float) -> None:
        """A batch of `units` ran: raise a bound that it filled and that was held long enough; forget one that reached
        `most`."""
        with self._lock:
            ceiling = self._ceilings.get(key)
            if ceiling is None:
                return
            ceiling.proven = max(ceiling.proven, units)
            if units >= ceiling.units and now >= ceiling.raise_at:
                ceiling.units += max(1, ceiling.units // STEP)
                ceiling.raise_at = now + ceiling.hold_s
                if ceiling.units > most:
                    del self._ceilings[key]
