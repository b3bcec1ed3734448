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

_M_ARENA_MAX = -8


class IdleTrim:
    """Returns free heap pages to the system whenever an engine has been idle for a second. Used from one thread."""

    def __init__(self, release: Callable[[], None]) -> None:
        """`release`: frees what networks keep between batches."""
        self._release = release
        self._libc = None
        with contextlib.suppress(OSError, AttributeError):
            libc = ctypes.CDLL(ctypes.util.find_library("c"))
            libc.mallopt(_M_ARENA_MAX, ARENAS)
            libc.malloc_trim  # noqa: B018 -- musl has none
            self._libc = libc
        self._busy_at = now()
        self._trimmed = True

    def look(self, engine: Engine) -> None:
        """Call it often; it acts once after each busy time."""
        if engine.jobs:
            self._busy_at, self._trimmed = now(), False
        elif not self._trimmed and now() - self._busy_at > IDLE_S:
            self._trimmed = True
            self._release()
            if self._libc is not None:
                self._libc.malloc_trim(0)
