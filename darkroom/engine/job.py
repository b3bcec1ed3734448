"""A job: what was asked for, and what its pipeline may ask of the engine while it works."""

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

from darkroom.engine.commitment import Commitment
from darkroom.engine.fair import Lane, Share
from darkroom.engine.price import Price, Work
from darkroom.errors import DarkroomError, InternalError
from darkroom.network import Network, Unit

if TYPE_CHECKING:
    from darkroom.engine.core import Engine

P = ParamSpec("P")
T = TypeVar("T")

Key = tuple[Network, tuple[int, ...]]
"""What calls must have in common to share a batch: the network and the shape of their first input."""

State = Literal["waiting", "running", "done"]


@dataclass(frozen=True)
class Request:
    """One job as it comes to the engine."""

    id: str
    """Names the job to callers; unique among running jobs."""
    price: Price
    body: "Callable[[Job], Awaitable[Any]]"
    """The pipeline: a coroutine function over the job. What it returns is the answer."""
    answer: Callable[[Any, DarkroomError | None], None]
    """Called exactly once, from the engine's thread pool or loop: (result, None) or (None, error)."""
    deadline_s: float
    """Seconds from submission until the answer must be there."""
    lane: Lane = "interactive"
    encoded_bytes: int = 0
    is_cancelled: Callable[[], bool] = lambda: False
    """Asks the front end whether the caller has gone; polled from a thread of its own."""
    named: bool = True
    """False when the id was made up: nobody will look for it at once."""


@dataclass
class Timings:
    """Seconds of one job's life, for its report."""

    queue_s: float = 0.0
    decode_s: float = 0.0
    infer_s: float = 0.0
    encode_s: float = 0.0
    stitch_s: float = 0.0
    """Thread seconds that results took to be put in their place, as part of infer_s."""


@dataclass(eq=False)
class Call:
    """One unit in line for the device."""

    job: "Job"
    network: Network
    unit: Unit
    sink: "Sink"
    index: int

    @property
    def key(self) -> Key:
        return (self.network, self.unit[0].shape)


class Sink(ABC):
    """Where the results of a job's calls go. Runs on the engine's event loop."""

    @abstractmethod
    def deliver(self, results: list[tuple[int, Unit]]) -> None:
        """Take the results of one batch that belong to this sink: (index of the call, outputs)."""

    @abstractmethod
    def fail(self, error: BaseException) -> None:
        """A call of this sink failed."""


