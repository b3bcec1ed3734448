"""HTTP from any number of threads.

tritonclient's blocking HTTP client belongs to the thread that made it (gevent), and a call on it cannot be given up.
So one thread runs an event loop with the asynchronous transport, whose connections all callers share.
"""

import asyncio
import threading
import weakref
from collections.abc import Coroutine
from typing import Any, TypeVar

from darkroom_client.address import Address
from darkroom_client.link import Question
from darkroom_client.tls import Tls
from darkroom_client.transports.http_aio import HttpAio
from darkroom_client.transports.in_flight import InFlight
from darkroom_client.wire import Call

T = TypeVar("T")


class HttpBlocking:
    """HttpAio on a loop of its own."""

    cancel_reaches_server = False

    def __init__(self, address: Address, tls: Tls | None) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon, so that a client nobody closed does not keep the program alive.
        self._thread = threading.Thread(target=self._loop.run_forever, name="darkroom-http", daemon=True)
        self._thread.start()
        self._http = self._run(_made(address, tls))
        self._closing = weakref.finalize(self, _shut_down, self._http, self._loop, self._thread)

    def submit(self, call: Call) -> InFlight:
        """Send `call`. Cancelling what is returned closes the connection; the server goes on with the job."""
        future = asyncio.run_coroutine_threadsafe(self._http.infer(call), self._loop)
        return InFlight(future, future.cancel)

    def ask(self, question: Question) -> Any:
        """Raises Failure."""
        return self._run(self._http.ask(question))

    def close(self) -> None:
        self._closing()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _shut_down(http: HttpAio, loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """Also runs for a client that nobody closed, when it is collected or the program ends."""
    if threading.current_thread() is thread:
        # The collector runs in whichever thread allocates, which may be the one that would have to be joined.
        closing = loop.create_task(http.close())
        closing.add_done_callback(lambda _: loop.stop())
        return
    asyncio.run_coroutine_threadsafe(http.close(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _made(address: Address, tls: Tls | None) -> HttpAio:
    return HttpAio(address, tls)
