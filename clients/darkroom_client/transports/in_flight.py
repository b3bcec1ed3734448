"""A request that a blocking transport has sent."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from darkroom_client.wire import Answer


@dataclass(frozen=True)
class InFlight:
    """`future` ends in an Answer or a Failure; `cancel` stops the request as far as the protocol can."""

    future: Future[Answer]
    cancel: Callable[[], object]