class Job(Commitment):
    """One admitted job. Pipelines use `run`, `map`, `in_pool`, `reprice` and `timings`; the rest belongs to the
    engine."""

    def __init__(self, engine: "Engine", request: Request, share: Share[Call, Key], now: float) -> None:
        super().__init__(request.price, share, now + request.deadline_s, request.encoded_bytes)
        self.engine = engine
        self.request = request
        self.state: State = "waiting"
        self.admitted_at = now
        self.started_at: float | None = None
        self.batches = 0
        self.device_s = 0.0
        self._ran: Counter[Key] = Counter()
        """Units of each kind that have run since the job was last priced."""
        self._progress = 0.0
        self.timings = Timings()
        self.notes: dict[str, Any] = {}
        """What the pipeline wants others to see while it works (a preview, say)."""
        self.report: dict[str, Any] = {}
        """What the pipeline adds to the job's report."""
        self.task: asyncio.Task[Any] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.stop_reason: DarkroomError | None = None

    def reprice(self, to_come: Iterable[Work]) -> None:
        """Say what is really still to come, once the pipeline knows (how many faces there are, say): progress and the
        forecasts of others follow. The promise stays."""
        self._ran.clear()
        self.expect(to_come)
        self.estimate(self.engine.admission.fluid_s(self.price))

    def count_call(self, call: "Call") -> None:
        """One of its calls has run."""
        self._ran[call.key] += 1
        self.count_unit()

    @property
    def progress(self) -> float:
        """Share of its device work that is done, 0 to 1; never less than it was. A unit counts as the seconds that it
        takes, since a face may take a thousand times as long as a unit of the search for it."""
        work = self.price.work
        left = tuple(replace(part, units=max(0, part.units - self._ran[part.network, part.shape])) for part in work)
        to_come = self.engine.admission.fluid_s(replace(self.price, work=left))
        if self.device_s > 0:
            self._progress = max(self._progress, self.device_s / (self.device_s + to_come))
        return self._progress

    async def run(self, network: Network, unit: Unit) -> Unit:
        """Run one unit and wait for its outputs. Raises DarkroomError when it failed."""
        sink = _Single(asyncio.get_running_loop())
        self.engine.device.put(Call(self, network, unit, sink, 0))
        return await sink.future

    def window(self, place: Callable[[int, Unit], None]) -> "Window":
        """For units that are not all at hand; see Window and `map`."""
        return Window(self, place)

    async def map(self, network: Network, units: Iterable[Unit], place: Callable[[int, Unit], None]) -> None:
        """Run every unit, a window of them at a time; `place(index, outputs)` is called in the thread pool, once a
        unit, in any order. `units` is consumed lazily, so tiles are cut only when their turn is near."""
        window = self.window(place)
        for index, unit in enumerate(units):
            await window.room(network, unit[0].shape)
            window.put(network, unit, index)
        await window.drain()

    async def in_pool(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function (decode, encode, a warp) in the thread pool for jobs of this size."""
        return await self.engine.pools.run(self, function, *args, **kwargs)


class _Single(Sink):
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.future: asyncio.Future[Unit] = loop.create_future()

    def deliver(self, results: list[tuple[int, Unit]]) -> None:
        if not self.future.done():
            self.future.set_result(results[0][1])

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


@dataclass(eq=False)
class Window(Sink):
    """Bounds a job's outstanding units: in line, on the device, or waiting to be placed.

    Wait for `room`, then `put` a unit; when the last has been put, `drain`. `place(index, outputs)` is called in the
    thread pool, once a unit, in any order; what it raises is raised by the next wait."""

    job: Job
    place: Callable[[int, Unit], None]
    outstanding: int = 0
    error: BaseException | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    async def room(self, network: Network, shape: tuple[int, ...]) -> None:
        """Wait until one more unit of this network and shape may be put. Raises what failed meanwhile."""
        limit = self.size(network, shape)
        await self.until(lambda: self.outstanding < limit)

    def put(self, network: Network, unit: Unit, index: int) -> None:
        """Put a unit in line."""
        self.outstanding += 1
        self.job.engine.device.put(Call(self.job, network, unit, self, index))

    async def drain(self) -> None:
        """Wait until every unit has been placed. Raises what failed meanwhile."""
        await self.until(lambda: not self.outstanding)

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait until `ready()`, which is asked whenever units have been placed, and by `ask_soon`. Raises what failed
        meanwhile."""
        while self.error is None and not ready():
            self._wake.clear()
            await self._wake.wait()
        if self.error is not None:
            raise self.error

    def ask_soon(self) -> None:
        """Ask what waits once more whether it is ready. Safe from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._wake.set)

    def size(self, network: Network, shape: tuple[int, ...]) -> int:
        """Units of this network and shape that may be outstanding."""
        engine = self.job.engine
        return max(2, int(engine.config.window_batches * engine.device.batch_limit(network, shape)))

    def deliver(self, results: list[tuple[int, Unit]]) -> None:
        if self.job.state == "done":
            return
        device, size = self.job.engine.device, sum(output.nbytes for _, outputs in results for output in outputs)
        placing = self.job.engine.pools.submit(self.job, self._place_all, results)
        device.hold(size)
        placing.add_done_callback(lambda done: self._placed(len(results), done, size))

    def fail(self, error: BaseException) -> None:
        self.outstanding -= 1
        self.error = self.error or error
        self._wake.set()

    def _place_all(self, results: list[tuple[int, Unit]]) -> float:
        """Seconds that it took."""
        started = now()
        for index, outputs in results:
            self.place(index, outputs)
        return now() - started

    def _placed(self, count: int, placing: "asyncio.Future[float]", size: int) -> None:
        self.job.engine.device.release(size)
        self.outstanding -= count
        if placing.cancelled():  # a picture with a hole in it is no answer
            self.error = self.error or InternalError("The results of the job could not be put together.")
        elif (failure := placing.exception()) is not None:
            self.error = self.error or failure
        else:
            self.job.timings.stitch_s += placing.result()
        self._wake.set()


def now() -> float:
    """The engine's clock: seconds, monotonic, unmoved when somebody sets the machine's time."""
    return time.monotonic()
