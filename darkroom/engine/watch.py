"""The watcher: a thread that looks after callers that have gone, promises, and what others are to know."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from darkroom.engine.complaints import Complaints
from darkroom.engine.job import Job, now
from darkroom.errors import CancelledError

if TYPE_CHECKING:
    from darkroom.engine.core import Engine

T = TypeVar("T")

TICK_S = 0.05
"""How often it looks."""
ASKED_A_TICK = 16
"""Jobs whose callers are asked for in one tick: each costs a call to another process."""
REPRICED_EVERY = 10
"""Ticks until every job has been priced anew: estimates move on while jobs wait."""


class Watcher:
    """Looks at an engine's jobs every TICK_S, from a thread of its own. It changes no job but by the engine's means;
    what it writes into jobs are single numbers."""

    def __init__(self, engine: "Engine", on_tick: Sequence[Callable[["Engine"], None]]) -> None:
        """`on_tick`: called with the engine at every tick, to publish states and metrics."""
        self._engine = engine
        self._on_tick = on_tick
        self._complaints = Complaints()
        self._turn: Iterator[Job] = iter(())
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="darkroom-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._closed.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        for tick in itertools.count():
            if self._closed.wait(TICK_S):
                return
            jobs = list(self._engine.jobs.values())
            self._try("callers could not be looked after", self._ask_for_callers, jobs)
            self._try("jobs could not be priced anew", self._reprice, jobs[tick % REPRICED_EVERY :: REPRICED_EVERY])
            self._try("promises could not be renewed", self._renew_promises, jobs)
            for publish in self._on_tick:
                self._try("states or metrics could not be published", publish, self._engine)

    def _try(self, complaint: str, look: Callable[[T], None], at: T) -> None:
        """What fails once may work at the next tick, and what fails for ever must not end the rest."""
        try:
            look(at)
        except Exception as error:
            self._complaints.make(complaint, error)

    def _ask_for_callers(self, jobs: list[Job]) -> None:
        self._turn = _continue(self._turn, jobs)
        for job in itertools.islice(self._turn, max(ASKED_A_TICK, len(jobs) // 10)):
            self._try("could not ask whether a caller has gone", self._ask_for_caller, job)

    def _ask_for_caller(self, job: Job) -> None:
        if job.state != "done" and job.request.is_cancelled():
            self._engine.stop_soon(job, CancelledError("The caller cancelled the job."))

    def _reprice(self, jobs: list[Job]) -> None:
        for job in jobs:
            job.estimate(self._engine.admission.fluid_s(job.price))

    def _renew_promises(self, jobs: list[Job]) -> None:
        for job in jobs:
            job.renew_promise(now())


def _continue(turn: Iterator[Job], jobs: list[Job]) -> Iterator[Job]:
    """Go on where the last tick stopped; jobs that came meanwhile have their turn next."""
    rest = [job for job in turn if job.state != "done"]
    return iter(rest or jobs)
