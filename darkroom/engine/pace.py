"""How much of what jobs are priced at is done in a second, while many wait: 1 if the device never rests and estimates
are right, less where the processor has other work, or device and codecs wait for each other. Pure bookkeeping."""

import math

MEMORY_S = 5.0
"""About so many seconds count."""
SLOWEST = 0.5
"""A device that stood still for a while must not shut the door for long."""


class Pace:
    """Booked by one thread; `value` may be read by any."""

    def __init__(self) -> None:
        self._passed_s = self._device_s = self._codecs_s = MEMORY_S / 2
        self._last = 0.0
        self._many = False
        self.value = 1.0
        """Seconds of work a second, SLOWEST to 1."""

    def book(self, device_s: float, codecs_s: float, now: float, *, many: bool) -> None:
        """`device_s`, `codecs_s`: what device and codecs (all threads together) have done since the last time; `now`:
        seconds, by any steady clock; `many`: whether so many jobs wait from here on that what limits them is not their
        number. Where they were few, time restores the full pace."""
        passed_s = now - self._last
        kept = math.exp(-passed_s / MEMORY_S)
        self._passed_s = kept * self._passed_s + passed_s
        self._device_s = kept * self._device_s + (device_s if self._many else passed_s)
        self._codecs_s = kept * self._codecs_s + (codecs_s if self._many else passed_s)
        self.value = min(1.0, max(SLOWEST, max(self._device_s, self._codecs_s) / self._passed_s))
        self._last, self._many = now, many
