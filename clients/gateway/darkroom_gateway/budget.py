"""A bound on the pictures that all requests hold together.

Bytes of uploads in work and of results being sent, so that they cannot fill the memory. The number of uploads too, so
that a gateway short of processor time refuses in milliseconds instead of queueing what the server would refuse anyway.
"""

from types import TracebackType
from typing import Self

from darkroom_gateway.problems import BUSY_RETRY_S, Problem, busy


class Budget:
    """Counts what requests hold; nothing waits here, what does not fit is refused."""

    def __init__(self, pictures: int, most_bytes: int) -> None:
        self._most_pictures, self._most_bytes = pictures, most_bytes
        self._senders: dict[str, int] = {}
        self.pictures = 0
        self.bytes = 0

    def open(self) -> "Held":
        """One upload's share. Raises Problem (429) when there are as many as may be."""
        if self.pictures >= self._most_pictures:
            raise busy(f"The gateway has {self._most_pictures} pictures in work already; try again in a moment.")
        return Held(self)

    def send(self, job_id: str, size: int) -> "Sending":
        """The share of a job's result while it is sent; several readers of one result count once.

        Raises Problem: 503 when there is no room now, 422 for a result that never fits.
        """
        if job_id not in self._senders:
            if size > self._most_bytes:
                detail = f"The result has {size:,} bytes; this gateway holds at most {self._most_bytes:,}."
                raise Problem(422, "too_large", f"{detail} Ask for a smaller picture or for JPEG.")
            if not self._fits(size):
                detail = f"The gateway has no room for the result of {size:,} bytes now; try again in a moment."
                raise Problem(503, "unavailable", detail, BUSY_RETRY_S)
            self.bytes += size
        self._senders[job_id] = self._senders.get(job_id, 0) + 1
        return Sending(self, job_id, size)

    def grow(self, more: int) -> None:
        """Raises Problem (429) when `more` bytes are more than is left."""
        if not self._fits(more):
            raise busy("The gateway holds as many bytes of pictures as it may; try again in a moment.")
        self.bytes += more

    def sent(self, job_id: str, size: int) -> None:
        """One reader of a result is done."""
        self._senders[job_id] -= 1
        if not self._senders[job_id]:
            del self._senders[job_id]
            self.bytes -= size

    def _fits(self, more: int) -> bool:
        return self.bytes + more <= self._most_bytes


class Held:
    """An upload's share, for as long as the `with` block lasts."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._bytes = 0

    def grow_to(self, total: int) -> None:
        """Hold `total` bytes at least. Raises Problem (429)."""
        if total > self._bytes:
            self._budget.grow(total - self._bytes)
            self._bytes = total

    def release(self) -> None:
        """The upload's bytes are not needed any more."""
        self._budget.bytes -= self._bytes
        self._bytes = 0

    def __enter__(self) -> Self:
        self._budget.pictures += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.pictures -= 1
        self.release()


class Sending:
    """One reader's part in a result's share, until it is closed."""

    def __init__(self, budget: Budget, job_id: str, size: int) -> None:
        self._budget, self._job_id, self._size = budget, job_id, size
        self._open = True

    def close(self) -> None:
        if self._open:
            self._open = False
            self._budget.sent(self._job_id, self._size)
