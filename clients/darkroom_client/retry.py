"""When to try again, and after how long."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from darkroom_client.errors import Busy, DarkroomError


@dataclass(frozen=True)
class Retry:
    """Retries of refused and lost jobs: exponential backoff with full jitter, never past the caller's deadline.

    Only errors that are `retryable` are tried again: the server did nothing, or what it did is gone. Jobs have no
    side effects, so a second try never does harm.
    """

    OFF: ClassVar["Retry"]
    """Raise the first error."""

    tries: int = 5
    """The first try included."""
    busy_tries: int | None = None
    """The same for a busy server, which is in good health and may be worth a longer wait; None: as `tries`."""
    first_s: float = 0.25
    """Upper end of the first pause, seconds; doubles from try to try."""
    most_s: float = 8.0
    """Upper end of every pause, seconds."""
    random: Callable[[], float] = random.random
    """0 <= x < 1; for tests."""

    def pause_s(self, error: DarkroomError, failed_tries: int, remaining_s: float | None) -> float | None:
        """Seconds to wait before the next try; None to give up and raise `error`.

        `failed_tries`: tries that ended so (busy, or otherwise), at least 1. `remaining_s`: of the caller's deadline,
        None without one. The server's `retry_after_s` is a lower bound; jitter goes on top, so that callers who were
        refused together do not come back together
        (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
        """
        tries = self.tries if self.busy_tries is None or not isinstance(error, Busy) else self.busy_tries
        if not error.retryable or failed_tries >= tries:
            return None
        ceiling = min(self.most_s, self.first_s * 2.0 ** (failed_tries - 1))
        pause = (error.retry_after_s or 0.0) + self.random() * ceiling
        if remaining_s is not None and pause >= remaining_s:
            return None
        return pause


Retry.OFF = Retry(tries=1)
