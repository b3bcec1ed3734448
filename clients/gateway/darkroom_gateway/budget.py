"""A bound on all uploads together.

Their bytes, so that they cannot fill the memory; their number, so that a gateway short of processor time refuses in
milliseconds instead of queueing what the server behind would refuse anyway.
"""

from types import TracebackType
from typing import Self

from darkroom_gateway.problems import busy


class Budget:
    """Counts what requests hold; nothing waits here, what does not fit is refused."""

    def __init__(self, pictures: int, most_bytes: int) -> None:
        self._most_pictures, self._most_bytes = pictures, most_bytes
        self.pictures = 0
        self.bytes = 0

    def open(self) -> "Held":
        """One request's share. Raises Problem (429) when there are as many as may be."""
        if self.pictures >= self._most_pictures:
            raise busy(f"The gateway has {self._most_pictures} pictures in work already; try again in a moment.")
        return Held(self)

    def grow(self, more: int) -> None:
        """Raises Problem (429) when `more` bytes are more than is left."""
        if self.bytes + more > self._most_bytes:
            raise busy("The gateway holds as many bytes of pictures as it may; try again in a moment.")
        self.bytes += more


class Held:
    """A request's share, for as long as the `with` block lasts."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._bytes = 0

    def grow_to(self, total: int) -> None:
        """Hold `total` bytes at least. Raises Problem (429)."""
        if total > self._bytes:
            self._budget.grow(total - self._bytes)
            self._bytes = total

    def __enter__(self) -> Self:
        self._budget.pictures += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.pictures -= 1
        self._budget.bytes -= self._bytes
        self._bytes = 0
