"""How much of what jobs are priced at is done in a second, while many wait: 1 if the device never rests and estimates
are right, less where the processor has other work, or device and codecs wait for each other. Pure bookkeeping."""

import math

MEMORY_S = 5.0
"""About so many seconds count."""


class Pace:
    """Booked by one thread; `value` may be read by any."""

    def __init__(self) -> None:
        self._passed_s = self._device_s = self._codecs_s = MEMORY_S / 2
        self._last: float | None = None
        self.value = 1.0
        """Seconds of work a second, above 0 to 1."""

    def book(self, device_s: float, codecs_s: float, now: float, *, many: bool) -> None:
        """`device_s`, `codecs_s`: what device and codecs (all threads together) have done since the last time; `now`:
        seconds, by any steady clock; `many`: whether so many jobs wait from here on that what limits them is not their
        number."""
        if self._last is not None:
            passed_s = now - self._last
            kept = math.exp(-passed_s / MEMORY_S)
            self._passed_s = kept * self._passed_s + passed_s
            self._device_s = kept * self._device_s + device_s
            self._codecs_s = kept * self._codecs_s + codecs_s
            self.value = min(1.0, max(self._device_s, self._codecs_s, 1e-3) / self._passed_s)
        self._last = now if many else None
