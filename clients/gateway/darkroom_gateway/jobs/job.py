"""One asynchronous job, from its start until it is forgotten."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from darkroom_client import JobState, Result

from darkroom_gateway.problems import Problem

State = Literal["waiting", "running", "done", "failed", "cancelled"]


class Signal:
    """Wakes everybody who waits, any number of times."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def next(self) -> asyncio.Event:
        """Is set when something happens after this call."""
        return self._next

    def fire(self) -> None:
        self._next.set()
        self._next = asyncio.Event()


@dataclass
class Job:
    """What a caller may know of it is `describe()`."""

    id: str
    task: str
    owner: str
    """Name of the API key that started it; others do not see it."""
    as_json: bool = False
    state: State = "waiting"
    progress: JobState | None = None
    result: Result | None = None
    problem: Problem | None = None
    fetched: bool = False
    created: float = field(default_factory=time.time)
    """Seconds since 1970: for people. That clock may jump, so nothing is reckoned with it."""
    begun: float = field(default_factory=time.monotonic)
    """Of a clock that does not jump, seconds, as are `ended` and `forgotten_at`."""
    ended: float | None = None
    forgotten_at: float | None = None
    changed: Signal = field(default_factory=Signal)
    work: asyncio.Task[None] | None = None

    @property
    def unfinished(self) -> bool:
        return self.state in ("waiting", "running")

    @property
    def bytes(self) -> int:
        return len(self.result.bytes) if self.result else 0

    def show(self, progress: JobState) -> None:
        """Called while the server has the job. `unknown` is a job in Triton's own queue."""
        if not self.unfinished or progress == self.progress:
            return
        if progress.state == "running":
            self.state = "running"
        self.progress = progress
        self.changed.fire()

    def end(self, state: State, *, result: Result | None = None, problem: Problem | None = None) -> None:
        self.state, self.result, self.problem = state, result, problem
        self.ended = time.monotonic()
        self.changed.fire()

    def describe(self, url: str) -> dict[str, Any]:
        """JSON for callers. `url`: of the job itself."""
        about: dict[str, Any] = {
            "id": self.id,
            "task": self.task,
            "state": self.state,
            "created_at": round(self.created, 3),
            "url": url,
            "events_url": f"{url}/events",
            "result_url": f"{url}/result",
        }
        if self.progress and self.unfinished:
            about |= _progress(self.progress)
        if self.result:
            about |= {"bytes": self.bytes, "report": dict(self.result.report.raw), "progress": 1.0}
        if self.problem:
            about["error"] = self.problem.body(self.id)
        if self.ended:
            about["ended_at"] = round(self.created + self.ended - self.begun, 3)
        if self.forgotten_at:
            about["kept_for_s"] = round(max(0.0, self.forgotten_at - time.monotonic()), 1)
        return about


def _progress(state: JobState) -> dict[str, Any]:
    known = {
        "units_done": state.units_done,
        "units_total": state.units_total,
        "progress": None if state.fraction is None else round(state.fraction, 4),
        "eta_s": None if state.eta_s is None else round(state.eta_s, 2),
        "preview": state.raw.get("preview"),
    }
    return {name: value for name, value in known.items() if value is not None}
