"""Give memory back: glibc keeps what threads freed, and after a day of posters that would be the whole budget."""

import contextlib
import ctypes
import ctypes.util
from collections.abc import Callable

from darkroom.engine import Engine
from darkroom.engine.job import now

ARENAS = 4
"""Heaps that threads share; by default glibc makes eight a core, and each keeps its own leftovers."""
IDLE_S = 1.0
BUSY_S = 30.0
"""Between two trims under load: what a spell of backlog freed is otherwise kept until the load ends."""

MMAP_BYTES, TRIM_BYTES = 8 * 2**20, 16 * 2**20
"""Arrays up to the first bound come from a heap, and the second is what each heap keeps at its end, since malloc_trim
does not touch the ends of threads' heaps. With the bounds that are right for tritonserver (server/distribution.py)
every array above 1 MiB would be a mapping of its own, whose pages the kernel clears each time (12 MB for a 256x256 x4,
4 % of its time); with 32 and 512 MiB a server of three models kept 125 MiB more at rest."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


class Trim:
    """Returns free heap pages to the system whenever an engine has been idle for a second, and now and then while it
    is busy. Used from one thread."""

    def __init__(self, release: Callable[[], None]) -> None:
        """`release`: frees what networks keep between batches."""
        self._release = release
        self._libc = None
        with contextlib.suppress(OSError, AttributeError):
            libc = ctypes.CDLL(ctypes.util.find_library("c"))
            libc.mallopt(_M_ARENA_MAX, ARENAS)
            libc.mallopt(_M_MMAP_THRESHOLD, MMAP_BYTES)
            libc.mallopt(_M_TRIM_THRESHOLD, TRIM_BYTES)
            libc.malloc_trim  # noqa: B018 -- musl has none
            self._libc = libc
        self._busy_at = self._trimmed_at = now()
        self._clean = True

    def look(self, engine: Engine) -> None:
        """Call it often; it acts once after each busy time, and every BUSY_S within it."""
        time_now = now()
        if engine.jobs:
            self._busy_at, self._clean = time_now, False
            if time_now - self._trimmed_at > BUSY_S:
                self._trim()
        elif not self._clean and time_now - self._busy_at > IDLE_S:
            self._clean = True
            self._release()
            self._trim()

    def _trim(self) -> None:
        if self._libc is not None:
            self._libc.malloc_trim(0)
        self._trimmed_at = now()
