"""The two links: transports with the clock and the waiting that go with them."""

import asyncio
import concurrent.futures
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from darkroom_client.address import Address
from darkroom_client.link import Pending, Question
from darkroom_client.tls import Tls
from darkroom_client.transports.in_flight import InFlight
from darkroom_client.wire import Answer, Call, Failure

T = TypeVar("T")

# How long a cancelled request may take to unwind before nobody looks after it any more.
_UNWIND_S = 1.0


class _Blocking(Protocol):
    cancel_reaches_server: bool

    def submit(self, call: Call) -> InFlight: ...
    def ask(self, question: Question) -> Any: ...
    def close(self) -> None: ...


class _Aio(Protocol):
    cancel_reaches_server: bool

    async def infer(self, call: Call) -> Answer: ...
    async def ask(self, question: Question) -> Any: ...
    async def close(self) -> None: ...


class BlockingLink:
    """Methods that wait inside the call and never suspend, as `darkroom_client.link.drive` asks."""

    def __init__(self, address: Address, tls: Tls | None) -> None:
        self.address = address
        self._transport = _blocking(address, tls)
        self.cancel_reaches_server = self._transport.cancel_reaches_server

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def offload(self, work: Callable[[], T]) -> T:
        return work()

    async def start(self, call: Call) -> Pending:
        return _BlockingPending(self._transport.submit(call))

    async def ask(self, question: Question) -> Any:
        return self._transport.ask(question)

    async def close(self) -> None:
        self._transport.close()


class _BlockingPending:
    def __init__(self, in_flight: InFlight) -> None:
        self._in_flight = in_flight

    async def wait(self, seconds: float) -> Answer | None:
        try:
            return self._in_flight.future.result(seconds)
        except concurrent.futures.CancelledError:
            raise Failure("CANCELLED", "The request was cancelled on this side.") from None
        except TimeoutError:
            return None

    async def abandon(self) -> None:
        self._in_flight.cancel()


class AsyncLink:
    """A link on the running event loop. The transport is made on first use, inside that loop."""

    def __init__(self, address: Address, tls: Tls | None) -> None:
        self.address, self._tls = address, tls
        self._made: _Aio | None = None
        self.cancel_reaches_server = address.protocol == "grpc"

    @property
    def _transport(self) -> _Aio:
        if self._made is None:
            self._made = _aio(self.address, self._tls)
        return self._made

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def offload(self, work: Callable[[], T]) -> T:
        return await asyncio.to_thread(work)

    async def start(self, call: Call) -> Pending:
        return _AsyncPending(asyncio.create_task(self._transport.infer(call)))

    async def ask(self, question: Question) -> Any:
        return await self._transport.ask(question)

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()
            self._made = None


class _AsyncPending:
    def __init__(self, task: asyncio.Task[Answer]) -> None:
        self._task = task

    async def wait(self, seconds: float) -> Answer | None:
        done, _ = await asyncio.wait({self._task}, timeout=seconds)
        return self._task.result() if done else None

    async def abandon(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=_UNWIND_S)
        # An exception that nobody fetches would be printed when the task is collected.
        if self._task.done() and not self._task.cancelled():
            self._task.exception()


def _blocking(address: Address, tls: Tls | None) -> _Blocking:
    # Each protocol's library is large; who speaks gRPC need not wait for aiohttp to load.
    if address.protocol == "grpc":
        from darkroom_client.transports.grpc_blocking import GrpcBlocking

        return GrpcBlocking(address, tls)
    from darkroom_client.transports.http_blocking import HttpBlocking

    return HttpBlocking(address, tls)


def _aio(address: Address, tls: Tls | None) -> _Aio:
    if address.protocol == "grpc":
        from darkroom_client.transports.grpc_aio import GrpcAio

        return GrpcAio(address, tls)
    from darkroom_client.transports.http_aio import HttpAio

    return HttpAio(address, tls)
