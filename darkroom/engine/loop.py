"""An event loop in a thread of its own, which goes on whatever its callbacks and coroutines do."""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from darkroom.engine.complaints import Complaints
from darkroom.errors import UnavailableError

T = TypeVar("T")

ALIVE_EVERY_S = 1.0
"""How often a caller that waits for the loop makes sure that there is one."""


class LoopThread:
    """Runs coroutines for other threads."""

    def __init__(self, complaints: Complaints) -> None:
        self.loop = asyncio.new_event_loop()
        self._complaints = complaints
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="darkroom-engine", daemon=True)

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    @property
    def alive(self) -> bool:
        """Whether it still runs what it is asked to."""
        return not self.closed and self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine and wait for its result. Raises UnavailableError when the loop has ended."""
        if self.closed:
            coroutine.close()
            raise unloading()
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        while self._thread.is_alive():
            with contextlib.suppress(concurrent.futures.TimeoutError):
                return future.result(ALIVE_EVERY_S)
            if future.done():
                return future.result()
        coroutine.close()
        raise unloading()

    def call_soon(self, function: Callable[..., Any], *args: Any) -> None:
        """Run a function on the loop; not at all when the loop has ended."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(function, *args)

    def close(self) -> None:
        """From now on `call` refuses; what runs goes on until `end`."""
        self._closed.set()

    def end(self, timeout_s: float) -> None:
        self._closed.set()
        self.call_soon(self.loop.stop)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.set_exception_handler(self._complain)
        while not self.closed:
            try:
                self.loop.run_forever()
            except BaseException as error:  # SystemExit out of a callback: asyncio lets it through
                self._complaints.make("the event loop was left, and goes on", error)

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception") or RuntimeError(context["message"])
        self._complaints.make("a callback of the engine failed", error)


def unloading() -> UnavailableError:
    return UnavailableError("The model is being unloaded.", retry_after_s=1.0)
