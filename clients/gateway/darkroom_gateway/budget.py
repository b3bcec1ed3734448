"""A bound on the bytes of all uploads together, so that many large pictures cannot fill the memory."""

from types import TracebackType
from typing import Self

from darkroom_gateway.problems import busy


class Budget:
    """Counts bytes that requests hold; nothing waits here, what does not fit is refused."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def open(self) -> "Held":
        return Held(self)


class Held:
    """One request's share. Leaving the `with` block gives it back."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._bytes = 0

    def grow_to(self, total: int) -> None:
        """Hold `total` bytes at least. Raises Problem (429) when that is more than is left."""
        more = total - self._bytes
        if more <= 0:
            return
        if self._budget.held + more > self._budget.limit:
            raise busy("The gateway holds as many pictures as it may; try again in a moment.")
        self._budget.held += more
        self._bytes = total

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.held -= self._bytes
        self._bytes = 0
