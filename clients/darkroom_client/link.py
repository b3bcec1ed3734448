"""What the core needs from the outside world, and how coroutines run without an event loop.

The core is written once, as coroutines over `Link`. `AsyncDarkroom` awaits them on an event loop. `Darkroom` gives
them a link whose methods block instead of suspending, and `drive` runs them to their end in the calling thread.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

from darkroom_client.address import Address
from darkroom_client.wire import Answer, Call

T = TypeVar("T")

About = Literal["server", "server_ready", "index", "model", "model_config", "model_ready", "load", "unload"]


@dataclass(frozen=True)
class Question:
    """One question about the server or a model that is no inference; `load` and `unload` change what is served."""

    about: About
    model: str = ""
    version: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 10.0
    config: str | None = None
    """For `load`: the model's configuration as JSON, instead of that in its folder."""


class Pending(Protocol):
    """An inference request that is on its way."""

    async def wait(self, seconds: float) -> Answer | None:
        """The answer, or None when it has not come within `seconds`. Raises Failure."""

    async def abandon(self) -> None:
        """Stop waiting; tells the server where the protocol can. Never raises."""


class Link(Protocol):
    """A connection to one server, with the clock and the threads that go with it."""

    address: Address
    cancel_reaches_server: bool
    """Whether `Pending.abandon` stops the job (gRPC), or leaves that to the model `jobs` (HTTP)."""

    def now(self) -> float:
        """Monotonic seconds."""

    async def sleep(self, seconds: float) -> None: ...

    async def offload(self, work: Callable[[], T]) -> T:
        """Run blocking work (reading a file, encoding a PNG) where it holds nobody up."""

    async def start(self, call: Call) -> Pending:
        """Send a request."""

    async def ask(self, question: Question) -> Any:
        """The answer as JSON-like data; a bool for the `ready` questions. Raises Failure."""

    async def close(self) -> None: ...


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine whose link never suspends. KeyboardInterrupt surfaces inside it, so it can clean up."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    coroutine.close()
    raise RuntimeError("a blocking link suspended: it must do its waiting inside the call")


def iterate(generator: AsyncGenerator[T, None]) -> Iterator[T]:
    """The same for an asynchronous generator. Closing the iterator early closes the generator."""
    try:
        while True:
            try:
                yield drive(_next(generator))
            except StopAsyncIteration:
                return
    finally:
        drive(_close(generator))


async def _next(generator: AsyncGenerator[T, None]) -> T:
    return await generator.__anext__()


async def _close(generator: AsyncGenerator[T, None]) -> None:
    await generator.aclose()
